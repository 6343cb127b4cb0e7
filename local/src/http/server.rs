//! The port: takes requests, finds their service, refuses what no service would read.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::http::{AwsError, Form, Reply, authorization, body};
use crate::services::Services;

/// How long a request that is under way may hold up the shutdown.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

const JSON_1_0: &str = "application/x-amz-json-1.0";
const JSON_1_1: &str = "application/x-amz-json-1.1";

/// The running server.
#[derive(Debug)]
pub(crate) struct Server {
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

/// Serves `services` on `listener`.
pub(crate) fn serve(listener: TcpListener, services: Arc<Services>) -> Server {
    let (stop, stopped) = oneshot::channel();
    // Answers are small and clients wait for each, so Nagle's algorithm would only add 40 ms to some.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let app = Router::new().fallback(by_port).with_state(services);
    let task = tokio::spawn(async move {
        axum::serve(listener, app)
            .with_graceful_shutdown(async {
                let _ = stopped.await;
            })
            .await
    });
    Server { stop, task }
}

impl Server {
    /// Takes no more requests, and waits a little for those that are under way and for `others`.
    pub(crate) async fn stop(self, others: impl Future<Output = ()>) {
        let _ = self.stop.send(());
        let mut task = self.task;
        let all = async { tokio::join!(&mut task, others) };
        if tokio::time::timeout(LAST_REQUESTS, all).await.is_err() {
            task.abort();
        }
    }
}

async fn by_port(State(services): State<Arc<Services>>, request: Request) -> Response {
    handle(services, request).await
}

/// Answers a request, wherever it comes from.
pub(super) async fn handle(services: Arc<Services>, request: Request) -> Response {
    let request_id = uuid::Uuid::new_v4().to_string();
    let id = request_id.clone();
    // A task of its own: a client that hangs up drops this future, but a request that was read runs to its end, as
    // on AWS. What is half done would be done by nobody.
    let work = tokio::spawn(async move { route(&services, request, &id).await });
    let reply = work.await.unwrap_or_else(|e| {
        Reply::rest_error(&AwsError::internal(format_args!("the request failed unexpectedly: {e}")))
    });
    reply.into_response(&request_id)
}

async fn route(services: &Services, request: Request, request_id: &str) -> Reply {
    let (head, body) = request.into_parts();
    if !is_for_loopback(&head.headers) {
        let message = "the endpoint answers requests to loopback addresses only";
        return Reply::rest_error(&AwsError::client("AccessDeniedException", message).with_status(403));
    }
    let target = text_header(&head.headers, "x-amz-target");
    let json = target.is_some() || is_json(&head.headers);
    let content_type = match text_header(&head.headers, "content-type") {
        Some(t) if t.starts_with(JSON_1_0) => JSON_1_0,
        _ => JSON_1_1,
    };
    let refused = |error: &AwsError| match (head.uri.path(), json) {
        ("/", true) => Reply::json_error(content_type, error),
        // The query protocol's names are the same without the suffix.
        ("/", false) => {
            let code = error.code.trim_end_matches("Exception").to_owned();
            Reply::xml_error(&AwsError { code: code.into(), ..error.clone() }, request_id)
        }
        _ => Reply::rest_error(error),
    };
    let body = match body::read(body, &head.headers, target, head.uri.path()).await {
        Ok(body) => body,
        Err(error) => return refused(&error),
    };
    if let Err(error) = authorization::check(&head.headers) {
        return refused(&error);
    }
    if head.uri.path() != "/" {
        return match services.rest(&head.method, &head.uri, &head.headers, &body, request_id).await {
            Ok(reply) => reply,
            Err(error) => Reply::rest_error(&error),
        };
    }
    if head.method != Method::POST {
        return Reply::rest_error(&AwsError::not_implemented(format_args!("{} /", head.method)));
    }
    if let Some(target) = target {
        let invocation = text_header(&head.headers, "amz-sdk-invocation-id");
        return match services.json(target, &body, content_type, invocation).await {
            Ok(reply) => reply,
            Err(error) => Reply::json_error(content_type, &error),
        };
    }
    if json {
        let message = "the request has no X-Amz-Target header";
        return refused(&AwsError::client("UnknownOperationException", message));
    }
    let answer = match Form::parse(&body) {
        Ok(form) => services.query(&form, request_id).await,
        Err(error) => Err(error),
    };
    xml(answer, request_id)
}

fn xml(answer: Result<String, AwsError>, request_id: &str) -> Reply {
    match answer {
        Ok(xml) => Reply::xml(xml),
        Err(error) => Reply::xml_error(&error, request_id),
    }
}

/// A page in a browser can make its own host name resolve to this machine. Its requests carry that name, or the
/// page's origin.
fn is_for_loopback(headers: &HeaderMap) -> bool {
    let host = text_header(headers, "host").unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]") && !headers.contains_key(header::ORIGIN)
}

fn text_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether the body is of a JSON protocol, though the header that names its operation may be missing.
fn is_json(headers: &HeaderMap) -> bool {
    text_header(headers, "content-type").is_some_and(|t| t.starts_with("application/x-amz-json"))
}
