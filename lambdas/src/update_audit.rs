//! Closes a run: as the master's last state, and at the event of the master's end, which also arrives if the master could
//! not reach its last state.

use rsqlflow_core::message::{AuditAnswer, AuditRequest, ExecutionDetail, ExecutionStatus};
use rsqlflow_core::{ExecutionId, WorkflowStatus};

use crate::aws::machine_arn;
use crate::closing::{Ending, close};
use crate::{Context, HandlerError};

/// Settles every row of the run, then closes it. A repeated call returns the same answer.
///
/// # Errors
/// `StageNotSettled` while rows are open: call again. For the master, `WorkflowFailed` after the run was closed and did not
/// complete, so that the master fails too.
pub async fn handle(context: &Context, request: AuditRequest) -> Result<AuditAnswer, HandlerError> {
    match request {
        AuditRequest::Finished { workflow_execution_id: run, trouble } => {
            let found = context.store.workflows().to_close(&run).await?;
            let found = found.ok_or_else(|| HandlerError::ExecutionNotFound(run.clone()))?;
            let closed = close(context, found.row, &Ending::Finished { trouble }).await?;
            match closed.status {
                WorkflowStatus::Completed => Ok(AuditAnswer { workflow_status: Some(closed.status) }),
                _ => Err(HandlerError::WorkflowFailed(closed.message.unwrap_or_default())),
            }
        }
        AuditRequest::Ended(event) => ended(context, event.detail).await,
    }
}

async fn ended(context: &Context, detail: ExecutionDetail) -> Result<AuditAnswer, HandlerError> {
    let of_no_run = AuditAnswer { workflow_status: None };
    let is_over = !matches!(detail.status, ExecutionStatus::Running | ExecutionStatus::PendingRedrive);
    if !is_over || detail.state_machine_arn != machine_arn(&context.deployment.machines.master)? {
        return Ok(of_no_run);
    }
    // The master can be started manually, with any name.
    let Ok(run) = ExecutionId::new(&detail.name) else { return Ok(of_no_run) };
    let Some(found) = context.store.workflows().to_close(&run).await? else { return Ok(of_no_run) };
    let ending = Ending::Ended { status: detail.status, error: detail.error, cause: detail.cause };
    let closed = close(context, found.row, &ending).await?;
    Ok(AuditAnswer { workflow_status: Some(closed.status) })
}
