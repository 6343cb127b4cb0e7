//! Periodic work of the endpoint.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The interval.
const PAUSE: Duration = Duration::from_secs(3600);

/// Runs the work at once and then every hour, until the endpoint closes.
pub(crate) async fn regularly<F: Future<Output = ()>>(
    closing: &CancellationToken,
    mut work: impl FnMut() -> F,
) {
    let all = async {
        loop {
            work().await;
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = closing.cancelled() => {}
        () = all => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn once_an_hour_until_the_end() {
        let (closing, mut times) = (CancellationToken::new(), 0);
        let end = closing.clone();
        regularly(&closing, || {
            times += 1;
            if times == 5 {
                end.cancel();
            }
            std::future::ready(())
        })
        .await;
        assert_eq!(times, 5);
    }
}
