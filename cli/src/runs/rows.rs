//! A run, as read from the audit tables.

use rsqlflow_core::ExecutionId;
use rsqlflow_store::{JobSummary, Store, WorkflowRow};

use crate::failure::Failure;

/// The rows of a run.
pub(crate) struct RunView {
    /// The run's own row.
    pub workflow: WorkflowRow,
    /// The rows of its jobs, in plan order. Jobs that were never created have none.
    pub jobs: Vec<JobSummary>,
}

/// Reads a run once.
///
/// # Errors
/// The tables cannot be read, or the run does not exist.
pub(crate) async fn read(store: &Store, id: &ExecutionId) -> Result<RunView, Failure> {
    // In this order: if the workflow is closed, its jobs are closed, but not the other way round.
    let workflow = store.workflows().get(id).await?.ok_or_else(|| no_such_run(id))?;
    let jobs = store.jobs().all_summaries(id).await?;
    Ok(RunView { workflow, jobs })
}

/// Message for an open run on a state directory without an endpoint.
pub(crate) const INTERRUPTED: &str =
    "no endpoint serves this directory: the run is interrupted\nhint: run `rsqlflow local` to continue it";

/// Message for a list with such runs.
pub(crate) const ALL_INTERRUPTED: &str = "no endpoint serves this directory: runs shown as Running are interrupted\nhint: run `rsqlflow local` to continue them";

/// The error for a run that does not exist.
#[must_use]
pub(crate) fn no_such_run(id: &ExecutionId) -> Failure {
    Failure::input(
        format!("run {id} does not exist"),
        "check the id; `rsqlflow history` lists the runs, and `rsqlflow config` shows which backend is used",
    )
}

/// Milliseconds from claim to close.
#[must_use]
pub(crate) fn took(job: &JobSummary) -> Option<i64> {
    Some(job.execution_end_ts?.millis_since(job.execution_start_ts?))
}
