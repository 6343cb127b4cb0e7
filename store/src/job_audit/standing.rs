//! Rows for whoever judges them: few columns of many.

use std::ops::RangeInclusive;

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{ExecutionId, JobId};
use serde::Deserialize;

use super::JobAudit;
use super::rows::EVERY_JOB;
use crate::StoreError;

/// How a job stands. A run may have 10,000 jobs, and a function reads them all to close it, or to
/// restart from it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct JobStanding {
    /// Sort key.
    pub job_id: JobId,
    /// The name shown.
    pub job_name: String,
    /// Column `execution_status`.
    #[serde(rename = "execution_status")]
    pub status: JobStatus,
    /// Of a closed row.
    #[serde(default)]
    pub error_message: Option<String>,
}

const COLUMNS: [&str; 4] = ["job_id", "job_name", "execution_status", "error_message"];

impl JobAudit {
    /// How these jobs of a run stand, in plan order; those that were not handed out have no row.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn standings(
        &self,
        id: &ExecutionId,
        jobs: RangeInclusive<JobId>,
    ) -> Result<Vec<JobStanding>, StoreError> {
        self.rows(id, jobs, &COLUMNS).await
    }

    /// How all jobs of a run stand.
    ///
    /// # Errors
    /// As [`Self::standings`].
    pub async fn all_standings(&self, id: &ExecutionId) -> Result<Vec<JobStanding>, StoreError> {
        self.standings(id, EVERY_JOB).await
    }
}
