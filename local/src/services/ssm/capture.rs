//! A bounded copy of a process's output.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Reads until the end, keeps the first `limit` bytes and drops the rest, so that a process with much output neither
/// blocks nor costs memory.
pub(super) async fn capture(mut pipe: impl AsyncRead + Unpin, limit: usize, kept: &mut Vec<u8>) {
    let mut buffer = vec![0; 4096];
    while let Ok(count) = pipe.read(&mut buffer).await {
        if count == 0 {
            return;
        }
        let room = limit.saturating_sub(kept.len());
        kept.extend(buffer.iter().take(count.min(room)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_start_and_reads_the_rest() {
        let text = vec![b'a'; 100_000];
        let mut kept = Vec::new();
        capture(text.as_slice(), 24_000, &mut kept).await;
        assert_eq!(kept.len(), 24_000);
    }
}
