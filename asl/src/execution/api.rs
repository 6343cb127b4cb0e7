//! Inputs and effects of an execution.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::payload::Payload;
use crate::resource::Resource;

/// Identifies one try of a Task state. Unique within an execution: each retry has a new id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskId(pub u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The task token of one try of a `.waitForTaskToken` task. A bearer secret, so `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskToken(pub(crate) Arc<str>);

impl TaskToken {
    /// A token as the caller of SendTaskSuccess and similar calls sent it.
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// Whether a text has the form of a token. Any other text was never a token.
    pub fn is_well_formed(text: &str) -> bool {
        STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == Self::BYTES)
    }

    /// Number of bytes that a token encodes.
    pub(crate) const BYTES: usize = 64;

    /// The token's text, for the party that will call back.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TaskToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskToken(…)")
    }
}

/// Identity of an execution: the fixed part of the context object.
///
/// <https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionContext {
    /// ARN of the execution, `$$.Execution.Id`. Its fourth field is the region shown in events.
    pub execution_arn: String,
    /// `$$.Execution.Name`.
    pub execution_name: String,
    /// `$$.Execution.RoleArn`.
    pub role_arn: String,
    /// `$$.Execution.StartTime`.
    pub start_time: Timestamp,
    /// `$$.Execution.Input`.
    pub input: Value,
    /// ARN of the state machine, `$$.StateMachine.Id`.
    pub state_machine_arn: String,
    /// `$$.StateMachine.Name`.
    pub state_machine_name: String,
}

/// A callback for a task that waits for its token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Callback {
    /// SendTaskSuccess, with its output parsed.
    Success {
        /// The result of the task.
        output: Value,
    },
    /// SendTaskFailure.
    Failure {
        /// Error name, if the caller gave one.
        error: Option<String>,
        /// Cause, if the caller gave one.
        cause: Option<String>,
    },
    /// SendTaskHeartbeat.
    Heartbeat,
}

/// The end of a nested execution under `.sync` or `.sync:2`, as DescribeExecution returns it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChildExecution {
    /// ARN of the nested execution.
    pub execution_arn: String,
    /// Its name.
    pub name: String,
    /// ARN of its state machine.
    pub state_machine_arn: String,
    /// Its final status; never `Running`.
    pub status: Status,
    /// When it started.
    pub start_date: Timestamp,
    /// When it ended.
    pub stop_date: Timestamp,
    /// Its input.
    pub input: Value,
    /// Its output, if it succeeded.
    pub output: Option<Value>,
    /// Its error, if it failed and has one.
    pub error: Option<String>,
    /// Its cause, if it failed and has one.
    pub cause: Option<String>,
}

/// An input of an execution. A journal of (input, time) replays the execution exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// Starts at `StartAt`.
    Start,
    /// Only time has passed: fires the timers that are due. Every other input does so first.
    Tick,
    /// StopExecution: ends the execution as `Aborted`.
    Stop {
        /// Error name given by the caller.
        error: Option<String>,
        /// Cause given by the caller.
        cause: Option<String>,
    },
    /// The service accepted the request of a `.sync`, `.sync:2` or `.waitForTaskToken` task.
    TaskSubmitted {
        /// The try.
        task: TaskId,
        /// The service's answer without SDK metadata. For `lambda:invoke`, the function's answer.
        response: Value,
    },
    /// A request-response task is done.
    TaskSucceeded {
        /// The try.
        task: TaskId,
        /// The service's answer without SDK metadata. For Lambda, the function's answer.
        output: Value,
    },
    /// A task failed: the service refused the request, or the Lambda function raised an error.
    TaskFailed {
        /// The try.
        task: TaskId,
        /// Error name as Step Functions shows it, such as `Lambda.ServiceException` or a function's
        /// `errorType`.
        error: Option<String>,
        /// Cause; for a function's error the JSON text of Lambda's error payload.
        cause: Option<String>,
    },
    /// The nested execution of a `.sync` or `.sync:2` task ended.
    ChildEnded {
        /// The try.
        task: TaskId,
        /// The end.
        child: Box<ChildExecution>,
    },
    /// A callback with a task token.
    Callback {
        /// The token.
        token: TaskToken,
        /// The callback.
        callback: Callback,
    },
}

/// An action that the driver must carry out.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Call the service, and answer with `TaskSubmitted`, `TaskSucceeded`, `TaskFailed` or `ChildEnded`.
    StartTask(Arc<StartTask>),
    /// The execution no longer waits for this try (timeout, failure of a sibling, end of the execution). A nested execution under `.sync`
    /// must be stopped. Other work may continue; its answer is ignored.
    CancelTask(Arc<StartTask>),
    /// The execution has ended. This is always the last effect.
    Ended(Ended),
}

/// One try of a Task state, for the driver. `Debug` omits the parameters, because they contain the token.
#[derive(Clone, PartialEq)]
pub struct StartTask {
    /// The try.
    pub task: TaskId,
    /// Name of the Task state.
    pub state: Arc<str>,
    /// The integration.
    pub resource: Arc<Resource>,
    /// The request: the state's evaluated `Parameters`, or its input if it has none.
    pub parameters: Payload,
    /// Set for `.waitForTaskToken`. `parameters` already contain it where the definition uses it.
    pub token: Option<TaskToken>,
    /// TimeoutSeconds of this try, if set. For information: the execution keeps its own timers.
    pub timeout_seconds: Option<i64>,
    /// HeartbeatSeconds of this try, if set. For information, too.
    pub heartbeat_seconds: Option<i64>,
    /// Number of earlier tries of this state (`$$.State.RetryCount`).
    pub retry_count: u32,
}

impl fmt::Debug for StartTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartTask")
            .field("task", &self.task)
            .field("state", &self.state)
            .field("resource", &self.resource.as_str())
            .field("retry_count", &self.retry_count)
            .finish_non_exhaustive()
    }
}

impl StartTask {
    /// The event that a Lambda function receives from this task: the `Payload` of `lambda:invoke` (a string is JSON text; a
    /// missing or null payload is `{}`), or the whole request for a direct function ARN.
    ///
    /// # Errors
    /// The payload is a string that is not JSON. Lambda returns InvalidRequestContentException.
    pub fn lambda_event(&self) -> Result<Value, serde_json::Error> {
        if !self.resource.is_lambda_invoke() {
            return Ok((*self.parameters).clone());
        }
        match self.parameters.get("Payload") {
            None | Some(Value::Null) => Ok(Value::Object(serde_json::Map::new())),
            Some(Value::String(text)) => serde_json::from_str(text),
            Some(other) => Ok(other.clone()),
        }
    }
}

/// Status of an execution, as in DescribeExecution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Not ended.
    Running,
    /// Ended, with an output.
    Succeeded,
    /// Ended, with an error.
    Failed,
    /// Ended: the state machine's TimeoutSeconds passed.
    TimedOut,
    /// Ended: stopped from outside.
    Aborted,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Running, Self::Succeeded, Self::Failed, Self::TimedOut, Self::Aborted];

    /// The name in API answers, such as `TIMED_OUT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
        }
    }
}

/// The end of an execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Never `Running`.
    pub status: Status,
    /// Set if it succeeded.
    pub output: Option<Payload>,
    /// Error name, if there is one.
    pub error: Option<Arc<str>>,
    /// Cause, if there is one.
    pub cause: Option<Arc<str>>,
    /// The time.
    pub stop_time: Timestamp,
}

/// Why an input was not accepted. The first line of each variant names the error of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// TaskDoesNotExist: no task of this execution ever had this token.
    #[error("Task does not exist: the token belongs to no task of this execution")]
    TaskDoesNotExist,
    /// TaskTimedOut: the token is of a try that has ended (answered, timed out, cancelled, or replaced).
    #[error("Task Timed Out: 'Provided task does not exist anymore'")]
    TaskTimedOut,
    /// For the driver: the try has ended or is unknown. Its answer is ignored.
    #[error("the task has ended or is unknown; its answer is ignored")]
    StaleTask,
    /// For the driver: the integration accepts another kind of answer.
    #[error("the task's integration does not accept this kind of answer")]
    UnexpectedAnswer,
    /// For the driver: the execution was started before.
    #[error("the execution was already started")]
    AlreadyStarted,
    /// For the driver: the execution was not started yet.
    #[error("the execution was not started yet")]
    NotStarted,
    /// For the driver: the execution has ended. (StopExecution for it succeeds and changes nothing.)
    #[error("the execution has ended")]
    Ended,
}

/// The result of one input.
#[derive(Debug)]
#[must_use]
pub struct Step {
    /// The effects, to be carried out in order.
    pub effects: Vec<Effect>,
    /// Whether the input itself was accepted. Timers that were due have fired in any case.
    pub outcome: Result<(), Rejected>,
    /// Whether the state changed. If not, the input need not be journalled.
    pub changed: bool,
}
