//! Retry, Catch, and the branches that a failure ends.

use std::sync::Arc;

use serde_json::{Value, json};

use super::api::Effect;
use super::evaluate::Exit;
use super::state::{BranchId, Execution, Waiting};
use super::timers::{Timer, after_ms};
use crate::definition::{Catcher, Kind, Next, State};
use crate::error::{EvalError, names};
use crate::history::{EventKind, StateKind};
use crate::payload::Payload;

/// A failure of a state, before a retrier, a catcher or the end of the execution handles it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    pub(super) error: Option<Arc<str>>,
    pub(super) cause: Option<Arc<str>>,
    /// No state retries or catches it, on any level.
    pub(super) fatal: bool,
    /// A missed heartbeat: an error States.Timeout that States.HeartbeatTimeout matches too.
    pub(super) heartbeat: bool,
    /// It came from a child of this Map or Parallel state.
    pub(super) from_child: bool,
}

impl Failure {
    pub(super) fn new(error: Option<Arc<str>>, cause: Option<Arc<str>>) -> Self {
        Self { error, cause, fatal: false, heartbeat: false, from_child: false }
    }

    pub(super) fn timeout(heartbeat: bool) -> Self {
        Self { heartbeat, ..Self::new(Some(Arc::from(names::TIMEOUT)), None) }
    }

    /// A payload over the limit that was not requested from a service. It cannot be caught.
    pub(super) fn data_limit(of: &str) -> Self {
        Self { fatal: true, ..Self::task_data_limit(of) }
    }

    /// A service's answer over the limit. It can be caught (recorded behaviour).
    pub(super) fn task_data_limit(of: &str) -> Self {
        let cause = format!(
            "The state/task '{of}' returned a result with a size exceeding the maximum number of bytes service limit."
        );
        Self::new(Some(Arc::from(names::DATA_LIMIT)), Some(Arc::from(cause)))
    }

    /// <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>
    fn matches(&self, pattern: &str) -> bool {
        let error = self.error.as_deref();
        match pattern {
            names::ALL => true,
            names::TASK_FAILED => error != Some(names::TIMEOUT),
            names::HEARTBEAT_TIMEOUT if self.heartbeat => true,
            _ => error == Some(pattern),
        }
    }

    fn matches_any(&self, patterns: &[String]) -> bool {
        patterns.iter().any(|pattern| self.matches(pattern))
    }

    fn output(&self) -> Value {
        // The cause of a timeout is empty. The cause of a task that reported none is null (recorded behaviour).
        let timeout = self.error.as_deref() == Some(names::TIMEOUT);
        let cause = self.cause.as_deref().or(timeout.then_some(""));
        json!({"Error": self.error.as_deref(), "Cause": cause})
    }
}

impl Execution {
    /// An error of the interpreter itself as a failure of the branch's state.
    pub(super) fn evaluation_failure(&self, id: BranchId, error: EvalError) -> Failure {
        let cause = match self.branches.get(&id) {
            Some(branch) => format!(
                "An error occurred while executing the state '{}' (entered at the event id #{}). {}",
                self.state_of(branch.state).name,
                branch.entered_event,
                error.cause
            ),
            None => error.cause,
        };
        Failure {
            fatal: error.error == names::RUNTIME,
            ..Failure::new(Some(Arc::from(error.error)), Some(Arc::from(cause)))
        }
    }

    /// Handles a failure of the branch's state, and of the states around it.
    pub(super) fn fail(&mut self, mut id: BranchId, mut failure: Failure) {
        let definition = Arc::clone(&self.definition);
        loop {
            let Some(branch) = self.branches.get(&id) else { return };
            let state = &definition.states[branch.state.0];
            if failure.fatal {
                return self.end_failed(failure.error, failure.cause);
            }
            if self.retry(id, state, &failure) {
                return;
            }
            if failure.from_child {
                let kind = match state.kind {
                    Kind::Map(_) => EventKind::MapStateFailed,
                    _ => EventKind::ParallelStateFailed,
                };
                self.branch_event(id, kind);
            }
            if let Some(catcher) = state.catch.iter().find(|c| failure.matches_any(&c.errors)) {
                return self.catch(id, catcher, &failure);
            }
            match self.branches.get(&id).and_then(|branch| branch.parent) {
                None => return self.end_failed(failure.error, failure.cause),
                Some((parent, index)) => {
                    self.child_failed(parent, index, id);
                    failure.from_child = true;
                    id = parent;
                }
            }
        }
    }

    /// Schedules a retry if a retrier matches and has one left.
    fn retry(&mut self, id: BranchId, state: &State, failure: &Failure) -> bool {
        let Some((i, retrier)) =
            state.retry.iter().enumerate().find(|(_, retrier)| failure.matches_any(&retrier.errors))
        else {
            return false;
        };
        let Some(branch) = self.branches.get_mut(&id) else { return false };
        let Some(made) = branch.retries.get_mut(i).filter(|made| i64::from(**made) < retrier.max_attempts)
        else {
            return false;
        };
        let mut delay = retrier.delay_ms(*made);
        *made += 1;
        branch.retry_count += 1;
        if retrier.full_jitter {
            let bound = u64::try_from(delay).unwrap_or(0).saturating_add(1);
            delay = i64::try_from(self.random.below(bound)).unwrap_or(delay);
        }
        let key = self.timers.set(after_ms(self.now, delay), Timer::Retry(id));
        branch.waiting = Waiting::Retry(key);
        self.groups.remove(&id);
        self.changed = true;
        true
    }

    fn catch(&mut self, id: BranchId, catcher: &Catcher, failure: &Failure) {
        let Some(branch) = self.branches.get(&id) else { return };
        let output = Payload::from(failure.output());
        let scope = self.scope(branch).with_input(output.clone());
        let exit = super::evaluate::assigned(catcher.assign.as_ref(), &scope).and_then(|assigned| {
            let output = super::evaluate::put(&catcher.result_path, &branch.raw, output)?;
            // OutputPath does not apply to what a catcher passes on (recorded behaviour).
            Ok(Exit { output, assigned, next: Next::To(catcher.next) })
        });
        match exit {
            Ok(exit) => {
                self.groups.remove(&id);
                self.exit(id, exit);
            }
            Err(error) => {
                // The catcher was the last option of this state.
                let failure = self.evaluation_failure(id, error);
                self.end_failed(failure.error, failure.cause);
            }
        }
    }

    /// Ends the siblings of a failed child.
    fn child_failed(&mut self, parent: BranchId, index: usize, child: BranchId) {
        let Some(branch) = self.branches.get(&child) else { return };
        let failing_event = branch.previous;
        let in_task = self.state_of(branch.state).kind.state_kind() == StateKind::Task;
        self.take_down(child);
        let Some(group) = self.groups.get(&parent) else { return };
        let map_name = group.map.as_ref().map(|map| Arc::clone(&map.name));
        if map_name.is_none() && in_task {
            self.event(failing_event, EventKind::StateAborted { state: StateKind::Task });
        }
        self.abort_children(parent, failing_event);
        if let Some(name) = map_name {
            self.event(failing_event, EventKind::MapIterationFailed { name, index });
        }
        if let Some(parent) = self.branches.get_mut(&parent) {
            parent.previous = failing_event;
        }
    }

    /// Aborts every running child of the branch's Map or Parallel. All their events follow the failing one.
    fn abort_children(&mut self, parent: BranchId, failing_event: u64) {
        let Some(group) = self.groups.get(&parent) else { return };
        // The failing child itself has already ended.
        let at_work = group.active.iter().filter(|(_, child)| self.branches.contains_key(child));
        let at_work: Vec<_> = at_work.map(|(index, child)| (*index, *child)).collect();
        let map_name = group.map.as_ref().map(|map| Arc::clone(&map.name));
        for (index, child) in at_work {
            if let Some(name) = &map_name {
                self.event(failing_event, EventKind::MapIterationAborted { name: Arc::clone(name), index });
            }
            self.abort(child, failing_event);
        }
    }

    fn abort(&mut self, id: BranchId, failing_event: u64) {
        let Some(branch) = self.branches.get(&id) else { return };
        let waiting = branch.waiting;
        if waiting != Waiting::Between {
            let state = self.state_of(branch.state).kind.state_kind();
            self.event(failing_event, EventKind::StateAborted { state });
        }
        match waiting {
            Waiting::Between => {}
            Waiting::Wake(key) | Waiting::Retry(key) => self.timers.cancel(key),
            Waiting::Task(task) => {
                if let Some(task) = self.close_task(task) {
                    self.effects.push(Effect::CancelTask(task.start));
                }
            }
            Waiting::Group => self.abort_children(id, failing_event),
        }
        self.take_down(id);
    }
}
