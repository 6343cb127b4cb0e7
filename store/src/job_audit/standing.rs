//! The state of jobs: the few columns that functions read of every job of a run.

use std::ops::RangeInclusive;

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{ExecutionId, JobId};
use serde::Deserialize;

use super::rows::EVERY_JOB;
use super::{JobAudit, SORT};
use crate::StoreError;
use crate::item::{self, number, text};

/// The state of a job. A run may have 10,000 jobs, and a function reads them all to close it, or to restart it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct JobStanding {
    /// Sort key.
    pub job_id: JobId,
    /// The name shown.
    pub job_name: String,
    /// Column `execution_status`.
    #[serde(rename = "execution_status")]
    pub status: JobStatus,
    /// Number of attempts.
    pub attempt: u32,
    /// Message of a closed row.
    #[serde(default)]
    pub error_message: Option<String>,
    /// DynamoDB's TTL, in seconds since 1970, once the run is closed.
    #[serde(default)]
    pub expires_at: Option<i64>,
}

const COLUMNS: [&str; 6] =
    ["job_id", "job_name", "execution_status", "attempt", "error_message", "expires_at"];

impl JobAudit {
    /// The state of these jobs of a run, in plan order. Jobs that were not created have no row. A row with unreadable columns
    /// is named by its id; without a readable status it counts as running.
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
                    None => tracing::warn!(workflow_execution_id = %id, job_id = sort, "an item is not the row of a job"),
                }
                read.map(|(standing, _)| standing)
            })
            .collect())
    }

    /// The state of all jobs of a run.
    ///
    /// # Errors
    /// As [`Self::standings`].
    pub async fn all_standings(&self, id: &ExecutionId) -> Result<Vec<JobStanding>, StoreError> {
        self.standings(id, EVERY_JOB).await
    }
}
