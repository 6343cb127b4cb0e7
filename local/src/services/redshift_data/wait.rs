//! Waiting for the end of a statement, as `WaitTimeSeconds` asks for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::http::AwsError;
use crate::services::redshift_data::Shared;

/// Calls that may wait for one statement at once. The service has such a limit, and does not say which.
const MOST_WAITERS: usize = 10;

/// Waits until a statement has ended, at most for `patience` and until the endpoint closes.
pub(super) async fn until_ended(shared: &Shared, id: &str, patience: Duration) {
    let Some(running) = shared.running(id) else { return };
    tokio::select! {
        () = running.ended.cancelled() => {}
        () = shared.closing.cancelled() => {}
        () = tokio::time::sleep(patience) => {}
    }
}

/// As [`until_ended`], for a call that only waits: there may not be too many of them.
///
/// # Errors
/// `ActiveWaitingRequestsExceededException`.
pub(super) async fn among_others(shared: &Shared, id: &str, seconds: Option<u64>) -> Result<(), AwsError> {
    let (Some(seconds), Some(running)) = (seconds, shared.running(id)) else { return Ok(()) };
    let Some(_place) = Waiter::enter(&running.waiters) else {
        let message = format!("More than {MOST_WAITERS} requests wait for the statement {id}.");
        return Err(AwsError::client("ActiveWaitingRequestsExceededException", message));
    };
    until_ended(shared, id, Duration::from_secs(seconds)).await;
    Ok(())
}

/// A place among those who wait.
struct Waiter<'a>(&'a AtomicUsize);

impl<'a> Waiter<'a> {
    fn enter(count: &'a AtomicUsize) -> Option<Self> {
        let entered = count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < MOST_WAITERS).then_some(n + 1))
            .is_ok();
        entered.then_some(Self(count))
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
