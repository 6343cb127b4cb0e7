//! The task that owns an execution.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use asl::{Effect, Execution, Input, Rejected, StartTask, TaskId};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::services::stepfunctions::database::{Ending, Record};
use crate::services::stepfunctions::running::{Entry, Message};
use crate::services::stepfunctions::{Shared, effects, ended};

/// Delays between tries to write a record double from the first to the longest.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Between two looks at the clock.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

/// Owns an execution: feeds it, keeps its journal, and carries out what it wants.
///
/// An input changes the execution, then it is on disk, then its effects leave and its sender is answered. So whatever
/// the world has seen of an execution is still true after a crash; what a crash cuts off between the record and the
/// effects, [`Actor::resume`] makes up for.
pub(super) struct Actor {
    pub(super) execution: Execution,
    pub(super) entry: Arc<Entry>,
    pub(super) shared: Arc<Shared>,
    /// Position of the next record in the journal.
    pub(super) position: i64,
    /// The last moment that the execution was told. The system's clock may step back, an execution's may not.
    pub(super) now: Timestamp,
    /// For tasks whose work must be stopped when nobody waits for it any more.
    cancellations: HashMap<TaskId, CancellationToken>,
}

/// The endpoint closes: nothing more happens to the execution until it is opened again.
struct Closing;

impl Actor {
    pub(super) fn new(
        execution: Execution,
        entry: Arc<Entry>,
        shared: Arc<Shared>,
        position: i64,
        now: Timestamp,
    ) -> Self {
        Self { execution, entry, shared, position, now, cancellations: HashMap::new() }
    }

    /// Starts the execution and runs it to its end in a task of its own.
    pub(super) async fn start(mut self, mailbox: mpsc::Receiver<Message>) {
        if self.feed(Input::Start).await.is_ok() {
            self.serve(mailbox).await;
        }
    }

    /// Goes on with an execution that an earlier endpoint left, once this one serves requests.
    pub(super) async fn resume(mut self, mailbox: mpsc::Receiver<Message>) {
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            () = shared.open.cancelled() => {}
            () = shared.closing.cancelled() => return,
        }
        if self.position == 0 {
            if self.feed(Input::Start).await.is_err() {
                return;
            }
        } else {
            // The service answered these, or was about to; nobody will tell us any more. So they are asked again: at
            // least once, as everywhere in a system of messages. A nested execution is found by who started it.
            for open in self.execution.open_tasks() {
                self.start_task(open.start, open.submitted);
            }
        }
        self.serve(mailbox).await;
    }

    async fn serve(mut self, mut mailbox: mpsc::Receiver<Message>) {
        let closing = self.shared.closing.clone();
        while self.execution.ended().is_none() {
            let due = self.execution.next_timer();
            let fed = tokio::select! {
                biased;
                // What fails because the endpoint goes is no failure of a task.
                () = closing.cancelled() => return,
                message = mailbox.recv() => match message {
                    None => return,
                    Some(Message::Input { input, answer }) => self.feed(input).await.map(|outcome| {
                        if let Some(answer) = answer {
                            let _ = answer.send(outcome);
                        }
                    }),
                    Some(Message::Read(look)) => {
                        look(&self.execution);
                        Ok(())
                    }
                },
                () = sleep_until(due), if due.is_some() => match due {
                    Some(due) if due <= Timestamp::now() => self.feed(Input::Tick).await.map(|_| ()),
                    _ => Ok(()),
                },
            };
            if let Err(Closing) = fed {
                return;
            }
        }
    }

    /// The one place where an input enters the execution and its effects leave.
    async fn feed(&mut self, input: Input) -> Result<Result<(), Rejected>, Closing> {
        self.now = self.now.max(Timestamp::now());
        let text = serde_json::to_string(&input).unwrap_or_default();
        let step = self.execution.step(input, self.now);
        if step.changed {
            let record = Record {
                position: self.position,
                moment: self.now.as_millisecond(),
                input: text,
                tokens: step.effects.iter().filter_map(token_of).collect(),
                ending: step.effects.iter().find_map(|effect| match effect {
                    Effect::Ended(ended) => Some(Ending::of(&self.execution, ended)),
                    _ => None,
                }),
            };
            self.keep(record).await?;
        }
        for effect in step.effects {
            self.carry_out(effect);
        }
        Ok(step.outcome)
    }

    /// Writes a record, however long that takes. Nobody may see more of the execution before that: where the disk
    /// is full it stands still, and goes on when there is room.
    async fn keep(&mut self, record: Record) -> Result<(), Closing> {
        let record = Arc::new(record);
        let mut delay = FIRST_DELAY;
        loop {
            let Err(error) = self.shared.database.record(self.entry.id, Arc::clone(&record)).await else {
                break;
            };
            if self.shared.closing.is_cancelled() {
                return Err(Closing);
            }
            tracing::error!(
                "cannot write to the state directory: {}; executions wait until that is mended",
                error.message
            );
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.shared.closing.cancelled() => return Err(Closing),
            }
            delay = (delay * 2).min(LONGEST_DELAY);
        }
        self.position += 1;
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::StartTask(start) => self.start_task(start, false),
            Effect::CancelTask(start) => {
                if let Some(cancellation) = self.cancellations.remove(&start.task) {
                    cancellation.cancel();
                }
            }
            Effect::Ended(_) => {
                self.cancellations.clear();
                // From here on the database answers for it; then whoever waits is told.
                self.shared.running.remove(&self.entry);
                self.entry.ended.send_replace(true);
                tokio::spawn(ended::report(Arc::clone(&self.shared), self.entry.id));
            }
        }
    }

    /// Has a try carried out. If it was `submitted` before, only its end is awaited.
    fn start_task(&mut self, start: Arc<StartTask>, submitted: bool) {
        let nested = effects::is_nested(&start);
        if submitted && !nested {
            return;
        }
        let cancellation = CancellationToken::new();
        if nested {
            self.cancellations.insert(start.task, cancellation.clone());
        }
        let (shared, entry) = (Arc::clone(&self.shared), Arc::clone(&self.entry));
        tokio::spawn(async move { effects::carry_out(&shared, &entry, &start, &cancellation).await });
    }
}

fn token_of(effect: &Effect) -> Option<String> {
    match effect {
        Effect::StartTask(start) => start.token.as_ref().map(|token| token.as_str().to_owned()),
        _ => None,
    }
}

/// Sleeps until then, or wakes up a little earlier to look at the clock again: a machine that is suspended stops the
/// runtime's clock, not the time of an execution.
async fn sleep_until(due: Option<Timestamp>) {
    let Some(due) = due else { return };
    let left = Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default();
    tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
}
