//! The rows of a chunk, and what they say of it.

use rsqlflow_core::config::OnFailure;
use rsqlflow_core::plan::{Chunk, ChunkRef, Plan};
use rsqlflow_core::{ExecutionId, JobId};
use rsqlflow_store::JobStanding;

use crate::settle::settle;
use crate::{Context, HandlerError};

/// A chunk whose every row is closed.
#[derive(Debug)]
pub(crate) struct Settled {
    /// The rows, in order; jobs that were not handed out have none.
    pub(crate) rows: Vec<JobStanding>,
    /// How many jobs were not handed out.
    pub(crate) missing: usize,
}

impl Settled {
    /// The rows that did not end well.
    pub(crate) fn bad(&self) -> impl Iterator<Item = &JobStanding> {
        self.rows.iter().filter(|row| !row.status.is_good())
    }
}

/// A chunk that a machine names is in the plan, unless somebody changed either.
pub(crate) fn planned<'p>(
    run: &ExecutionId,
    plan: &'p Plan,
    at: ChunkRef,
) -> Result<Chunk<'p>, HandlerError> {
    plan.chunk(at).ok_or_else(|| HandlerError::CorruptPlan {
        execution: run.clone(),
        reason: format!("it has no chunk {} in stage {}", at.chunk, at.stage),
    })
}

/// Reads a chunk's rows and settles them.
///
/// # Errors
/// `StageNotSettled` while rows are open.
pub(crate) async fn settle_chunk(
    context: &Context,
    run: &ExecutionId,
    chunk: &Chunk<'_>,
) -> Result<Settled, HandlerError> {
    let id = |job: Option<&(JobId, _)>| job.map_or(JobId::new(chunk.at.stage, 0), |(id, _)| *id);
    let (from, to) = (id(chunk.jobs.first()), id(chunk.jobs.last()));
    let mut rows = context.store.jobs().standings(run, from..=to).await?;
    // Skipped jobs stand between those of the chunk, and are not of it.
    rows.retain(|row| chunk.jobs.binary_search_by_key(&row.job_id, |(id, _)| *id).is_ok());
    let why = why(&rows);
    let open = settle(context, run, &mut rows, &why).await?;
    if open > 0 {
        return Err(HandlerError::StageNotSettled { execution: run.clone(), open });
    }
    let missing = chunk.jobs.len().saturating_sub(rows.len());
    Ok(Settled { rows, missing })
}

/// Why jobs of a chunk that is over were not started: the failure that stopped it, where there is one.
fn why(rows: &[JobStanding]) -> String {
    match rows.iter().find(|row| row.status.is_closed() && !row.status.is_good()) {
        Some(bad) => format!("{} ({}) of its stage ended as {}", bad.job_name, bad.job_id, bad.status),
        None => "its stage is over".to_owned(),
    }
}

/// What a failed job of the stage means.
pub(crate) fn on_failure(plan: &Plan, stage: u16) -> OnFailure {
    plan.stages.get(usize::from(stage)).map_or(OnFailure::Finish, |stage| stage.on_failure)
}
