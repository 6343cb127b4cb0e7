//! The lock of a workflow that does not allow overlapping runs.

use rsqlflow_core::{ExecutionId, Timestamp, WorkflowId};
use rsqlflow_store::Lock;

use crate::closing::{Ending, close};
use crate::context::now;
use crate::standing::{Standing, standing};
use crate::{Context, HandlerError, error::count_jobs};

/// Maximum number of rounds: other runs may take the lock after it was released.
const ROUNDS: usize = 3;

/// Takes the lock for a run, if necessary from a run that has ended.
pub(super) async fn take(
    context: &Context,
    workflow: &WorkflowId,
    id: &ExecutionId,
) -> Result<(), HandlerError> {
    let mut refusal = None;
    for _ in 0..ROUNDS {
        match context.store.workflows().take_lock(workflow, id, now()).await? {
            Lock::Taken => return Ok(()),
            Lock::HeldBy { holder, since } => {
                refusal = Some(holder.clone());
                free(context, workflow, &holder, since).await?;
            }
        }
    }
    Err(held(workflow, &refusal.unwrap_or_else(|| id.clone()), ""))
}

fn held(workflow: &WorkflowId, holder: &ExecutionId, detail: &str) -> HandlerError {
    HandlerError::WorkflowAlreadyRunning {
        workflow: workflow.clone(),
        holder: holder.clone(),
        detail: detail.to_owned(),
    }
}

/// Closes the holder's run if it has ended, which releases the lock.
async fn free(
    context: &Context,
    workflow: &WorkflowId,
    holder: &ExecutionId,
    since: Timestamp,
) -> Result<(), HandlerError> {
    let row = context.store.workflows().to_close(holder).await?.map(|found| found.row);
    let is_closed = row.as_ref().is_some_and(|row| row.execution_status.is_closed());
    let ending = if is_closed {
        // Its closer was killed before it released the lock.
        Ending::Finished { trouble: None }
    } else {
        match standing(context, holder, since).await? {
            Standing::Runs => return Err(held(workflow, holder, "")),
            Standing::Starts => return Err(held(workflow, holder, ", which is being started")),
            Standing::Over(ending) => ending,
        }
    };
    tracing::warn!(%holder, workflow_id = %workflow, ?ending, "the run that holds the lock has ended");
    match row {
        None => Ok(context.store.workflows().release_lock(workflow, holder).await?),
        Some(row) => match close(context, row, &ending).await {
            Ok(_) => Ok(()),
            Err(HandlerError::StageNotSettled { open, .. }) => {
                Err(held(workflow, holder, &format!(", whose last {} being stopped", count_jobs(open))))
            }
            Err(error) => Err(error),
        },
    }
}
