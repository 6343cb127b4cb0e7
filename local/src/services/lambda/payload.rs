//! Limits of payloads.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>

use crate::http::AwsError;

/// The largest event of a synchronous invocation, in bytes.
const LARGEST_REQUEST: usize = 6 * 1024 * 1024;

/// The largest event of an asynchronous invocation, in bytes.
const LARGEST_EVENT: usize = 1024 * 1024;

/// The largest answer of a function, in bytes: 6 MB and 100 bytes of overhead.
pub(super) const LARGEST_ANSWER: usize = 6 * 1024 * 1024 + 100;

pub(super) fn check_request(size: usize) -> Result<(), AwsError> {
    check(size, LARGEST_REQUEST, "RequestResponse")
}

pub(super) fn check_event(size: usize) -> Result<(), AwsError> {
    check(size, LARGEST_EVENT, "Event")
}

fn check(size: usize, limit: usize, kind: &str) -> Result<(), AwsError> {
    if size <= limit {
        return Ok(());
    }
    // The API reference says RequestTooLargeException. The service returns this name.
    let message =
        format!("{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)");
    Err(AwsError::client("RequestEntityTooLargeException", message).with_status(413))
}
