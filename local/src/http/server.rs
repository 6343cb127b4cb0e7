//! The port: takes requests, finds their service, bounds their size.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::http::{AwsError, Form, Reply};
use crate::services::Services;
use crate::services::scheduler::Scheduler;

/// The largest request of all services here: DynamoDB's 16 MB (`BatchWriteItem`), and a little for what is
/// around it.
const LARGEST_BODY: usize = 16 * 1024 * 1024 + 64 * 1024;

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
    let app = Router::new().fallback(handle).with_state(services);
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
    /// Takes no more requests, and waits a little for those that are under way.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        let mut task = self.task;
        if tokio::time::timeout(LAST_REQUESTS, &mut task).await.is_err() {
            task.abort();
        }
    }
}

async fn handle(State(services): State<Arc<Services>>, request: Request) -> Response {
    let request_id = uuid::Uuid::new_v4().to_string();
    route(&services, request, &request_id).await.into_response(&request_id)
}

async fn route(services: &Services, request: Request, request_id: &str) -> Reply {
    let (head, body) = request.into_parts();
    if !is_for_loopback(&head.headers) {
        let message = "the endpoint answers requests to loopback addresses only";
        return Reply::rest_error(&AwsError::client("AccessDeniedException", message).with_status(403));
    }
    let declared =
        head.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let body = match declared {
        Some(length) if length > LARGEST_BODY => return too_large(),
        _ => match to_bytes(body, LARGEST_BODY).await {
            Ok(body) => body,
            Err(_) => return too_large(),
        },
    };
    if let Some(rest) = head.uri.path().strip_prefix("/2015-03-31/") {
        return match services.lambda().rest(&head.method, rest, &head.headers, &body).await {
            Ok(reply) => reply,
            Err(error) => Reply::rest_error(&error),
        };
    }
    if Scheduler::has_path(head.uri.path()) {
        let query = head.uri.query().unwrap_or_default();
        return match services.scheduler.rest(&head.method, head.uri.path(), query, &body).await {
            Ok(reply) => reply,
            Err(error) => Reply::rest_error(&error),
        };
    }
    if head.method == Method::GET
        && head.uri.path() == "/"
        && let Some(query) = head.uri.query()
    {
        // The links that SNS sends to its subscribers.
        let answer = match Form::parse(query.as_bytes()) {
            Ok(form) => services.link(&form, request_id).await,
            Err(error) => Err(error),
        };
        return xml(answer, request_id);
    }
    if head.method != Method::POST || head.uri.path() != "/" {
        let what = format!("{} {}", head.method, head.uri.path());
        return Reply::rest_error(&AwsError::not_implemented(what));
    }
    if let Some(target) = text_header(&head.headers, "x-amz-target") {
        let content_type = match text_header(&head.headers, "content-type") {
            Some(t) if t.starts_with(JSON_1_0) => JSON_1_0,
            _ => JSON_1_1,
        };
        return match services.json(target, &body, content_type).await {
            Ok(reply) => reply,
            Err(error) => Reply::json_error(content_type, &error),
        };
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

fn too_large() -> Reply {
    let message = format!("the request is larger than {LARGEST_BODY} bytes");
    Reply::rest_error(&AwsError::client("RequestEntityTooLargeException", message).with_status(413))
}
