//! Creates the rows of a sequential chunk, and returns the items of the Map.

use rsqlflow_core::message::{ChunkRequest, Items};

use crate::chunk_rows::planned;
use crate::hand_out::{hand_out, require_open};
use crate::{Context, HandlerError};

/// A repeated call writes nothing and returns the same answer.
///
/// # Errors
/// `ExecutionNotFound` for a run that is closed or being closed; or the plan or a table cannot be read or written.
pub async fn handle(context: &Context, request: ChunkRequest) -> Result<Items, HandlerError> {
    let run = &request.workflow_execution_id;
    require_open(context, run).await?;
    let plan = context.plan(run).await?;
    let chunk = planned(run, &plan, request.at())?;
    hand_out(context, run, &plan.workflow_id, chunk.jobs.iter().copied()).await?;
    tracing::info!(stage = request.stage, chunk = request.chunk, jobs = chunk.jobs.len(), "handed out");
    let input = chunk.input();
    Ok(Items { items: input.items, limits: input.limits })
}
