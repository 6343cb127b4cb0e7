//! Child executions of a master that has ended. The service stops them only on a best-effort basis (Step Functions
//! developer guide, "Run a job (.sync)").

use rsqlflow_core::ExecutionId;
use rsqlflow_core::config::ExecutionType;
use rsqlflow_core::message::child_name;
use rsqlflow_core::plan::{Chunk, ChunkRef, Plan};
use rsqlflow_store::JobStanding;

use crate::aws::execution_arn;
use crate::{Context, HandlerError, ServiceError};

/// Stops the children that may be running: a master runs one at a time.
pub(super) async fn stop(
    context: &Context,
    run: &ExecutionId,
    plan: Option<&Plan>,
    rows: &[JobStanding],
) -> Result<(), HandlerError> {
    let Some(plan) = plan else { return Ok(()) };
    for chunk in candidates(plan, rows) {
        let machine = match plan.stages.get(usize::from(chunk.at.stage)).map(|stage| stage.execution_type) {
            Some(ExecutionType::Parallel) => &context.deployment.machines.parallel,
            _ => &context.deployment.machines.sequential,
        };
        let name = child_name(run, chunk.at);
        let sent = context
            .sfn
            .stop_execution()
            .execution_arn(execution_arn(machine, &name)?)
            .error("Stopped")
            .cause("the master execution has ended")
            .send()
            .await;
        match sent.map_err(|e| ServiceError::of("StopExecution", &name, &e)) {
            Ok(_) => tracing::info!(child = name, "stopped"),
            Err(error) if error.has_code("ExecutionDoesNotExist") => {}
            // Not required for safety: no launcher sends a command for a run that is being closed.
            Err(error) => tracing::warn!(%error, "a child execution could not be stopped"),
        }
    }
    Ok(())
}

/// The chunk of the last created job, and the next chunk, whose rows may not exist yet.
fn candidates<'p>(plan: &'p Plan, rows: &[JobStanding]) -> Vec<Chunk<'p>> {
    let last = rows.iter().rev().find_map(|row| {
        let stage = plan.stages.get(usize::from(row.job_id.stage))?;
        let position = usize::try_from(row.job_id.position).ok()?;
        let job = stage.jobs.get(position)?;
        if job.skip {
            return None;
        }
        let before = stage.jobs.iter().take(position).filter(|job| !job.skip).count();
        let chunk = u16::try_from(before / plan.chunk_jobs).ok()?;
        plan.chunk(ChunkRef { stage: row.job_id.stage, chunk })
    });
    let next = plan.next(last.as_ref().map(|chunk| chunk.at));
    last.into_iter().chain(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{plan, row};
    use rsqlflow_core::plan::CHUNK_JOBS;
    use rsqlflow_core::protocol::JobStatus::{Completed, Skipped};

    fn names(plan: &Plan, rows: &[JobStanding]) -> Vec<String> {
        let run = ExecutionId::new("e").unwrap();
        candidates(plan, rows).iter().map(|chunk| child_name(&run, chunk.at)).collect()
    }

    #[test]
    fn the_child_of_the_last_job_and_the_one_after_it() {
        let plan = plan(&[("parallel", "finish", CHUNK_JOBS + 1), ("sequential", "finish", 1)]);
        let beyond = u32::try_from(CHUNK_JOBS).unwrap();
        let last = row(0, beyond - 1, Completed);
        assert_eq!(names(&plan, &[]), ["e-s0000-c000"]);
        assert_eq!(names(&plan, std::slice::from_ref(&last)), ["e-s0000-c000", "e-s0000-c001"]);
        assert_eq!(names(&plan, &[last, row(0, beyond, Completed)]), ["e-s0000-c001", "e-s0001-c000"]);
        assert_eq!(names(&plan, &[row(1, 0, Completed)]), ["e-s0001-c000"]);
        assert_eq!(names(&plan, &[row(7, 0, Completed)]), ["e-s0000-c000"], "a row that is not of the plan");
        assert_eq!(
            names(&plan, &[row(0, 0, Completed), row(7, 0, Skipped)]),
            ["e-s0000-c000", "e-s0000-c001"]
        );
    }
}
