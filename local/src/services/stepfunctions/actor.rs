//! The task that owns an execution.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use asl::{Effect, Execution, Input, Rejected, StartTask, TaskId};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::http::AwsError;
use crate::services::stepfunctions::database::{Ending, Record};
use crate::services::stepfunctions::running::{Entry, Fed, Message, Unfed};
use crate::services::stepfunctions::{Shared, effects, ended};

/// Delays between tries to write a record. They double from the first to the longest.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Interval of clock checks.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

/// Owns an execution: applies inputs, writes its journal, and carries out its effects.
///
/// An input changes the execution; then the input is written to disk; then its effects are carried out and its sender is
/// answered. So everything that was observed of an execution is still true after a crash. Effects that a crash
/// interrupted after the write are repeated by [`Actor::resume`].
pub(super) struct Actor {
    pub(super) execution: Execution,
    pub(super) entry: Arc<Entry>,
    pub(super) shared: Arc<Shared>,
    /// Position of the next record in the journal.
    pub(super) position: i64,
    /// The latest time that the execution was given. The system's clock may step back, that of an execution may not.
    pub(super) now: Timestamp,
    /// For tasks whose work must be stopped when it is no longer needed.
    cancellations: HashMap<TaskId, CancellationToken>,
    /// Inputs that arrived while a record could not be written, and whose senders do not repeat them.
    held: VecDeque<Input>,
}

/// The endpoint is closing: the execution does not change until it is opened again.
struct Closing;

impl Actor {
    pub(super) fn new(
        execution: Execution,
        entry: Arc<Entry>,
        shared: Arc<Shared>,
        position: i64,
        now: Timestamp,
    ) -> Self {
        Self { execution, entry, shared, position, now, cancellations: HashMap::new(), held: VecDeque::new() }
    }

    /// Starts the execution, and runs it in a separate task until it ends.
    pub(super) async fn start(mut self, mut mailbox: mpsc::Receiver<Message>) {
        if self.feed(Input::Start, &mut mailbox).await.is_ok() {
            self.serve(mailbox).await;
        }
    }

    /// Continues an execution of an earlier endpoint, after this one serves requests.
    pub(super) async fn resume(mut self, mut mailbox: mpsc::Receiver<Message>) {
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            () = shared.open.cancelled() => {}
            () = shared.closing.cancelled() => return,
        }
        if self.position == 0 {
            if self.feed(Input::Start, &mut mailbox).await.is_err() {
                return;
            }
        } else {
            // The service answered these calls, or was about to, but the answers are lost. So the calls are repeated (at-least-once
            // delivery). A nested execution is found by its parent.
            for open in self.execution.open_tasks() {
                self.start_task(open.start, open.submitted);
            }
        }
        self.serve(mailbox).await;
    }

    async fn serve(mut self, mut mailbox: mpsc::Receiver<Message>) {
        let closing = self.shared.closing.clone();
        while self.execution.ended().is_none() {
            if let Some(input) = self.held.pop_front() {
                if self.feed(input, &mut mailbox).await.is_err() {
                    return;
                }
                continue;
            }
            let due = self.execution.next_timer();
            let fed = tokio::select! {
                biased;
                // A failure because of the shutdown is not a failure of a task.
                () = closing.cancelled() => return,
                message = mailbox.recv() => match message {
                    None => return,
                    Some(Message::Input { input, answer: Some(answer) }) => {
                        self.feed_once(input).await.map(|outcome| {
                            let _ = answer.send(outcome);
                        })
                    }
                    Some(Message::Input { input, answer: None }) => self.feed(input, &mut mailbox).await,
                    Some(Message::Read(look)) => {
                        look(&self.execution);
                        Ok(())
                    }
                },
                () = sleep_until(due), if due.is_some() => match due {
                    Some(due) if due <= Timestamp::now() => self.feed(Input::Tick, &mut mailbox).await,
                    _ => Ok(()),
                },
            };
            if let Err(Closing) = fed {
                return;
            }
        }
    }

    /// Applies an input whose sender waits for an answer and can repeat it. If its record cannot be written, the execution
    /// does not change, and the sender gets the error.
    async fn feed_once(&mut self, input: Input) -> Result<Fed, Closing> {
        let (outcome, record, effects) = self.step(input);
        if let Some(record) = record {
            if let Err(error) = self.shared.database.record(self.entry.id, Arc::new(record)).await {
                self.undo().await?;
                return Ok(Err(Unfed::Unwritten(error)));
            }
            self.position += 1;
        }
        self.carry_out_all(effects);
        Ok(Ok(outcome))
    }

    /// Applies an input that is not repeated, such as a timer or the answer of a task.
    async fn feed(&mut self, input: Input, mailbox: &mut mpsc::Receiver<Message>) -> Result<(), Closing> {
        let (_, record, effects) = self.step(input);
        if let Some(record) = record {
            self.keep(record, mailbox).await?;
        }
        self.carry_out_all(effects);
        Ok(())
    }

    /// Steps the execution. If it changed, the record must be on disk before the change becomes visible.
    fn step(&mut self, input: Input) -> (Result<(), Rejected>, Option<Record>, Vec<Effect>) {
        self.now = self.now.max(Timestamp::now());
        let text = serde_json::to_string(&input).unwrap_or_default();
        let step = self.execution.step(input, self.now);
        let record = step.changed.then(|| Record {
            position: self.position,
            moment: self.now.as_millisecond(),
            input: text,
            tokens: step.effects.iter().filter_map(token_of).collect(),
            ending: step.effects.iter().find_map(|effect| match effect {
                Effect::Ended(ended) => Some(Ending::of(&self.execution, ended)),
                _ => None,
            }),
        });
        (step.outcome, record, step.effects)
    }

    /// Reverts a step whose record was not written: the journal has all earlier steps. Reading needs no disk space.
    async fn undo(&mut self) -> Result<(), Closing> {
        let mut delay = FIRST_DELAY;
        loop {
            match self.shared.replayed(self.entry.id).await {
                Ok((execution, _)) => {
                    self.execution = execution;
                    return Ok(());
                }
                Err(error) => wait_for_disk(&self.shared, &error, &mut delay).await?,
            }
        }
    }

    /// Writes a record, and retries without limit. The change must not become visible before that: if the disk is full, the
    /// execution waits until there is space. In the meantime every request is answered at once.
    async fn keep(&mut self, record: Record, mailbox: &mut mpsc::Receiver<Message>) -> Result<(), Closing> {
        let record = Arc::new(record);
        let mut delay = FIRST_DELAY;
        while let Err(error) = self.shared.database.record(self.entry.id, Arc::clone(&record)).await {
            let held = &mut self.held;
            let answers = async {
                while let Some(message) = mailbox.recv().await {
                    match message {
                        Message::Input { answer: Some(answer), .. } => {
                            let _ = answer.send(Err(Unfed::Unwritten(error.clone())));
                        }
                        Message::Input { input, answer: None } => held.push_back(input),
                        // Readers get the state on disk.
                        Message::Read(look) => drop(look),
                    }
                }
                std::future::pending::<()>().await;
            };
            let shared = Arc::clone(&self.shared);
            tokio::select! {
                waited = wait_for_disk(&shared, &error, &mut delay) => waited?,
                () = answers => {}
            }
        }
        self.position += 1;
        Ok(())
    }

    fn carry_out_all(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.carry_out(effect);
        }
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
                // From here on the database has the result. Then the waiting tasks are notified.
                self.shared.running.remove(&self.entry);
                self.entry.ended.send_replace(true);
                tokio::spawn(ended::report(Arc::clone(&self.shared), self.entry.id));
            }
        }
    }

    /// Carries out a try. If it was `submitted` before, only its end is awaited.
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

/// Reports the problem, and waits before the next try.
async fn wait_for_disk(shared: &Shared, error: &AwsError, delay: &mut Duration) -> Result<(), Closing> {
    if shared.closing.is_cancelled() {
        return Err(Closing);
    }
    tracing::error!(
        "cannot use the state directory: {}; executions wait until it can be used",
        error.message
    );
    tokio::select! {
        () = tokio::time::sleep(*delay) => {}
        () = shared.closing.cancelled() => return Err(Closing),
    }
    *delay = (*delay * 2).min(LONGEST_DELAY);
    Ok(())
}

fn token_of(effect: &Effect) -> Option<String> {
    match effect {
        Effect::StartTask(start) => start.token.as_ref().map(|token| token.as_str().to_owned()),
        _ => None,
    }
}

/// Sleeps until a time, but wakes up regularly to check the clock: while the computer is suspended, the runtime's clock
/// stops, but the time of an execution does not.
async fn sleep_until(due: Option<Timestamp>) {
    let Some(due) = due else { return };
    let left = Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default();
    tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::http::AwsError;
    use crate::services::lambda::{Function, FunctionError, Lambda};
    use crate::services::stepfunctions::{OnEnd, StepFunctions, machine_arn};

    /// A machine whose task calls a function that does not answer until `go`.
    async fn held(dir: &std::path::Path, go: &CancellationToken) -> (StepFunctions, Value) {
        let go = go.clone();
        let function = Function::new("f", "f", Duration::from_secs(60), move |_, _| {
            let go = go.clone();
            async move {
                go.cancelled().await;
                Ok::<_, FunctionError>(json!("o".repeat(100_000)))
            }
        });
        let lambda = Lambda::open(dir, [function]).unwrap();
        let on_end = OnEnd { machine_arn: String::new(), function: String::new(), repeat_on: &[] };
        let service = StepFunctions::new(dir, lambda, on_end).unwrap();
        let task = json!({"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f", "End": true});
        let definition = json!({"StartAt": "T", "States": {"T": task}}).to_string();
        service.ensure_machine("m", &definition).await.unwrap();
        service.open();
        let start = json!({"stateMachineArn": machine_arn("m"), "name": "e"});
        let started = call(&service, "StartExecution", &start).await.unwrap();
        (service, json!({"executionArn": started["executionArn"]}))
    }

    /// Every call is answered at once, which is what the tests are about.
    async fn call(service: &StepFunctions, operation: &str, request: &Value) -> Result<Value, AwsError> {
        let body = request.to_string();
        let answer = tokio::time::timeout(Duration::from_secs(10), service.call(operation, body.as_bytes()));
        Ok(serde_json::from_slice(&answer.await.expect("an answer at once")?).unwrap())
    }

    async fn status(service: &StepFunctions, execution: &Value) -> Value {
        call(service, "DescribeExecution", execution).await.unwrap()["status"].clone()
    }

    #[tokio::test]
    async fn on_a_full_disk_a_stop_is_refused_and_changes_nothing() {
        let (dir, go) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let (service, execution) = held(dir.path(), &go).await;
        let mut stop = execution.clone();
        stop["cause"] = json!("c".repeat(30_000));
        service.shared.database.fill(true).await;
        for _ in 0..2 {
            let refused = call(&service, "StopExecution", &stop).await.unwrap_err();
            assert_eq!(refused.status, 500);
            assert!(refused.message.contains("full"), "{}", refused.message);
            assert_eq!(status(&service, &execution).await, "RUNNING");
            let history = call(&service, "GetExecutionHistory", &execution).await.unwrap();
            assert!(!history.to_string().contains("ExecutionAborted"), "{history}");
        }
        service.shared.database.fill(false).await;
        call(&service, "StopExecution", &stop).await.unwrap();
        assert_eq!(status(&service, &execution).await, "ABORTED");
    }

    #[tokio::test]
    async fn on_a_full_disk_a_result_is_kept_and_requests_are_answered() {
        let (dir, go) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let (service, execution) = held(dir.path(), &go).await;
        service.shared.database.fill(true).await;
        go.cancel();
        let mut stop = execution.clone();
        stop["cause"] = json!("c".repeat(30_000));
        for _ in 0..20 {
            let refused = call(&service, "StopExecution", &stop).await.unwrap_err();
            assert_eq!(refused.status, 500);
            let history = call(&service, "GetExecutionHistory", &execution).await.unwrap();
            assert!(!history.to_string().contains("ExecutionSucceeded"), "it is not on disk");
            tokio::task::yield_now().await;
        }
        service.shared.database.fill(false).await;
        let entry = service.shared.running.get(1);
        if let Some(entry) = entry {
            tokio::time::timeout(Duration::from_secs(20), entry.end()).await.expect("it ends");
        }
        assert_eq!(status(&service, &execution).await, "SUCCEEDED");
    }
}
