//! The port: accepts requests, finds their service, and refuses requests that no service accepts.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::authorization::Protocol;
use crate::http::connections::{Connection, Connections, HEAD};
use crate::http::{AwsError, Form, Reply, authorization, body};
use crate::services::Services;

/// Maximum delay of the shutdown by running requests.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

const JSON_1_0: &str = "application/x-amz-json-1.0";
const JSON_1_1: &str = "application/x-amz-json-1.1";

/// The pause after a connection could not be accepted, for example because of too many open files.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// The running server.
#[derive(Debug)]
pub(crate) struct Server {
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Serves `services` on `listener`.
pub(crate) fn serve(listener: TcpListener, services: Arc<Services>) -> Server {
    let server = Server { stop: CancellationToken::new(), tasks: TaskTracker::new() };
    let (stop, tasks) = (server.stop.clone(), server.tasks.clone());
    server.tasks.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = accept(listener, services, &stop, &tasks) => {}
        }
    });
    server
}

impl Server {
    /// Accepts no more requests, and waits for running ones and for `others`, for a limited time.
    pub(crate) async fn stop(self, others: impl Future<Output = ()>) {
        self.stop.cancel();
        self.tasks.close();
        let all = async { tokio::join!(self.tasks.wait(), others) };
        let _ = tokio::time::timeout(LAST_REQUESTS, all).await;
    }
}

async fn accept(
    listener: TcpListener,
    services: Arc<Services>,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) {
    let connections = Connections::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = connections.enter().await;
                // Answers are small and clients wait for each, so Nagle's algorithm would only add 40 ms to some of them.
                let _ = stream.set_nodelay(true);
                tasks.spawn(answer_all(stream, Arc::clone(&services), connection, stop.clone()));
            }
            Err(error) => {
                tracing::warn!("a connection cannot be accepted: {error}");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// Answers the requests of a connection in sequence, until the client or the endpoint closes it.
async fn answer_all(
    stream: TcpStream,
    services: Arc<Services>,
    connection: Connection,
    stop: CancellationToken,
) {
    let connection = Arc::new(connection);
    let close = connection.close.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (services, connection) = (Arc::clone(&services), Arc::clone(&connection));
        async move {
            let answer = handle(services, request.map(Body::new), Some(Arc::clone(&connection))).await;
            connection.waits();
            Ok::<_, Infallible>(answer)
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    tokio::select! {
        // The client has closed the connection, or is too slow.
        _ = &mut serving => {}
        () = close.cancelled() => {}
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}

/// Answers a request, from the port or from this process.
pub(super) async fn handle(
    services: Arc<Services>,
    request: Request,
    connection: Option<Arc<Connection>>,
) -> Response {
    let request_id = uuid::Uuid::new_v4().to_string();
    let id = request_id.clone();
    // A separate task: a client that disconnects drops this future, but as on AWS, a request that was read is completed.
    let work = tokio::spawn(async move { route(&services, request, connection.as_deref(), &id).await });
    let reply = work.await.unwrap_or_else(|e| {
        Reply::rest_error(&AwsError::internal(format_args!("the request failed unexpectedly: {e}")))
    });
    reply.into_response(&request_id)
}

async fn route(
    services: &Services,
    request: Request,
    connection: Option<&Connection>,
    request_id: &str,
) -> Reply {
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
    let protocol = match (head.uri.path(), json) {
        ("/", true) => Protocol::Json,
        ("/", false) => Protocol::Query,
        _ => Protocol::Rest,
    };
    let refused = |error: &AwsError| match protocol {
        Protocol::Json => Reply::json_error(content_type, error),
        // The query protocol's names are the same without the suffix.
        Protocol::Query => {
            let code = error.code.trim_end_matches("Exception").to_owned();
            Reply::xml_error(&AwsError { code: code.into(), ..error.clone() }, request_id)
        }
        Protocol::Rest => Reply::rest_error(error),
    };
    let body = match body::read(body, &head.headers, target, head.uri.path()).await {
        Ok(body) => body,
        Err(error) => return refused(&error),
    };
    if let Some(connection) = connection {
        connection.works();
    }
    let signed = authorization::check(services.keys.as_ref(), &head, &body, SystemTime::now());
    if let Err(refusal) = signed {
        return refused(&refusal.error(protocol));
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

/// Refuses requests from web pages: a page can resolve its own host name to this machine. Its requests have that name, or
/// the page's origin.
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
