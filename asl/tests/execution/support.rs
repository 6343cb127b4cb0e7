//! What the tests of behaviour share: an execution with a clock that only moves when told.

use std::sync::Arc;

use asl::{
    Callback, Definition, Effect, Execution, ExecutionContext, Input, Rejected, Seed, StartTask, Status,
    TaskId, TaskToken,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

pub(crate) const EXECUTION_ARN: &str = "arn:aws:states:eu-west-1:000000000000:execution:machine:run";

pub(crate) fn start_time() -> Timestamp {
    "2025-06-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn definition(value: &Value) -> Arc<Definition> {
    Arc::new(Definition::from_value(value).unwrap_or_else(|problems| panic!("{problems:?}")))
}

pub(crate) fn execution(definition: &Arc<Definition>, input: Value) -> Execution {
    let context = ExecutionContext {
        execution_arn: EXECUTION_ARN.to_owned(),
        execution_name: "run".to_owned(),
        role_arn: "arn:aws:iam::000000000000:role/r".to_owned(),
        start_time: start_time(),
        input,
        state_machine_arn: "arn:aws:states:eu-west-1:000000000000:stateMachine:machine".to_owned(),
        state_machine_name: "machine".to_owned(),
    };
    Execution::new(Arc::clone(definition), context, Seed::from_bytes([3; 32]))
}

/// An execution, its time, and the effects it had.
pub(crate) struct Bench {
    pub(crate) execution: Execution,
    pub(crate) now: Timestamp,
    pub(crate) started: Vec<Arc<StartTask>>,
    pub(crate) cancelled: Vec<TaskId>,
}

impl Bench {
    pub(crate) fn start(value: &Value, input: Value) -> Self {
        let execution = execution(&definition(value), input);
        let mut bench = Self { execution, now: start_time(), started: Vec::new(), cancelled: Vec::new() };
        bench.input(Input::Start).unwrap();
        bench
    }

    pub(crate) fn input(&mut self, input: Input) -> Result<(), Rejected> {
        let step = self.execution.step(input, self.now);
        for effect in step.effects {
            match effect {
                Effect::StartTask(start) => self.started.push(start),
                Effect::CancelTask(start) => self.cancelled.push(start.task),
                Effect::Ended(_) => {}
            }
        }
        step.outcome
    }

    /// Moves time on and fires what is due, each timer at its own time.
    pub(crate) fn pass(&mut self, ms: i64) {
        let until = self.now + SignedDuration::from_millis(ms);
        while let Some(due) = self.execution.next_timer().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.input(Input::Tick).unwrap();
        }
        self.now = until;
    }

    pub(crate) fn last(&self) -> Arc<StartTask> {
        Arc::clone(self.started.last().unwrap())
    }

    pub(crate) fn callback(&mut self, token: &TaskToken, callback: Callback) -> Result<(), Rejected> {
        self.input(Input::Callback { token: token.clone(), callback })
    }

    pub(crate) fn status(&self) -> Status {
        self.execution.status()
    }

    pub(crate) fn error(&self) -> Option<String> {
        self.execution.ended()?.error.as_deref().map(str::to_owned)
    }

    pub(crate) fn cause(&self) -> Option<String> {
        self.execution.ended()?.cause.as_deref().map(str::to_owned)
    }

    pub(crate) fn output(&self) -> Option<Value> {
        self.execution.ended()?.output.as_deref().cloned()
    }

    pub(crate) fn types(&self) -> Vec<&'static str> {
        self.execution.history().iter().map(|event| event.kind.type_name()).collect()
    }
}
