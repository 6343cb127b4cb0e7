//! A bounded copy of what a process writes.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Reads to the end, keeps the first `limit` bytes and drops the rest: a process that writes much must not
/// block, and must not cost memory.
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
