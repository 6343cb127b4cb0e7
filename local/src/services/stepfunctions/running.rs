//! The executions at work, to be found by their ids.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use asl::{Execution, Input, Rejected};
use tokio::sync::{mpsc, oneshot, watch};

use crate::http::AwsError;

/// Inputs that may wait for an actor. Its senders wait beyond that; the actor itself never waits for them.
const MAILBOX: usize = 256;

/// What becomes of an input: the execution accepts it or refuses it, or does not learn of it.
pub(super) type Fed = Result<Result<(), Rejected>, Unfed>;

/// Why an execution did not learn of an input.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Unfed {
    /// Its actor has ended: the execution is over, or the endpoint is closing.
    Gone,
    /// It could not be written to the state directory. The execution is as it was.
    Unwritten(AwsError),
}

/// What an actor is told.
pub(super) enum Message {
    /// Something happened to the execution; `answer` learns what became of it. Without `answer` the input is not
    /// repeated, so it must not be lost.
    Input { input: Input, answer: Option<oneshot::Sender<Fed>> },
    /// Somebody wants to look at it.
    Read(Box<dyn FnOnce(&Execution) + Send>),
}

/// The actor of an execution does not show it: the execution is over, the endpoint is closing, or the last step is
/// not on disk yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

/// An execution at work, as everybody but its actor sees it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: i64,
    pub(super) mailbox: mpsc::Sender<Message>,
    /// True once its end is on disk.
    pub(super) ended: watch::Sender<bool>,
}

impl Entry {
    /// An execution, and what its actor reads.
    pub(super) fn new(id: i64) -> (Arc<Self>, mpsc::Receiver<Message>) {
        let (mailbox, messages) = mpsc::channel(MAILBOX);
        (Arc::new(Self { id, mailbox, ended: watch::Sender::new(false) }), messages)
    }

    /// Waits for the end.
    pub(super) async fn end(&self) {
        // The sender is in here too, so it cannot be gone.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Feeds an input and waits until it was accepted or refused.
    pub(super) async fn feed(&self, input: Input) -> Fed {
        let (sender, answer) = oneshot::channel();
        self.mailbox.send(Message::Input { input, answer: Some(sender) }).await.map_err(|_| Unfed::Gone)?;
        answer.await.unwrap_or(Err(Unfed::Gone))
    }

    /// Looks at the execution.
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

/// All of them. Its lock is held for a look-up or an insertion, never while anything waits.
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
