//! Evaluates a parallel chunk by its rows, when its last task has ended or its first failure has stopped it. The last script
//! alone is not sufficient: the first may have failed.

use rsqlflow_core::config::OnFailure;
use rsqlflow_core::message::{ChunkRequest, Empty};
use rsqlflow_store::JobStanding;

use crate::chunk_rows::{on_failure, planned, settle_chunk};
use crate::closing::describe_bad;
use crate::{Context, HandlerError};

/// Settles the chunk's rows, then evaluates them.
///
/// # Errors
/// `StageNotSettled` while rows are open. `StageFailed` if a job did not complete and the stage must not continue.
pub async fn handle(context: &Context, request: ChunkRequest) -> Result<Empty, HandlerError> {
    let run = &request.workflow_execution_id;
    let plan = context.plan(run).await?;
    let chunk = planned(run, &plan, request.at())?;
    let settled = settle_chunk(context, run, &plan, &chunk, false).await?;
    let bad: Vec<&JobStanding> = settled.bad().collect();
    if on_failure(&plan, request.stage) == OnFailure::Continue || (bad.is_empty() && settled.missing == 0) {
        return Ok(Empty {});
    }
    Err(HandlerError::StageFailed(describe_bad(&bad, chunk.jobs.len())))
}
