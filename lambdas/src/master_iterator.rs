//! Selects the next chunk. Only this function decides what a run does next.

mod decide;

use rsqlflow_core::config::ExecutionType;
use rsqlflow_core::message::{
    ChildInput, Items, MasterAnswer, MasterRequest, Next, ParallelInput, Trouble, child_name,
};
use rsqlflow_core::plan::{Chunk, ChunkRef, Plan};
use rsqlflow_core::{ErrorName, Seconds};

use crate::chunk_rows::{planned, settle_chunk};
use crate::closing::explains;
use crate::hand_out::{hand_out, require_open};
use crate::{Context, HandlerError};

use decide::{ChunkResult, Finished, decide};

/// Maximum number of tries of a job's task: what the state machines' `Retry` allows.
pub(crate) const TASK_TRIES: u64 = 8;

/// Maximum duration of a Standard execution: a year (Step Functions developer guide, "Quotas").
const YEAR: u64 = 365 * 24 * 3600;

/// Settles the chunk that has ended, then selects the next one. Writes the rows of skipped jobs before it, and its own rows
/// if it is parallel. A repeated call returns the same answer.
///
/// # Errors
/// `StageNotSettled` while rows of the chunk are open: nothing may start at the same time. `ExecutionNotFound` for a run
/// that is closed or being closed: a trigger may have closed it before its execution started.
pub async fn handle(context: &Context, request: MasterRequest) -> Result<MasterAnswer, HandlerError> {
    let run = &request.workflow_execution_id;
    require_open(context, run).await?;
    let plan = context.plan(run).await?;
    let (finished, trouble) = match request.after {
        None => (None, None),
        Some(at) => {
            let (finished, trouble) = finish(context, &plan, &request, at).await?;
            (Some(finished), trouble)
        }
    };
    let decision = decide(&plan, finished.as_ref());
    let after = request.after;
    let next = decision.chunk.as_ref().map(|chunk| chunk.at);
    if next.is_some() || !decision.failed {
        hand_out(context, run, &plan.workflow_id, plan.skipped_between(after, next)).await?;
    }
    let answer = MasterAnswer {
        workflow_execution_id: run.clone(),
        next: Next::Done,
        after: next.or(after),
        stage_failed: decision.failed,
        name: None,
        timeout: None,
        input: None,
        trouble,
    };
    match decision.chunk {
        Some(chunk) => start(context, &plan, &chunk, answer).await,
        None => {
            tracing::info!(failed = decision.failed, "nothing is left to start");
            Ok(answer)
        }
    }
}

/// The result of the chunk, and other errors.
async fn finish(
    context: &Context,
    plan: &Plan,
    request: &MasterRequest,
    at: ChunkRef,
) -> Result<(Finished, Option<Trouble>), HandlerError> {
    let run = &request.workflow_execution_id;
    let chunk = planned(run, plan, at)?;
    let unexplained = request.trouble.clone().filter(|trouble| !explains(ErrorName::StageFailed, trouble));
    let settled = settle_chunk(context, run, plan, &chunk, unexplained.is_some()).await?;
    let trouble = unexplained.or_else(|| {
        (settled.missing > 0).then(|| Trouble {
            error: ErrorName::StageFailed.to_string(),
            cause: format!("{} jobs of stage {} were not started", settled.missing, at.stage + 1),
        })
    });
    let verdict = match &trouble {
        Some(trouble) => {
            tracing::error!(stage = at.stage, chunk = at.chunk, %trouble, "the chunk's execution failed");
            ChunkResult::Broken
        }
        None if settled.bad().next().is_some() => ChunkResult::Bad,
        None => ChunkResult::Good,
    };
    Ok((Finished { at, verdict, stage_failed: request.stage_failed }, trouble))
}

async fn start(
    context: &Context,
    plan: &Plan,
    chunk: &Chunk<'_>,
    done: MasterAnswer,
) -> Result<MasterAnswer, HandlerError> {
    let input = chunk.input();
    let timeout =
        child_timeout(&input.limits.iter().map(|l| l.t).max().unwrap_or_default(), chunk.jobs.len());
    let (next, parallel) = match input.execution_type {
        ExecutionType::Sequential => (Next::Sequential, None),
        ExecutionType::Parallel => {
            // Here and not in the child, to save an invocation.
            let run = &done.workflow_execution_id;
            hand_out(context, run, &plan.workflow_id, chunk.jobs.iter().copied()).await?;
            let items = Items { items: input.items, limits: input.limits };
            (Next::Parallel, Some(ParallelInput { max_concurrency: input.max_concurrency, items }))
        }
    };
    let name = child_name(&done.workflow_execution_id, chunk.at);
    tracing::info!(child = name, jobs = chunk.jobs.len(), "next chunk");
    Ok(MasterAnswer {
        next,
        name: Some(name),
        timeout: Some(timeout),
        input: Some(ChildInput {
            stage: input.stage,
            chunk: input.chunk,
            on_failure: input.on_failure,
            parallel,
        }),
        ..done
    })
}

/// Longer than any working child: the jobs in sequence, each with every try of its task, and a day for the steps between
/// them.
fn child_timeout(longest: &Seconds, jobs: usize) -> Seconds {
    let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
    let total = u64::from(longest.get()).saturating_mul(TASK_TRIES).saturating_mul(jobs);
    Seconds::saturating(total.saturating_add(24 * 3600).min(YEAR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_childs_time_is_generous_and_at_most_a_year() {
        assert_eq!(child_timeout(&Seconds::saturating(100), 2), Seconds::saturating(2 * 8 * 100 + 86_400));
        assert_eq!(child_timeout(&Seconds::MAX, 667), Seconds::saturating(YEAR));
    }
}
