//! A thread that owns a value and processes closures in order.
//!
//! SQLite has one writer at a time, so more threads would only wait for locks, and async tasks must not block. Here the
//! tasks send closures and await their results. Nothing is shared, so nothing is locked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::{mpsc, oneshot};

/// Capacity of the queue. Large enough to keep the thread busy, small enough that a burst of requests waits in the
/// clients' sockets.
const QUEUE: usize = 256;

enum Message<T> {
    Run(Box<dyn FnOnce(&mut T) + Send>),
    Close(oneshot::Sender<()>),
}

/// A handle of a thread that owns a `T`.
pub(crate) struct Worker<T> {
    queue: mpsc::Sender<Message<T>>,
}

impl<T> std::fmt::Debug for Worker<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Worker")
    }
}

impl<T> Clone for Worker<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

/// The thread has ended, or the closure panicked.
#[derive(Debug, thiserror::Error)]
#[error("the endpoint is shutting down, or the request failed unexpectedly")]
pub(crate) struct WorkerGone;

impl<T: Send + 'static> Worker<T> {
    /// Starts the thread. It ends when it is closed, or when its last `Worker` is dropped.
    pub(crate) fn start(name: &str, mut state: T) -> std::io::Result<Self> {
        let (queue, mut messages) = mpsc::channel(QUEUE);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Some(message) = messages.blocking_recv() {
                match message {
                    Message::Run(work) => {
                        // A panic of one request must not end the service. An open transaction is rolled back when it is dropped, so the
                        // state is consistent.
                        let _ = catch_unwind(AssertUnwindSafe(|| work(&mut state)));
                    }
                    Message::Close(closed) => {
                        drop(state);
                        let _ = closed.send(());
                        return;
                    }
                }
            }
        })?;
        Ok(Self { queue })
    }

    /// Runs `work` on the thread, after earlier closures, and returns its result.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, WorkerGone> {
        let (sender, answer) = oneshot::channel();
        let run = Box::new(move |state: &mut T| {
            let _ = sender.send(work(state));
        });
        self.queue.send(Message::Run(run)).await.map_err(|_| WorkerGone)?;
        answer.await.map_err(|_| WorkerGone)
    }

    /// Ends the thread after earlier closures, and waits until its value is dropped.
    pub(crate) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.queue.send(Message::Close(closed)).await.is_ok() {
            let _ = done.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn works_in_order_and_outlives_a_panic() {
        let worker = Worker::start("test", Vec::new()).unwrap();
        worker.run(|list: &mut Vec<u32>| list.push(1)).await.unwrap();
        assert!(worker.run(|_| -> u32 { panic!("a bug in one request") }).await.is_err());
        worker.run(|list| list.push(2)).await.unwrap();
        assert_eq!(worker.run(|list| list.clone()).await.unwrap(), [1, 2]);
        worker.close().await;
        assert!(worker.run(|list| list.len()).await.is_err());
    }
}
