//! Reads a request's body within the limit of its service.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::http::{HeaderMap, header};

use crate::http::AwsError;

const MB: usize = 1024 * 1024;

/// Allowance for names, escapes and the text around the payload.
const AROUND: usize = 64 * 1024;

/// The largest body of any service.
const LARGEST: usize = 16 * MB + AROUND;

/// Maximum excess that is read before the refusal, so that the client reads the refusal instead of a broken connection.
const HEARD: usize = 64 * MB;

/// Timeout for a body.
const WHOLE: Duration = Duration::from_secs(30);

/// Timeout for reading a body that is refused.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest body of a service, by `X-Amz-Target` or else by path.
fn limit(target: Option<&str>, path: &str) -> usize {
    let service = target.and_then(|target| target.split(['_', '.']).next());
    match service {
        // `BatchWriteItem` (DynamoDB developer guide, "Service quotas").
        Some("DynamoDB" | "DynamoDBStreams") => LARGEST,
        // A batch is 1 MB of text (`PutLogEvents`), of which JSON may write each byte as six.
        Some("Logs") => 7 * MB,
        // 40 statements of 100 KB (`BatchExecuteStatement`), of which most bytes are written as they are.
        Some("RedshiftData") => 8 * MB,
        // A request to Step Functions is at most 1 MB (Step Functions developer guide, "Service quotas"); the others
        // have smaller members.
        Some(_) => MB + AROUND,
        // Lambda's payload, whose own check names the exact number.
        None if path != "/" => 8 * MB,
        None => MB + AROUND,
    }
}

/// Reads the body of a request.
///
/// # Errors
/// `RequestEntityTooLargeException`, HTTP 413; `RequestTimeoutException`, HTTP 408.
pub(super) async fn read(
    body: Body,
    headers: &HeaderMap,
    target: Option<&str>,
    path: &str,
) -> Result<Bytes, AwsError> {
    let limit = limit(target, path);
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > HEARD) {
        return Err(too_large(limit));
    }
    if declared.is_some_and(|length| length > limit) {
        discard(body).await;
        return Err(too_large(limit));
    }
    // Without a declared length, the body is read until its end.
    match tokio::time::timeout(WHOLE, to_bytes(body, limit)).await {
        Ok(read) => read.map_err(|_| too_large(limit)),
        Err(_) => {
            let message = format!("the request's body did not arrive within {} seconds", WHOLE.as_secs());
            Err(AwsError::client("RequestTimeoutException", message).with_status(408))
        }
    }
}

async fn discard(mut body: Body) {
    let all =
        async { while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {} };
    let _ = tokio::time::timeout(PATIENCE, all).await;
}

fn too_large(limit: usize) -> AwsError {
    let message = format!("the request is larger than {limit} bytes");
    AwsError::client("RequestEntityTooLargeException", message).with_status(413)
}
