//! The lock of a workflow that forbids a second run.

use rsqlflow_core::message::ExecutionStatus;
use rsqlflow_core::{ExecutionId, Timestamp, WorkflowId};
use rsqlflow_store::Lock;

use super::start::status;
use crate::aws::execution_arn;
use crate::closing::{Ending, close};
use crate::context::now;
use crate::{Context, HandlerError};

/// A trigger that took a lock and has not started an execution after so long never will: a Lambda function lives
/// at most 15 minutes (Lambda developer guide, "Quotas"). A minute more for clocks that differ.
const ABANDONED_AFTER_MILLIS: i64 = 16 * 60 * 1_000;

/// Freed locks may be taken by others meanwhile.
const ROUNDS: usize = 3;

/// Takes the lock for a run, if need be from a run that is over.
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

/// Closes the holder's run if it is over, which gives the lock back.
async fn free(
    context: &Context,
    workflow: &WorkflowId,
    holder: &ExecutionId,
    since: Timestamp,
) -> Result<(), HandlerError> {
    let row = context.store.workflows().get(holder).await?;
    let is_closed = row.as_ref().is_some_and(|row| row.execution_status.is_closed());
    let ending = if is_closed {
        // Its closer died before it gave the lock back.
        Ending::Finished { trouble: None }
    } else {
        let arn = execution_arn(&context.deployment.machines.master, holder.as_str())?;
        match verdict(status(context, &arn).await?, now().millis_since(since)) {
            Holder::Runs => return Err(held(workflow, holder, "")),
            Holder::Starts => return Err(held(workflow, holder, ", which is just being started")),
            Holder::Ended(status) => Ending::Ended { status, error: None, cause: None },
            Holder::Abandoned => Ending::NeverStarted { why: "its trigger did not get that far".to_owned() },
        }
    };
    tracing::warn!(%holder, workflow_id = %workflow, ?ending, "the lock's holder is over");
    match row {
        None => Ok(context.store.workflows().release_lock(workflow, holder).await?),
        Some(row) => match close(context, row, &ending).await {
            Ok(_) => Ok(()),
            Err(HandlerError::StageNotSettled { open, .. }) => {
                Err(held(workflow, holder, &format!(", whose last {open} job(s) are being stopped")))
            }
            Err(error) => Err(error),
        },
    }
}

/// What a lock's holder is about.
#[derive(Debug, PartialEq, Eq)]
enum Holder {
    Runs,
    Starts,
    Ended(ExecutionStatus),
    Abandoned,
}

fn verdict(status: Option<ExecutionStatus>, held_for_millis: i64) -> Holder {
    match status {
        Some(ExecutionStatus::Running | ExecutionStatus::PendingRedrive) => Holder::Runs,
        Some(ended) => Holder::Ended(ended),
        None if held_for_millis < ABANDONED_AFTER_MILLIS => Holder::Starts,
        None => Holder::Abandoned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_taken_only_from_a_run_that_is_over() {
        let minute = 60_000;
        assert_eq!(verdict(Some(ExecutionStatus::Running), 99 * minute), Holder::Runs);
        assert_eq!(verdict(Some(ExecutionStatus::PendingRedrive), 99 * minute), Holder::Runs);
        assert_eq!(verdict(Some(ExecutionStatus::Aborted), 0), Holder::Ended(ExecutionStatus::Aborted));
        assert_eq!(verdict(None, 15 * minute), Holder::Starts);
        assert_eq!(verdict(None, 17 * minute), Holder::Abandoned);
        assert_eq!(verdict(None, -minute), Holder::Starts, "a clock that is ahead");
    }
}
