//! Writes the rows of jobs that are handed out.

use futures::stream::{self, StreamExt, TryStreamExt};
use rsqlflow_core::plan::ResolvedJob;
use rsqlflow_core::{ExecutionId, JobId, WorkflowId};
use rsqlflow_store::JobRow;

use crate::{Context, HandlerError};

/// Writes at once. DynamoDB has no conditional batch, and a transaction costs twice (DynamoDB developer guide,
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

/// Writes a row for each job, unless it was handed out before: `Pending`, or `Skipped` where it is not to run.
pub(crate) async fn hand_out<'j>(
    context: &Context,
    run: &ExecutionId,
    workflow: &WorkflowId,
    jobs: impl IntoIterator<Item = (JobId, &'j ResolvedJob)>,
) -> Result<(), HandlerError> {
    // Rows that are owned, collected first: over a stream of borrowing closures the compiler cannot see that the whole
    // is `Send`. And rows, not their futures, of which each takes kilobytes.
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
