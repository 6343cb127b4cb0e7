//! To and from update-audit: the end of a run.

use serde::{Deserialize, Serialize};

use super::Trouble;
use crate::{ExecutionId, WorkflowStatus};

/// To update-audit: from the master's last state, or of its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AuditRequest {
    /// EventBridge's event of an execution's end.
    Ended(ExecutionEnded),
    /// The master's last state.
    Finished {
        /// The run.
        workflow_execution_id: ExecutionId,
        /// What broke the run, beside its jobs.
        #[serde(default)]
        trouble: Option<Trouble>,
    },
}

/// The detail type of the event of an execution's end.
pub const RUN_ENDED_DETAIL_TYPE: &str = "Step Functions Execution Status Change";

/// Statuses of a master execution after which its run may not be closed: a master succeeds only after its last state
/// has closed the run.
pub const RUN_ENDED_STATUSES: [&str; 3] = ["FAILED", "TIMED_OUT", "ABORTED"];

/// `Step Functions Execution Status Change` (Step Functions developer guide, "Automating Step Functions event
/// delivery with EventBridge"). Fields that nobody reads are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionEnded {
    /// What is told of the execution.
    pub detail: ExecutionDetail,
}

/// The body of [`ExecutionEnded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionDetail {
    /// The execution.
    pub execution_arn: String,
    /// Its machine.
    pub state_machine_arn: String,
    /// Its name: of a master, the run's id.
    pub name: String,
    /// How it ended, as the service writes it.
    pub status: ExecutionStatus,
    /// Its error, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// Status of an execution as the service writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutionStatus {
    /// Not ended.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended by an error.
    Failed,
    /// Ran into its time limit.
    TimedOut,
    /// Stopped from outside.
    Aborted,
    /// To be run again from where it failed.
    PendingRedrive,
}

/// From update-audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditAnswer {
    /// How the run ended; none if the event was of no run of ours.
    pub workflow_status: Option<WorkflowStatus>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_and_a_call_are_told_apart() {
        let event = json!({
            "version": "0", "detail-type": "Step Functions Execution Status Change", "source": "aws.states",
            "detail": { "executionArn": "arn:e", "stateMachineArn": "arn:m", "name": "run-1",
                "status": "TIMED_OUT", "startDate": 1, "input": "{}", "output": null },
        });
        let AuditRequest::Ended(ended) = serde_json::from_value(event).unwrap() else { panic!() };
        assert_eq!((ended.detail.status, ended.detail.name.as_str()), (ExecutionStatus::TimedOut, "run-1"));
        let call = json!({ "workflow_execution_id": "run-1", "trouble": null });
        assert!(matches!(
            serde_json::from_value(call).unwrap(),
            AuditRequest::Finished { trouble: None, .. }
        ));
    }
}
