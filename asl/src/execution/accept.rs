//! Accepts inputs and fires timers.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::api::{Callback, ChildExecution, Ended, Input, Rejected, Status, Step, TaskId, TaskToken};
use super::shape;
use super::state::{Branch, Execution, Waiting, Work};
use super::timers::{Timer, after_seconds};
use crate::error::names;
use crate::history::EventKind;
use crate::resource::Pattern;

impl Execution {
    /// Processes one input. First fires every timer that is due, then applies the input, then runs until every branch waits.
    /// Time never goes back: an earlier `now` counts as the latest one seen. Times are truncated to milliseconds.
    pub fn step(&mut self, input: Input, now: Timestamp) -> Step {
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        self.now = self.now.max(now);
        self.changed = false;
        let draws = self.random.draws();
        while let Some(timer) = self.timers.pop_due(self.now) {
            self.changed = true;
            self.fire(timer);
            self.run();
        }
        let outcome = self.accept(input);
        self.run();
        let changed = self.changed || self.random.draws() != draws;
        Step { effects: std::mem::take(&mut self.effects), outcome, changed }
    }

    fn accept(&mut self, input: Input) -> Result<(), Rejected> {
        match input {
            Input::Start => self.start(),
            Input::Tick => Ok(()),
            Input::Callback { token, callback } => self.callback(&token, callback),
            _ if self.ended.is_some() => Err(Rejected::Ended),
            _ if !self.started => Err(Rejected::NotStarted),
            Input::Stop { error, cause } => {
                self.end(Ended {
                    status: Status::Aborted,
                    output: None,
                    error: error.map(Arc::from),
                    cause: cause.map(Arc::from),
                    stop_time: self.now,
                });
                Ok(())
            }
            Input::TaskSubmitted { task, response } => self.submitted(task, response),
            Input::TaskSucceeded { task, output } => {
                self.expect(task, &[Pattern::RequestResponse])?;
                let shaped = self.shaped(task, output);
                self.task_succeeded(task, shaped);
                Ok(())
            }
            Input::TaskFailed { task, error, cause } => {
                self.tasks.contains_key(&task).then_some(()).ok_or(Rejected::StaleTask)?;
                self.task_failed(task, error.map(Arc::from), cause.map(Arc::from));
                Ok(())
            }
            Input::ChildEnded { task, child } => {
                self.expect(task, &[Pattern::Sync, Pattern::Sync2])?;
                self.child_ended(task, &child);
                Ok(())
            }
        }
    }

    fn start(&mut self) -> Result<(), Rejected> {
        if self.started {
            return Err(Rejected::AlreadyStarted);
        }
        self.started = true;
        let input = self.input.clone();
        let role_arn = Arc::clone(&self.role_arn);
        self.event(0, EventKind::ExecutionStarted { input: Arc::clone(input.text()), role_arn });
        self.set_deadline();
        let state = self.definition.start;
        let branch = self.new_branch(Branch {
            parent: None,
            state,
            raw: input.clone(),
            variables: Arc::new(BTreeMap::new()),
            map_item: None,
            entered_event: 0,
            entered_time: self.now,
            // The service gives the first state's event no predecessor.
            previous: 0,
            retries: Vec::new(),
            retry_count: 0,
            waiting: Waiting::Between,
        });
        self.work.push_back(Work::Enter { branch, state, input });
        Ok(())
    }

    /// TimeoutSeconds of the machine, from now on.
    pub(super) fn set_deadline(&mut self) {
        if let Some(seconds) = self.definition.timeout_seconds {
            self.timers.set(after_seconds(self.now, seconds), Timer::Execution);
        }
    }

    /// Whether a task is open and accepts this kind of answer.
    fn expect(&self, task: TaskId, patterns: &[Pattern]) -> Result<(), Rejected> {
        let task = self.tasks.get(&task).ok_or(Rejected::StaleTask)?;
        if patterns.contains(&task.start.resource.pattern) { Ok(()) } else { Err(Rejected::UnexpectedAnswer) }
    }

    fn submitted(&mut self, id: TaskId, response: Value) -> Result<(), Rejected> {
        self.expect(id, &[Pattern::Sync, Pattern::Sync2, Pattern::WaitForTaskToken])?;
        let output = Arc::from(self.shaped(id, response).to_string());
        let Some(task) = self.tasks.get_mut(&id).filter(|task| !task.submitted) else {
            return Err(Rejected::StaleTask);
        };
        task.submitted = true;
        let (branch, resource) = (task.branch, Arc::clone(&task.start.resource));
        self.branch_event(branch, EventKind::TaskSubmitted { resource, output });
        Ok(())
    }

    fn shaped(&self, id: TaskId, response: Value) -> Value {
        match self.tasks.get(&id) {
            Some(task) => shape::response(&task.start, response, &self.random),
            None => response,
        }
    }

    fn child_ended(&mut self, id: TaskId, child: &ChildExecution) {
        let Some(task) = self.tasks.get(&id) else { return };
        let parse = task.start.resource.pattern == Pattern::Sync2;
        if child.status == Status::Succeeded {
            self.task_succeeded(id, shape::child(child, parse));
        } else {
            let cause = shape::child(child, false).to_string();
            self.task_failed(id, Some(Arc::from(names::TASK_FAILED)), Some(Arc::from(cause)));
        }
    }

    fn callback(&mut self, token: &TaskToken, callback: Callback) -> Result<(), Rejected> {
        let id = *self.tokens.get(token).ok_or(Rejected::TaskDoesNotExist)?;
        let Some(task) = self.tasks.get_mut(&id) else {
            return Err(Rejected::TaskTimedOut);
        };
        match callback {
            Callback::Success { output } => self.task_succeeded(id, output),
            Callback::Failure { error, cause } => {
                self.task_failed(id, error.map(Arc::from), cause.map(Arc::from));
            }
            Callback::Heartbeat => {
                if let (Some(key), Some(seconds)) = (task.heartbeat, task.start.heartbeat_seconds) {
                    self.timers.cancel(key);
                    let due = after_seconds(self.now, seconds);
                    task.heartbeat = Some(self.timers.set(due, Timer::Heartbeat(id)));
                    self.changed = true;
                }
            }
        }
        Ok(())
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Execution => self.end(Ended {
                status: Status::TimedOut,
                output: None,
                error: None,
                cause: None,
                stop_time: self.now,
            }),
            Timer::Wake(branch) => self.wake(branch),
            Timer::Retry(branch) => self.execute(branch),
            Timer::TaskTimeout(task) => self.task_timed_out(task, false),
            Timer::Heartbeat(task) => self.task_timed_out(task, true),
        }
    }

    fn run(&mut self) {
        while let Some(work) = self.work.pop_front() {
            match work {
                Work::Enter { branch, state, input } => self.enter(branch, state, input),
                Work::Complete { branch, output } => self.complete(branch, output),
                Work::Fail { branch, failure } => self.fail(branch, failure),
                Work::Fill { branch } => self.fill(branch),
            }
        }
    }
}
