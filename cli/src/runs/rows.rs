//! A run as its rows in the audit tables show it.

use rsqlflow_core::ExecutionId;
use rsqlflow_store::{JobSummary, Store, WorkflowRow};

use crate::failure::Failure;

/// A run as its rows show it.
pub(crate) struct RunView {
    /// The run's own row.
    pub workflow: WorkflowRow,
    /// Its jobs' rows, in plan order; jobs that were never handed out have none.
    pub jobs: Vec<JobSummary>,
}

/// Reads a run once.
///
/// # Errors
/// Where the tables cannot be read, or there is no such run.
pub(crate) async fn read(store: &Store, id: &ExecutionId) -> Result<RunView, Failure> {
    // In this order: a closed workflow has closed jobs, but not the other way round.
    let workflow = store.workflows().get(id).await?.ok_or_else(|| no_such_run(id))?;
    let jobs = store.jobs().all_summaries(id).await?;
    Ok(RunView { workflow, jobs })
}

/// Of an open run on a state directory that nobody serves.
pub(crate) const INTERRUPTED: &str = "no endpoint serves this directory: the run is interrupted, and goes on as soon as `rsqlflow local` serves it";

/// The same of a list of runs.
pub(crate) const ALL_INTERRUPTED: &str = "no endpoint serves this directory: runs shown as Running are interrupted, and go on as soon as `rsqlflow local` serves it";

/// The error of a run that nobody knows.
#[must_use]
pub(crate) fn no_such_run(id: &ExecutionId) -> Failure {
    Failure::input(
        format!("there is no run {id}"),
        "check the id and the place: `rsqlflow history` lists the runs there, `rsqlflow config` shows where that is",
    )
}

/// Milliseconds from claim to close.
#[must_use]
pub(crate) fn took(job: &JobSummary) -> Option<i64> {
    Some(job.execution_end_ts?.millis_since(job.execution_start_ts?))
}
