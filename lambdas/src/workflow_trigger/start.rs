//! StartExecution, and the interpretation of its errors.

use rsqlflow_core::message::MasterInput;
use rsqlflow_core::{ExecutionId, WorkflowId};

use crate::aws::machine_arn;
use crate::closing::{Ending, close};
use crate::standing::status;
use crate::{Context, HandlerError, ServiceError};

/// Starts the master with the run's id, or finds that it was already started.
pub(super) async fn start(
    context: &Context,
    workflow: &WorkflowId,
    id: &ExecutionId,
    arn: &str,
) -> Result<(), HandlerError> {
    let input = MasterInput { workflow_execution_id: id.clone(), workflow_id: workflow.clone() };
    let input = serde_json::to_string(&input).map_err(|e| HandlerError::Internal(e.to_string()))?;
    let sent = context
        .sfn
        .start_execution()
        .state_machine_arn(machine_arn(&context.deployment.machines.master)?)
        .name(id.as_str())
        .input(input)
        .send()
        .await;
    let error = match sent {
        Ok(_) => return Ok(()),
        Err(error) => ServiceError::of("StartExecution", id.as_str(), &error),
    };
    if error.has_code("ExecutionAlreadyExists") {
        return Ok(());
    }
    if error.is_transient() {
        // The row stays open and the lock taken, because the execution may run.
        return Err(HandlerError::StartNotConfirmed { execution: id.clone(), source: error });
    }
    // A definite refusal. But an earlier sending, of this call or another, may have been accepted.
    if status(context, arn).await?.is_some() {
        return Ok(());
    }
    let row = context.store.workflows().get(id).await?;
    if let Some(row) = row {
        close(context, row, &Ending::NeverStarted { why: error.reason.clone() }).await?;
    }
    Err(error.into())
}
