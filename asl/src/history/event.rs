//! Events of an execution's history.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::resource::Resource;

/// One event.
///
/// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html>
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEvent {
    /// Numbered from one, without gaps.
    pub id: u64,
    /// The event in the same branch that led to this one; 0 for the first two.
    pub previous_event_id: u64,
    /// The time.
    pub timestamp: Timestamp,
    /// The event.
    pub kind: EventKind,
}

/// The type of a state, as in its definition and in the names of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the language")]
pub enum StateKind {
    Task,
    Pass,
    Choice,
    Wait,
    Succeed,
    Fail,
    Parallel,
    Map,
}

/// The kinds of events. Payloads are JSON texts, shared with the execution and with each other if they were passed on.
/// `Debug` shows only the type, because payloads may contain task tokens.
#[derive(Clone, PartialEq)]
#[expect(missing_docs, reason = "names and fields are those of the API's HistoryEvent")]
pub enum EventKind {
    ExecutionStarted {
        input: Arc<str>,
        role_arn: Arc<str>,
    },
    ExecutionSucceeded {
        output: Arc<str>,
    },
    ExecutionFailed {
        error: Option<Arc<str>>,
        cause: Option<Arc<str>>,
    },
    ExecutionAborted {
        error: Option<Arc<str>>,
        cause: Option<Arc<str>>,
    },
    ExecutionTimedOut {
        error: Option<Arc<str>>,
        cause: Option<Arc<str>>,
    },
    StateEntered {
        state: StateKind,
        name: Arc<str>,
        input: Arc<str>,
    },
    StateExited {
        state: StateKind,
        name: Arc<str>,
        output: Arc<str>,
        assigned: Vec<(Arc<str>, Arc<str>)>,
    },
    StateAborted {
        state: StateKind,
    },
    ParallelStateStarted,
    ParallelStateSucceeded,
    ParallelStateFailed,
    MapStateStarted {
        length: usize,
    },
    MapStateSucceeded,
    MapStateFailed,
    MapIterationStarted {
        name: Arc<str>,
        index: usize,
    },
    MapIterationSucceeded {
        name: Arc<str>,
        index: usize,
    },
    MapIterationFailed {
        name: Arc<str>,
        index: usize,
    },
    MapIterationAborted {
        name: Arc<str>,
        index: usize,
    },
    LambdaFunctionScheduled {
        resource: Arc<Resource>,
        input: Arc<str>,
        timeout_seconds: Option<i64>,
    },
    LambdaFunctionStarted,
    LambdaFunctionSucceeded {
        output: Arc<str>,
    },
    LambdaFunctionFailed {
        error: Option<Arc<str>>,
        cause: Option<Arc<str>>,
    },
    LambdaFunctionTimedOut {
        error: Option<Arc<str>>,
        cause: Option<Arc<str>>,
    },
    TaskScheduled {
        resource: Arc<Resource>,
        region: Arc<str>,
        parameters: Arc<str>,
        timeout_seconds: Option<i64>,
        heartbeat_seconds: Option<i64>,
    },
    TaskStarted {
        resource: Arc<Resource>,
    },
    TaskSubmitted {
        resource: Arc<Resource>,
        output: Arc<str>,
    },
    TaskSucceeded {
        resource: Arc<Resource>,
        output: Arc<str>,
    },
    TaskFailed {
        resource: Arc<Resource>,
        error: Option<Arc<str>>,
        cause: Option<Arc<str>>,
    },
    TaskTimedOut {
        resource: Arc<Resource>,
        error: Option<Arc<str>>,
        cause: Option<Arc<str>>,
    },
}

impl fmt::Debug for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name())
    }
}

impl EventKind {
    /// The event's type, such as `TaskStateEntered`.
    pub fn type_name(&self) -> &'static str {
        use StateKind as S;
        match self {
            Self::ExecutionStarted { .. } => "ExecutionStarted",
            Self::ExecutionSucceeded { .. } => "ExecutionSucceeded",
            Self::ExecutionFailed { .. } => "ExecutionFailed",
            Self::ExecutionAborted { .. } => "ExecutionAborted",
            Self::ExecutionTimedOut { .. } => "ExecutionTimedOut",
            Self::StateEntered { state, .. } => match state {
                S::Task => "TaskStateEntered",
                S::Pass => "PassStateEntered",
                S::Choice => "ChoiceStateEntered",
                S::Wait => "WaitStateEntered",
                S::Succeed => "SucceedStateEntered",
                S::Fail => "FailStateEntered",
                S::Parallel => "ParallelStateEntered",
                S::Map => "MapStateEntered",
            },
            Self::StateExited { state, .. } => match state {
                S::Task => "TaskStateExited",
                S::Pass => "PassStateExited",
                S::Choice => "ChoiceStateExited",
                S::Wait => "WaitStateExited",
                S::Succeed => "SucceedStateExited",
                S::Fail => "FailStateExited",
                S::Parallel => "ParallelStateExited",
                S::Map => "MapStateExited",
            },
            Self::StateAborted { state } => match state {
                S::Wait => "WaitStateAborted",
                S::Parallel => "ParallelStateAborted",
                S::Map => "MapStateAborted",
                // The other types never wait, so they cannot be aborted.
                _ => "TaskStateAborted",
            },
            Self::ParallelStateStarted => "ParallelStateStarted",
            Self::ParallelStateSucceeded => "ParallelStateSucceeded",
            Self::ParallelStateFailed => "ParallelStateFailed",
            Self::MapStateStarted { .. } => "MapStateStarted",
            Self::MapStateSucceeded => "MapStateSucceeded",
            Self::MapStateFailed => "MapStateFailed",
            Self::MapIterationStarted { .. } => "MapIterationStarted",
            Self::MapIterationSucceeded { .. } => "MapIterationSucceeded",
            Self::MapIterationFailed { .. } => "MapIterationFailed",
            Self::MapIterationAborted { .. } => "MapIterationAborted",
            Self::LambdaFunctionScheduled { .. } => "LambdaFunctionScheduled",
            Self::LambdaFunctionStarted => "LambdaFunctionStarted",
            Self::LambdaFunctionSucceeded { .. } => "LambdaFunctionSucceeded",
            Self::LambdaFunctionFailed { .. } => "LambdaFunctionFailed",
            Self::LambdaFunctionTimedOut { .. } => "LambdaFunctionTimedOut",
            Self::TaskScheduled { .. } => "TaskScheduled",
            Self::TaskStarted { .. } => "TaskStarted",
            Self::TaskSubmitted { .. } => "TaskSubmitted",
            Self::TaskSucceeded { .. } => "TaskSucceeded",
            Self::TaskFailed { .. } => "TaskFailed",
            Self::TaskTimedOut { .. } => "TaskTimedOut",
        }
    }
}
