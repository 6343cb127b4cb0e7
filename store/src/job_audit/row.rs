//! A job's row.

use rsqlflow_core::plan::ResolvedJob;
use rsqlflow_core::protocol::{JobState, JobStatus};
use rsqlflow_core::{ExecutionId, JobId, Timestamp, WorkflowId};
use serde::{Deserialize, Serialize};

/// One job of one run. Field names are column names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// Partition key.
    pub workflow_execution_id: ExecutionId,
    /// Sort key.
    pub job_id: JobId,
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
    /// A result that came after the row was closed or its attempt replaced. It changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_result: Option<String>,
    /// DynamoDB's TTL, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// The job with every default filled in.
    pub job: ResolvedJob,
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
            workflow_id: workflow,
            job_name: job.job_name.clone(),
            state,
            tries: Vec::new(),
            execution_start_ts: None,
            execution_end_ts: None,
            instance_id: None,
            ssm_command_id: None,
            script_sha256: None,
            log_group: None,
            log_stream: None,
            log_bytes: None,
            log_complete: None,
            late_result: None,
            expires_at: None,
            job,
        }
    }

    pub(crate) fn key_text(&self) -> String {
        format!("{} {}", self.workflow_execution_id, self.job_id)
    }
}
