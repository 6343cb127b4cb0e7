//! Running executions, by id.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use asl::{Execution, Input, Rejected};
use tokio::sync::{mpsc, oneshot, watch};

use crate::http::AwsError;

/// Capacity of an actor's mailbox. Beyond it the senders wait. The actor never waits for them.
const MAILBOX: usize = 256;

/// The result of an input: the execution accepts or refuses it, or does not receive it.
pub(super) type Fed = Result<Result<(), Rejected>, Unfed>;

/// Why an execution did not receive an input.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Unfed {
    /// Its actor has ended: the execution has ended, or the endpoint is closing.
    Gone,
    /// The input could not be written to the state directory. The execution did not change.
    Unwritten(AwsError),
}

/// A message to an actor.
pub(super) enum Message {
    /// An input. `answer` receives the result. Without `answer`, the sender does not repeat the input, so it must not be
    /// lost.
    Input { input: Input, answer: Option<oneshot::Sender<Fed>> },
    /// A request for the state of the execution.
    Read(Box<dyn FnOnce(&Execution) + Send>),
}

/// The actor does not return the state: the execution has ended, the endpoint is closing, or the last step is not on disk
/// yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

/// A running execution, as all tasks except its actor see it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: i64,
    pub(super) mailbox: mpsc::Sender<Message>,
    /// True when its end is on disk.
    pub(super) ended: watch::Sender<bool>,
}

impl Entry {
    /// An execution, and the receiver of its actor.
    pub(super) fn new(id: i64) -> (Arc<Self>, mpsc::Receiver<Message>) {
        let (mailbox, messages) = mpsc::channel(MAILBOX);
        (Arc::new(Self { id, mailbox, ended: watch::Sender::new(false) }), messages)
    }

    /// Waits for the end.
    pub(super) async fn end(&self) {
        // The sender is part of this value, so it still exists.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Sends an input and waits until it is accepted or refused.
    pub(super) async fn feed(&self, input: Input) -> Fed {
        let (sender, answer) = oneshot::channel();
        self.mailbox.send(Message::Input { input, answer: Some(sender) }).await.map_err(|_| Unfed::Gone)?;
        answer.await.unwrap_or(Err(Unfed::Gone))
    }

    /// Returns the state of the execution.
    pub(super) async fn read<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Execution) -> R + Send + 'static,
    ) -> Result<R, Gone> {
        let (sender, answer) = oneshot::channel();
        let look = Box::new(move |execution: &Execution| {
            let _ = sender.send(look(execution));
        });
        self.mailbox.send(Message::Read(look)).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }
}

/// All running executions. The lock is held only for a look-up or an insertion, and never across a wait.
#[derive(Debug, Default)]
pub(super) struct Running {
    entries: RwLock<HashMap<i64, Arc<Entry>>>,
}

impl Running {
    pub(super) fn get(&self, id: i64) -> Option<Arc<Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(&id).map(Arc::clone)
    }

    pub(super) fn add(&self, entry: Arc<Entry>) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).insert(entry.id, entry);
    }

    pub(super) fn remove(&self, entry: &Entry) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(&entry.id);
    }
}
