//! Marks of operators: jobs that a restart does not run.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::protocol::JobStatus;
use crate::{JobId, Timestamp};

/// What a job counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MarkStatus {
    /// Its work was done by other means.
    Completed,
    /// Its work is not wanted.
    Skipped,
}

impl fmt::Display for MarkStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "Completed",
            Self::Skipped => "Skipped",
        })
    }
}

/// A mark. It does not change the job's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Which job.
    pub job_id: JobId,
    /// As what.
    pub mark: MarkStatus,
    /// The operator.
    pub marked_by: String,
    /// Why.
    pub reason: String,
    /// When. Of several marks of a job the last counts.
    pub marked_at: Timestamp,
}

/// Why a job cannot be marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarkRefused {
    /// It is done.
    #[error("it has completed, so there is nothing to mark")]
    Completed,
    /// It may still run, or is running.
    #[error("it is {0} and may still complete")]
    Open(JobStatus),
    /// Its run may still come to it.
    #[error("its run has not come to it yet, and still may")]
    NotYet,
}

/// Whether a job may be marked: only after it can no longer run. `job` is `None` if it was not created.
///
/// # Errors
/// [`MarkRefused`] with the reason.
pub const fn check_mark(is_run_closed: bool, job: Option<JobStatus>) -> Result<(), MarkRefused> {
    match job {
        Some(JobStatus::Completed) => Err(MarkRefused::Completed),
        Some(status) if !status.is_closed() => Err(MarkRefused::Open(status)),
        None if !is_run_closed => Err(MarkRefused::NotYet),
        _ => Ok(()),
    }
}
