//! Creates the rows of jobs.

use futures::stream::{self, StreamExt, TryStreamExt};
use rsqlflow_core::plan::ResolvedJob;
use rsqlflow_core::{ExecutionId, JobId, WorkflowId};
use rsqlflow_store::JobRow;

use crate::{Context, HandlerError};

/// Concurrent writes. DynamoDB has no conditional batch, and a transaction costs twice as much (DynamoDB developer guide,
/// "Read/write capacity").
const AT_ONCE: usize = 32;

/// Refuses a run that is closed or being closed. Before rows are written: an iterator that was late would write them
/// into a run that nobody closes again. One that is later still is found by the clock.
///
/// # Errors
/// `ExecutionNotFound`.
pub(crate) async fn require_open(context: &Context, run: &ExecutionId) -> Result<(), HandlerError> {
    let row = context.store.workflows().get(run).await?;
    if row.is_some_and(|row| !row.execution_status.is_closed() && row.closing_since.is_none()) {
        Ok(())
    } else {
        Err(HandlerError::ExecutionNotFound(run.clone()))
    }
}

/// Writes a row for each job, unless it exists: `Pending`, or `Skipped` if the job is not to run.
pub(crate) async fn hand_out<'j>(
    context: &Context,
    run: &ExecutionId,
    workflow: &WorkflowId,
    jobs: impl IntoIterator<Item = (JobId, &'j ResolvedJob)>,
) -> Result<(), HandlerError> {
    // Owned rows, collected first: the compiler cannot see that a stream of borrowing closures is `Send`. Rows, not their
    // futures, each of which takes kilobytes.
    let rows: Vec<_> = jobs
        .into_iter()
        .map(|(id, job)| JobRow::handed_out(run.clone(), workflow.clone(), id, job.clone()))
        .collect();
    let table = context.store.jobs();
    let write = |row: JobRow| {
        let table = table.clone();
        async move { table.hand_out(&row).await }
    };
    stream::iter(rows).map(write).buffer_unordered(AT_ONCE).try_for_each(|()| async { Ok(()) }).await?;
    Ok(())
}
