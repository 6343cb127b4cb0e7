//! Tries of Task states.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::api::{Effect, StartTask, TaskId, TaskToken};
use super::evaluate::Request;
use super::failure::Failure;
use super::state::{BranchId, Execution, MAX_PAYLOAD_BYTES, Task, Waiting};
use super::timers::{Timer, after_seconds};
use crate::error::names;
use crate::history::EventKind;
use crate::payload::Payload;
use crate::random::Random;
use crate::resource::{Pattern, Resource};

/// A random token that cannot be guessed, and opaque as those of the service.
pub(super) fn new_token(random: &Random) -> TaskToken {
    let mut bytes = random.bytes().to_vec();
    bytes.extend(random.bytes());
    TaskToken(Arc::from(STANDARD.encode(bytes)))
}

impl Execution {
    /// Starts a try.
    pub(super) fn start_task(&mut self, id: BranchId, resource: Arc<Resource>, request: Request) {
        let Some(branch) = self.branches.get(&id) else { return };
        let state = Arc::clone(&self.state_of(branch.state).name);
        let retry_count = branch.retry_count;
        let (timeout_seconds, heartbeat_seconds) = (request.timeout_seconds, request.heartbeat_seconds);
        if resource.is_lambda_arn() {
            let scheduled = EventKind::LambdaFunctionScheduled {
                resource: Arc::clone(&resource),
                input: Arc::clone(request.parameters.text()),
                timeout_seconds,
            };
            self.branch_event(id, scheduled);
            self.branch_event(id, EventKind::LambdaFunctionStarted);
        } else {
            let scheduled = EventKind::TaskScheduled {
                resource: Arc::clone(&resource),
                region: Arc::clone(&self.region),
                parameters: Arc::clone(request.parameters.text()),
                timeout_seconds,
                heartbeat_seconds,
            };
            self.branch_event(id, scheduled);
            self.branch_event(id, EventKind::TaskStarted { resource: Arc::clone(&resource) });
        }
        if self.ended.is_some() {
            return;
        }
        let task = self.new_task_id();
        if let Some(token) = &request.token {
            self.tokens.insert(token.clone(), task);
        }
        let timeout =
            timeout_seconds.map(|s| self.timers.set(after_seconds(self.now, s), Timer::TaskTimeout(task)));
        // Heartbeats need a token.
        let heartbeat = heartbeat_seconds
            .filter(|_| resource.pattern == Pattern::WaitForTaskToken)
            .map(|s| self.timers.set(after_seconds(self.now, s), Timer::Heartbeat(task)));
        let start = Arc::new(StartTask {
            task,
            state,
            resource,
            parameters: request.parameters,
            token: request.token,
            timeout_seconds,
            heartbeat_seconds,
            retry_count,
        });
        self.tasks.insert(
            task,
            Task { start: Arc::clone(&start), branch: id, submitted: false, timeout, heartbeat },
        );
        if let Some(branch) = self.branches.get_mut(&id) {
            branch.waiting = Waiting::Task(task);
        }
        self.effects.push(Effect::StartTask(start));
    }

    /// Removes a try and its timers.
    pub(super) fn close_task(&mut self, id: TaskId) -> Option<Task> {
        let task = self.tasks.remove(&id)?;
        for key in [task.timeout, task.heartbeat].into_iter().flatten() {
            self.timers.cancel(key);
        }
        self.changed = true;
        Some(task)
    }

    /// A try has a result in its final form.
    pub(super) fn task_succeeded(&mut self, id: TaskId, output: Value) {
        let Some(task) = self.tasks.get(&id) else { return };
        let resource = Arc::clone(&task.start.resource);
        let output = Payload::from(output);
        if output.exceeds(MAX_PAYLOAD_BYTES) {
            let of = if resource.is_lambda_arn() { resource.as_str() } else { resource.resource_type() };
            let failure = Failure::task_data_limit(of);
            return self.task_failed(id, failure.error, failure.cause);
        }
        let Some(task) = self.close_task(id) else { return };
        let text = Arc::clone(output.text());
        let kind = if resource.is_lambda_arn() {
            EventKind::LambdaFunctionSucceeded { output: text }
        } else {
            EventKind::TaskSucceeded { resource, output: text }
        };
        self.branch_event(task.branch, kind);
        self.finish(task.branch, output);
    }

    /// A try failed.
    pub(super) fn task_failed(&mut self, id: TaskId, error: Option<Arc<str>>, cause: Option<Arc<str>>) {
        let Some(task) = self.close_task(id) else { return };
        let resource = Arc::clone(&task.start.resource);
        let failure = Failure::new(error.clone(), cause.clone());
        let kind = if resource.is_lambda_arn() {
            EventKind::LambdaFunctionFailed { error, cause }
        } else {
            EventKind::TaskFailed { resource, error, cause }
        };
        self.branch_event(task.branch, kind);
        self.fail(task.branch, failure);
    }

    /// A try timed out, or missed its heartbeat.
    pub(super) fn task_timed_out(&mut self, id: TaskId, heartbeat: bool) {
        let Some(task) = self.close_task(id) else { return };
        let resource = Arc::clone(&task.start.resource);
        let error = Some(Arc::from(names::TIMEOUT));
        let kind = if resource.is_lambda_arn() {
            EventKind::LambdaFunctionTimedOut { error, cause: None }
        } else {
            EventKind::TaskTimedOut { resource, error, cause: None }
        };
        self.branch_event(task.branch, kind);
        self.effects.push(Effect::CancelTask(task.start));
        self.fail(task.branch, Failure::timeout(heartbeat));
    }
}
