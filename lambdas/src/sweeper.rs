//! Closes runs whose end nobody told: the event of their master's end was lost, or their trigger died before it
//! started them. A run at work is left alone.

use rsqlflow_core::message::{SweepAnswer, SweepRequest, Swept};
use rsqlflow_store::WorkflowRow;

use crate::closing::close;
use crate::standing::{Standing, standing};
use crate::{Context, HandlerError};

/// Looks at every open run, one after the other: one that cannot be looked at holds up no other.
///
/// # Errors
/// Where the runs cannot be listed.
pub async fn handle(context: &Context, request: SweepRequest) -> Result<SweepAnswer, HandlerError> {
    let mut answer = SweepAnswer::default();
    let mut rows = context.store.workflows().running().await?;
    rows.sort_by_key(|row| row.execution_start_ts);
    for row in rows {
        let swept = |message: String| Swept {
            workflow_execution_id: row.workflow_execution_id.clone(),
            workflow_id: row.workflow_id.clone(),
            message,
        };
        match sweep(context, row.clone(), request.dry_run).await {
            Ok(Some(how)) => answer.closed.push(swept(how)),
            Ok(None) => answer.running.push(row.workflow_execution_id),
            Err(error @ HandlerError::StageNotSettled { .. }) => {
                answer.stopping.push(swept(error.to_string()));
            }
            Err(error) => {
                tracing::error!(run = %row.workflow_execution_id, %error, "a run could not be swept");
                answer.failed.push(swept(error.to_string()));
            }
        }
    }
    tracing::info!(
        closed = answer.closed.len(),
        stopping = answer.stopping.len(),
        running = answer.running.len(),
        failed = answer.failed.len(),
        dry_run = request.dry_run,
        "swept"
    );
    Ok(answer)
}

/// How the run was closed, or would be; `None` if it is at work.
async fn sweep(context: &Context, row: WorkflowRow, dry_run: bool) -> Result<Option<String>, HandlerError> {
    match standing(context, &row.workflow_execution_id, row.execution_start_ts).await? {
        Standing::Runs | Standing::Starts => Ok(None),
        Standing::Over(ending) if dry_run => Ok(Some(ending.describe())),
        Standing::Over(ending) => {
            let verdict = close(context, row, &ending).await?;
            Ok(Some(format!("closed as {}: {}", verdict.status, ending.describe())))
        }
    }
}
