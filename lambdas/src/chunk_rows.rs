//! The rows of a chunk, and their evaluation.

use rsqlflow_core::config::OnFailure;
use rsqlflow_core::plan::{Chunk, ChunkRef, Plan};
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{ExecutionId, JobId};
use rsqlflow_store::JobStanding;

use crate::settle::{Cause, settle};
use crate::{Context, HandlerError};

/// A chunk whose every row is closed.
#[derive(Debug)]
pub(crate) struct Settled {
    /// The rows, in order. Jobs that were not created have none.
    pub(crate) rows: Vec<JobStanding>,
    /// Number of jobs that were not created.
    pub(crate) missing: usize,
}

impl Settled {
    /// The rows of jobs that did not complete.
    pub(crate) fn bad(&self) -> impl Iterator<Item = &JobStanding> {
        self.rows.iter().filter(|row| !row.status.is_good())
    }
}

/// The chunk in the plan. It is missing only if the input or the plan was changed.
pub(crate) fn planned<'p>(
    run: &ExecutionId,
    plan: &'p Plan,
    at: ChunkRef,
) -> Result<Chunk<'p>, HandlerError> {
    plan.chunk(at).ok_or_else(|| HandlerError::CorruptPlan {
        execution: run.clone(),
        reason: format!("chunk {} of stage {} does not exist", at.chunk, at.stage),
    })
}

/// Reads a chunk's rows and settles them. `broke` says that the chunk's execution failed for another reason than its jobs.
///
/// # Errors
/// `StageNotSettled` while rows are open.
pub(crate) async fn settle_chunk(
    context: &Context,
    run: &ExecutionId,
    plan: &Plan,
    chunk: &Chunk<'_>,
    broke: bool,
) -> Result<Settled, HandlerError> {
    let id = |job: Option<&(JobId, _)>| job.map_or(JobId::new(chunk.at.stage, 0), |(id, _)| *id);
    let (from, to) = (id(chunk.jobs.first()), id(chunk.jobs.last()));
    let mut rows = context.store.jobs().standings(run, from..=to).await?;
    // Skipped jobs are between those of the chunk, but do not belong to it.
    rows.retain(|row| chunk.jobs.binary_search_by_key(&row.job_id, |(id, _)| *id).is_ok());
    let cause = cause(&rows, on_failure(plan, chunk.at.stage), broke);
    let open = settle(context, run, &mut rows, cause).await?;
    if open > 0 {
        return Err(HandlerError::StageNotSettled { execution: run.clone(), open });
    }
    let missing = chunk.jobs.len().saturating_sub(rows.len());
    Ok(Settled { rows, missing })
}

/// Why jobs of a chunk that has ended did not end. If a failure stopped the stage, it cancelled them. Otherwise every
/// try of the state machine failed to start them.
fn cause(rows: &[JobStanding], on_failure: OnFailure, broke: bool) -> impl Fn(&JobStanding) -> Cause + use<> {
    let bad = rows.iter().find(|row| row.status.is_closed() && !row.status.is_good());
    let bad =
        bad.map(|bad| format!("{} ({}) of its stage ended as {}", bad.job_name, bad.job_id, bad.status));
    let most = rows
        .iter()
        .filter(|row| row.status == JobStatus::Triggered)
        .map(|row| row.attempt)
        .max()
        .unwrap_or_default();
    move |row| match &bad {
        _ if broke => Cause::stopped("the execution of its stage failed"),
        Some(bad) if on_failure == OnFailure::Stop => Cause::stopped(bad),
        // The tries of a job were used up and stopped the stage, and its row does not show it yet.
        None if on_failure == OnFailure::Stop && row.attempt < most => {
            Cause::stopped("another job of its stage could not be started")
        }
        Some(bad) => Cause::over(bad),
        None => Cause::over("its stage has ended"),
    }
}

/// The error of a failed job of the stage.
pub(crate) fn on_failure(plan: &Plan, stage: u16) -> OnFailure {
    plan.stages.get(usize::from(stage)).map_or(OnFailure::Finish, |stage| stage.on_failure)
}

#[cfg(test)]
mod tests {
    use rsqlflow_core::protocol::JobStatus::{Completed, Failed, Triggered};
    use rsqlflow_core::protocol::closer::Reason;

    use super::*;
    use crate::fixture::row;

    fn reasons(rows: &[JobStanding], on_failure: OnFailure, broke: bool) -> Vec<Reason> {
        let cause = cause(rows, on_failure, broke);
        rows.iter().filter(|row| !row.status.is_closed()).map(|row| cause(row).reason).collect()
    }

    #[test]
    fn who_was_stopped_is_told_from_who_could_not_be_started() {
        let sent = |position, attempt| JobStanding { attempt, ..row(0, position, Triggered) };
        let failed = [row(0, 0, Failed), sent(1, 1)];
        assert_eq!(reasons(&failed, OnFailure::Stop, false), [Reason::Stopped]);
        assert_eq!(reasons(&failed, OnFailure::Finish, false), [Reason::Over], "it had every try");
        let exhausted = [row(0, 0, Completed), sent(1, 5), sent(2, 1)];
        assert_eq!(reasons(&exhausted, OnFailure::Stop, false), [Reason::Over, Reason::Stopped]);
        assert_eq!(reasons(&exhausted, OnFailure::Finish, false), [Reason::Over, Reason::Over]);
        assert_eq!(reasons(&exhausted, OnFailure::Finish, true), [Reason::Stopped, Reason::Stopped]);
    }
}
