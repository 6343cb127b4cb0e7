//! The task that owns an execution.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use asl::{Effect, Execution, Input, Pattern, Rejected, StartTask, TaskId};
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::services::stepfunctions::registry::Entry;
use crate::services::stepfunctions::{Shared, effects, rules};

/// Inputs that may wait for the actor. Its senders wait beyond that; the actor itself never waits for them.
pub(super) const MAILBOX: usize = 256;

/// What an actor is told.
pub(super) enum Message {
    /// Something happened to the execution; `answer` learns whether that was accepted.
    Input { input: Input, answer: Option<oneshot::Sender<Result<(), Rejected>>> },
    /// Somebody wants to look at it.
    Read(Box<dyn FnOnce(&Execution) + Send>),
}

/// Owns an execution: feeds it, and carries out what it wants.
pub(super) struct Actor {
    execution: Execution,
    entry: Arc<Entry>,
    shared: Arc<Shared>,
    /// For tasks whose work must be stopped when nobody waits for it any more.
    cancellations: HashMap<TaskId, CancellationToken>,
    /// The last moment that the execution was told. The system's clock may step back, an execution's may not.
    now: Timestamp,
}

impl Actor {
    pub(super) fn new(execution: Execution, entry: Arc<Entry>, shared: Arc<Shared>) -> Self {
        let now = entry.started;
        Self { execution, entry, shared, cancellations: HashMap::new(), now }
    }

    /// Runs the execution to its end, and answers questions about it after that.
    pub(super) async fn run(mut self, mut mailbox: mpsc::Receiver<Message>) {
        let closing = self.shared.closing.clone();
        rules::apply(&self.shared, &self.entry, None);
        let _ = self.feed(Input::Start);
        loop {
            let due = self.execution.next_timer();
            tokio::select! {
                () = closing.cancelled() => return,
                message = mailbox.recv() => match message {
                    None => return,
                    Some(Message::Input { input, answer }) => {
                        let outcome = self.feed(input);
                        if let Some(answer) = answer {
                            let _ = answer.send(outcome);
                        }
                    }
                    Some(Message::Read(look)) => look(&self.execution),
                },
                () = sleep_until(due), if due.is_some() => {
                    let _ = self.feed(Input::Tick);
                }
            }
        }
    }

    /// The one place where an input enters the execution, and its effects leave. A journal of inputs and moments
    /// belongs between the two.
    fn feed(&mut self, input: Input) -> Result<(), Rejected> {
        self.now = self.now.max(Timestamp::now());
        let step = self.execution.step(input, self.now);
        for effect in step.effects {
            self.carry_out(effect);
        }
        step.outcome
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::StartTask(start) => self.start(start),
            Effect::CancelTask(start) => {
                if let Some(cancellation) = self.cancellations.remove(&start.task) {
                    cancellation.cancel();
                }
            }
            Effect::Ended(ended) => {
                self.cancellations.clear();
                // First, so that whoever is told of the end can see it.
                self.entry.ended.send_replace(Some(ended.clone()));
                rules::apply(&self.shared, &self.entry, Some(ended));
            }
        }
    }

    fn start(&mut self, start: Arc<StartTask>) {
        if let Some(token) = &start.token {
            // Before the token leaves, so that no answer can come too early.
            self.shared.registry.add_token(token.clone(), Arc::clone(&self.entry));
        }
        let cancellation = CancellationToken::new();
        if matches!(start.resource.pattern, Pattern::Sync | Pattern::Sync2) {
            self.cancellations.insert(start.task, cancellation.clone());
        }
        let (shared, mailbox) = (Arc::clone(&self.shared), self.entry.mailbox.clone());
        tokio::spawn(async move { effects::carry_out(&shared, &mailbox, &start, &cancellation).await });
    }
}

async fn sleep_until(due: Option<Timestamp>) {
    let Some(due) = due else { return };
    let left = due.duration_since(Timestamp::now());
    tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
}

impl Entry {
    /// Feeds an input and waits until it was accepted or refused. None if the endpoint is closing.
    pub(super) async fn feed(&self, input: Input) -> Option<Result<(), Rejected>> {
        let (sender, answer) = oneshot::channel();
        self.mailbox.send(Message::Input { input, answer: Some(sender) }).await.ok()?;
        answer.await.ok()
    }

    /// Looks at the execution. None if the endpoint is closing.
    pub(super) async fn read<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Execution) -> R + Send + 'static,
    ) -> Option<R> {
        let (sender, answer) = oneshot::channel();
        let look = Box::new(move |execution: &Execution| {
            let _ = sender.send(look(execution));
        });
        self.mailbox.send(Message::Read(look)).await.ok()?;
        answer.await.ok()
    }
}
