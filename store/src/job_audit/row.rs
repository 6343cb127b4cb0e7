//! A job's row.

use rsqlflow_core::plan::ResolvedJob;
use rsqlflow_core::protocol::{Contract, JobState, JobStatus};
use rsqlflow_core::{ExecutionId, JobId, Timestamp, WorkflowId};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::item::{self, Item};

/// One job of one run. Field names are column names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// Partition key.
    pub workflow_execution_id: ExecutionId,
    /// Sort key.
    pub job_id: JobId,
    /// What a reader must know to run the job. Rows of before there were contracts name none.
    #[serde(default)]
    pub contract: Contract,
    /// Which workflow.
    pub workflow_id: WorkflowId,
    /// The name shown; the same script may stand in a workflow twice.
    pub job_name: String,
    /// What the protocol reads and writes.
    #[serde(flatten)]
    pub state: JobState,
    /// The script's runs within the current attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<Try>,
    /// When the current attempt was claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_start_ts: Option<Timestamp>,
    /// When the row was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_end_ts: Option<Timestamp>,
    /// Where the current attempt was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// Version of the agent that claimed the current attempt, or refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// The command that carried it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssm_command_id: Option<String>,
    /// Of the script file as it was when it was started, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script_sha256: Option<String>,
    /// CloudWatch Logs group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_group: Option<String>,
    /// CloudWatch Logs stream of the current attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_stream: Option<String>,
    /// Bytes that the script wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<u64>,
    /// Whether all of them reached CloudWatch Logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_complete: Option<bool>,
    /// Why they did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_error: Option<String>,
    /// A result that came after the row was closed or its attempt replaced. It changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_result: Option<String>,
    /// DynamoDB's TTL, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// The job with every default filled in.
    pub job: ResolvedJob,
}

/// A row, unless it follows a contract that this program does not know. That is looked at first: of such a row nothing
/// else need be as expected.
pub(super) fn read(table: &str, key: &str, item: Item) -> Result<JobRow, StoreError> {
    if let Some(contract) = item.get("contract") {
        let number = contract.as_n().ok().and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| StoreError::corrupt(table, key, "its contract is no number"))?;
        Contract(number).check().map_err(|reason| StoreError::Incompatible {
            table: table.to_owned(),
            key: key.to_owned(),
            reason,
        })?;
    }
    item::read(table, key, item)
}

/// One run of the script within an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// When it was started.
    pub start_ts: Timestamp,
    /// When it ended.
    pub end_ts: Timestamp,
    /// `None` where it was not started.
    pub exit_code: Option<i32>,
    /// What went wrong, if anything did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// What people should know of a try, whether it failed or not: such as processes that the script had left running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl JobRow {
    /// The row as an iterator hands the job out: `Pending`, or `Skipped` where it is not to be run.
    #[must_use]
    pub fn handed_out(execution: ExecutionId, workflow: WorkflowId, id: JobId, job: ResolvedJob) -> Self {
        let mut state = JobState::pending();
        if job.skip {
            state.status = JobStatus::Skipped;
            state.error_message.clone_from(&job.skip_reason);
        }
        Self {
            workflow_execution_id: execution,
            job_id: id,
            contract: job.contract(),
            workflow_id: workflow,
            job_name: job.job_name.clone(),
            state,
            tries: Vec::new(),
            execution_start_ts: None,
            execution_end_ts: None,
            instance_id: None,
            agent_version: None,
            ssm_command_id: None,
            script_sha256: None,
            log_group: None,
            log_stream: None,
            log_bytes: None,
            log_complete: None,
            log_error: None,
            late_result: None,
            expires_at: None,
            job,
        }
    }

    pub(crate) fn key_text(&self) -> String {
        format!("{} {}", self.workflow_execution_id, self.job_id)
    }
}
