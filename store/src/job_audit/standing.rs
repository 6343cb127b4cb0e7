//! The standing of jobs: the few columns that functions read of every job of a run.

use std::ops::RangeInclusive;

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{ExecutionId, JobId};
use serde::Deserialize;

use super::rows::EVERY_JOB;
use super::{JobAudit, SORT};
use crate::StoreError;
use crate::item::{self, number, text};

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
    /// How often the job was sent.
    pub attempt: u32,
    /// Of a closed row.
    #[serde(default)]
    pub error_message: Option<String>,
    /// DynamoDB's TTL, in seconds since 1970, once the run is closed.
    #[serde(default)]
    pub expires_at: Option<i64>,
}

const COLUMNS: [&str; 6] =
    ["job_id", "job_name", "execution_status", "attempt", "error_message", "expires_at"];

impl JobAudit {
    /// How these jobs of a run stand, in plan order; those that were not handed out have no row. A row of which columns
    /// cannot be read is named by its id; without a readable status it counts as running.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn standings(
        &self,
        id: &ExecutionId,
        jobs: RangeInclusive<JobId>,
    ) -> Result<Vec<JobStanding>, StoreError> {
        let items = self.items(id, jobs, &COLUMNS).await?;
        Ok(items
            .into_iter()
            .filter_map(|item| {
                let sort = item.get(SORT)?.as_s().ok()?.clone();
                let defaults = [
                    ("job_name", text(&sort)),
                    ("execution_status", text(JobStatus::Running.as_str())),
                    ("attempt", number(0)),
                ];
                let read = item::read_partly::<JobStanding>(item, &[SORT], &defaults);
                match &read {
                    Some((_, unreadable)) if unreadable.is_empty() => {}
                    Some((_, columns)) => {
                        tracing::warn!(workflow_execution_id = %id, job_id = sort, ?columns, "columns cannot be read");
                    }
                    None => tracing::warn!(workflow_execution_id = %id, job_id = sort, "no row of a job"),
                }
                read.map(|(standing, _)| standing)
            })
            .collect())
    }

    /// How all jobs of a run stand.
    ///
    /// # Errors
    /// As [`Self::standings`].
    pub async fn all_standings(&self, id: &ExecutionId) -> Result<Vec<JobStanding>, StoreError> {
        self.standings(id, EVERY_JOB).await
    }
}
