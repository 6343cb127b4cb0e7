//! Errors during the evaluation of a state.

/// Error names of the language that this crate compares or raises.
///
/// <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation>
pub(crate) mod names {
    pub(crate) const ALL: &str = "States.ALL";
    pub(crate) const DATA_LIMIT: &str = "States.DataLimitExceeded";
    pub(crate) const HEARTBEAT_TIMEOUT: &str = "States.HeartbeatTimeout";
    pub(crate) const INTRINSIC_FAILURE: &str = "States.IntrinsicFailure";
    pub(crate) const RESULT_PATH: &str = "States.ResultPathMatchFailure";
    pub(crate) const RUNTIME: &str = "States.Runtime";
    pub(crate) const TASK_FAILED: &str = "States.TaskFailed";
    pub(crate) const TIMEOUT: &str = "States.Timeout";
    pub(crate) const TOLERATED_FAILURE: &str = "States.ExceedToleratedFailureThreshold";

    /// Names that a definition may match. Others that begin with `States.` are reserved.
    pub(crate) const PREDEFINED: &[&str] = &[
        ALL,
        "States.BranchFailed",
        DATA_LIMIT,
        TOLERATED_FAILURE,
        HEARTBEAT_TIMEOUT,
        "States.Http.Socket",
        INTRINSIC_FAILURE,
        "States.ItemReaderFailed",
        "States.NoChoiceMatched",
        "States.ParameterPathFailure",
        "States.Permissions",
        "States.QueryEvaluationError",
        RESULT_PATH,
        "States.ResultWriterFailed",
        RUNTIME,
        TASK_FAILED,
        TIMEOUT,
    ];
}

/// An error of the interpreter itself. The sentence that names the state is added to the cause later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EvalError {
    pub(crate) error: &'static str,
    pub(crate) cause: String,
}

impl EvalError {
    pub(crate) fn runtime(cause: impl Into<String>) -> Self {
        Self { error: names::RUNTIME, cause: cause.into() }
    }
}
