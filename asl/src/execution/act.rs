//! Enters, executes and leaves states.

use std::sync::Arc;

use super::api::{Ended, Status};
use super::evaluate::{Action, Exit, processor};
use super::failure::Failure;
use super::state::{BranchId, Execution, MAX_PAYLOAD_BYTES, Waiting, Work};
use super::timers::Timer;
use crate::definition::{Kind, Next, StateId};
use crate::error::EvalError;
use crate::history::EventKind;
use crate::payload::Payload;
use crate::value::deeper;

/// Deepest nesting of a state's output. This limit is not the service's: a loop could nest without end, and JSON parsers
/// fail at a depth of 128.
const MAX_DEPTH: usize = 100;

impl Execution {
    pub(super) fn enter(&mut self, id: BranchId, state: StateId, input: Payload) {
        let definition = Arc::clone(&self.definition);
        let state_definition = &definition.states[state.0];
        if !self.branches.contains_key(&id) {
            return;
        }
        let kind = EventKind::StateEntered {
            state: state_definition.kind.state_kind(),
            name: Arc::clone(&state_definition.name),
            input: Arc::clone(input.text()),
        };
        let event = self.branch_event(id, kind);
        let now = self.now;
        if let Some(branch) = self.branches.get_mut(&id) {
            branch.state = state;
            branch.raw = input;
            branch.entered_event = event;
            branch.entered_time = now;
            branch.retries = vec![0; state_definition.retry.len()];
            branch.retry_count = 0;
        }
        self.execute(id);
    }

    /// Executes the state of the branch: after the branch enters it, and again for each retry.
    pub(super) fn execute(&mut self, id: BranchId) {
        let definition = Arc::clone(&self.definition);
        let Some(branch) = self.branches.get(&id) else { return };
        let state = &definition.states[branch.state.0];
        match self.action(branch, state) {
            Err(error) => self.fail_evaluation(id, error),
            Ok(Action::Exit(exit)) => self.exit(id, exit),
            Ok(Action::Wait(due)) => {
                if due <= self.now {
                    return self.wake(id);
                }
                let key = self.timers.set(due, Timer::Wake(id));
                if let Some(branch) = self.branches.get_mut(&id) {
                    branch.waiting = Waiting::Wake(key);
                }
            }
            Ok(Action::Task(request)) => {
                if request.parameters.exceeds(MAX_PAYLOAD_BYTES) {
                    return self.fail(id, Failure::data_limit(&state.name));
                }
                if let Kind::Task { resource, .. } = &state.kind {
                    self.start_task(id, Arc::clone(resource), request);
                }
            }
            Ok(Action::Parallel(input)) => {
                if let Kind::Parallel { branches } = &state.kind {
                    self.start_parallel(id, branches, &input);
                }
            }
            Ok(Action::Map(map)) => {
                if let Some(start) = processor(state) {
                    self.start_map(id, start, map);
                }
            }
            Ok(Action::Fail { error, cause }) => self.fail(id, Failure::new(error, cause)),
        }
    }

    /// A Wait state has ended.
    pub(super) fn wake(&mut self, id: BranchId) {
        let definition = Arc::clone(&self.definition);
        let Some(branch) = self.branches.get(&id) else { return };
        match self.woken(branch, &definition.states[branch.state.0]) {
            Ok(exit) => self.exit(id, exit),
            Err(error) => self.fail_evaluation(id, error),
        }
    }

    /// The work of a Task, Map or Parallel state has a result.
    pub(super) fn finish(&mut self, id: BranchId, result: Payload) {
        let definition = Arc::clone(&self.definition);
        let Some(branch) = self.branches.get(&id) else { return };
        match self.result(branch, &definition.states[branch.state.0], result) {
            Ok(exit) => self.exit(id, exit),
            Err(error) => self.fail_evaluation(id, error),
        }
    }

    fn fail_evaluation(&mut self, id: BranchId, error: EvalError) {
        let failure = self.evaluation_failure(id, error);
        self.work.push_back(Work::Fail { branch: id, failure });
    }

    /// Leaves the branch's state.
    pub(super) fn exit(&mut self, id: BranchId, exit: Exit) {
        let Some(branch) = self.branches.get_mut(&id) else { return };
        branch.waiting = Waiting::Between;
        let state = &self.definition.states[branch.state.0];
        let (name, kind) = (Arc::clone(&state.name), state.kind.state_kind());
        let passed_on = exit.output.is(&branch.raw);
        let made = exit.assigned.iter().map(|(_, value)| value).chain((!passed_on).then_some(&exit.output));
        // A value that was passed on unchanged was measured before.
        for value in made {
            if value.exceeds(MAX_PAYLOAD_BYTES) {
                return self.fail(id, Failure::data_limit(&name));
            }
            if deeper(value, MAX_DEPTH) {
                let message = format!("The output is nested deeper than {MAX_DEPTH} levels.");
                return self.fail_evaluation(id, EvalError::runtime(message));
            }
        }
        if !exit.assigned.is_empty() {
            let variables = Arc::make_mut(&mut branch.variables);
            variables.extend(exit.assigned.iter().map(|(name, value)| (Arc::clone(name), value.clone())));
        }
        let assigned =
            exit.assigned.into_iter().map(|(name, value)| (name, Arc::clone(value.text()))).collect();
        let output = Arc::clone(exit.output.text());
        self.branch_event(id, EventKind::StateExited { state: kind, name, output, assigned });
        self.work.push_back(match exit.next {
            Next::To(state) => Work::Enter { branch: id, state, input: exit.output },
            Next::End => Work::Complete { branch: id, output: exit.output },
        });
    }

    pub(super) fn succeed(&mut self, output: Payload) {
        self.end(Ended {
            status: Status::Succeeded,
            output: Some(output),
            error: None,
            cause: None,
            stop_time: self.now,
        });
    }
}
