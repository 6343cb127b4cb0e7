//! Rows for people, without the columns that only the agent needs.

use rsqlflow_core::protocol::JobState;
use rsqlflow_core::{ExecutionId, JobId, Timestamp};
use serde::{Deserialize, Serialize};

use super::rows::EVERY_JOB;
use super::{JobAudit, Try};
use crate::StoreError;

/// A job's row without its job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSummary {
    /// Sort key.
    pub job_id: JobId,
    /// The name shown.
    pub job_name: String,
    /// What the protocol reads and writes, without the token.
    #[serde(flatten)]
    pub state: JobState,
    /// The script's runs within the current attempt.
    #[serde(default)]
    pub tries: Vec<Try>,
    /// When the current attempt was claimed.
    #[serde(default)]
    pub execution_start_ts: Option<Timestamp>,
    /// When the row was closed.
    #[serde(default)]
    pub execution_end_ts: Option<Timestamp>,
    /// Where the current attempt was sent.
    #[serde(default)]
    pub instance_id: Option<String>,
    /// CloudWatch Logs group.
    #[serde(default)]
    pub log_group: Option<String>,
    /// CloudWatch Logs stream.
    #[serde(default)]
    pub log_stream: Option<String>,
    /// Whether the whole output reached CloudWatch Logs.
    #[serde(default)]
    pub log_complete: Option<bool>,
    /// Why it did not.
    #[serde(default)]
    pub log_error: Option<String>,
    /// A result that came too late.
    #[serde(default)]
    pub late_result: Option<String>,
}

/// Without the token: nothing that lists rows may hold one.
const COLUMNS: [&str; 23] = [
    "job_id",
    "job_name",
    "execution_status",
    "attempt",
    "token_entered",
    "beat",
    "seen_beat",
    "seen_at",
    "owner",
    "cancel_requested",
    "statement_id",
    "exit_code",
    "error_message",
    "error_name",
    "tries",
    "execution_start_ts",
    "execution_end_ts",
    "instance_id",
    "log_group",
    "log_stream",
    "log_complete",
    "log_error",
    "late_result",
];

impl JobAudit {
    /// All rows of a run, in plan order, however many pages that takes.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn all_summaries(&self, id: &ExecutionId) -> Result<Vec<JobSummary>, StoreError> {
        self.rows(id, EVERY_JOB, &COLUMNS).await
    }
}
