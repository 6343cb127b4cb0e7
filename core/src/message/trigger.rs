//! To and from workflow-trigger: starting and restarting a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::restart::ConfigChoice;
use crate::{ErrorName, ExecutionId, JobId, Problem, WorkflowId, WorkflowStatus};

/// To workflow-trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerRequest {
    /// Which workflow.
    pub workflow_id: WorkflowId,
    /// The run's id, so that a call can be repeated. Without it, each call starts a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_execution_id: Option<ExecutionId>,
    /// Overrides of the workflow's parameters: an object of texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// Go on with a run that ended, instead of beginning anew. Not together with `parameters`: a restart keeps the
    /// first run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartRequest>,
    /// Answer a refusal as [`TriggerRefused`], for programs that show each problem by itself. Without it the function
    /// fails, which schedules, alarms and retries count on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answer_refusal: bool,
}

/// What to restart, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestartRequest {
    /// The run that ended, of the same workflow.
    pub workflow_execution_id: ExecutionId,
    /// Run all jobs of this stage, from 1, and of those after it. Without this and `job_ids`: those that are not
    /// done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_stage: Option<u16>,
    /// Run exactly these jobs, such as `0003#00017`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub job_ids: Vec<JobId>,
    /// Which config to run, where it changed meanwhile; without it such a restart is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ConfigChoice>,
    /// Restart it although it was restarted before: what the other restart did is then done twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// From workflow-trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerAnswer {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// Its master execution.
    pub execution_arn: String,
    /// Whether this call began it.
    pub status: TriggerStatus,
    /// The state of the run.
    pub workflow_status: WorkflowStatus,
}

/// The answer of workflow-trigger to a refused request that asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerRefused {
    /// The refusal.
    pub refused: Refusal,
}

/// The refusal of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What the function would have failed with.
    pub error: ErrorName,
    /// What is wrong, in one line.
    pub message: String,
    /// Each problem, where the workflow or its parameters have some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// What a trigger did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerStatus {
    /// The run began with this call.
    Started,
    /// An earlier call had begun it; it may have ended.
    AlreadyStarted,
}
