//! Waiting for conditions, never for durations.

use std::time::{Duration, Instant};

/// As [`eventually_within`], for a minute: much longer than anything takes, and shorter than a person waits.
pub async fn eventually<T>(what: &str, check: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(Duration::from_secs(60), what, check).await
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// With `what` was waited for, when there is none in time.
pub async fn eventually_within<T>(
    limit: Duration,
    what: &str,
    mut check: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = check().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
