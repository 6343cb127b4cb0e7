//! Waits for a slot. The state machine does not notice it: the job sends heartbeats as if it ran.

use std::time::Duration;

use rsqlflow_core::JobTimes;
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_store::StoreError;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::claim::{self, HeartbeatResult};
use super::{Assignment, CancelWatch, Context, NotRun, refuse};
use crate::clock::{BootTime, wall_clock};
use crate::spool::{Occupant, Slot, Slots};

/// How long the row may be unavailable before the job is left to a later attempt. By then its heartbeat was missed.
const LONGEST_UNREAD: Duration = Duration::from_secs(15 * 60);

/// Interval of checks for a free lock.
const LOOK: Duration = Duration::from_millis(500);

/// Waits until one of the `max_jobs` slots is free, and takes it. `None` if the locks cannot be used: a full disk must not
/// block jobs.
///
/// # Errors
/// [`NotRun`]: in the meantime another process took the job, or it is not needed any more.
pub(super) async fn wait_for_slot(
    ctx: &Context,
    job: &Assignment,
    mut stop: watch::Receiver<u32>,
) -> Result<Option<Slot>, NotRun> {
    let slots = Slots::new(&ctx.config.spool_dir, ctx.config.max_jobs);
    let mut occupant = Occupant {
        workflow_execution_id: job.execution.clone(),
        job_id: job.job,
        attempt: job.attempt,
        agent_pid: std::process::id(),
        since: wall_clock(),
    };
    let mut cancel_watch = CancelWatch::new(ctx.config.cancel_poll);
    let mut check_at = None;
    let mut longest_look = Duration::ZERO;
    let mut unread_since = None;
    loop {
        if *stop.borrow() > 0 {
            return Err(NotRun::Stopping);
        }
        occupant.since = wall_clock();
        match slots.take(&occupant) {
            Ok(Some(slot)) => return Ok(Some(slot)),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "slots cannot be used; max_jobs is not enforced"
                );
                return Ok(None);
            }
        }
        if check_at.is_some()
            && cancel_watch.next().is_some_and(|at| BootTime::now() >= at)
            && cancel_watch.check(&ctx.jobs, job, JobStatus::Triggered, longest_look).await
        {
            check_at = Some(BootTime::now());
        }
        if check_at.is_none_or(|at| BootTime::now() >= at) {
            if check_at.is_none() {
                tracing::info!(max_jobs = ctx.config.max_jobs, "all slots are in use; the job waits");
            }
            let again = match still_wanted(ctx, job).await {
                Ok((again, times)) => {
                    unread_since = None;
                    longest_look = times.renewal_latency;
                    again
                }
                // A table that is temporarily unavailable does not end the wait.
                Err(NotRun::Store(error)) if error.is_transient() => {
                    let since = *unread_since.get_or_insert_with(BootTime::now);
                    if BootTime::now().since(since) >= LONGEST_UNREAD {
                        return Err(NotRun::Store(error));
                    }
                    tracing::warn!(error = &error as &dyn std::error::Error, "the row cannot be read");
                    Duration::from_secs(1)
                }
                Err(not_run) => return Err(not_run),
            };
            check_at = Some(BootTime::now().plus(again));
        }
        let pause = LOOK.mul_f64(0.5 + 0.5 * fastrand::f64());
        let _ = timeout(pause, stop.wait_for(|requests| *requests > 0)).await;
    }
}

/// Reads the row and sends a heartbeat. Returns when to do so again, and the job's times.
async fn still_wanted(ctx: &Context, job: &Assignment) -> Result<(Duration, JobTimes), NotRun> {
    let row = match ctx.jobs.get(&job.execution, job.job).await {
        Ok(Some(row)) => row,
        Ok(None) => return Err(NotRun::NoRow),
        Err(StoreError::Incompatible { reason, .. }) => return Err(refuse::refuse(ctx, job, reason).await),
        Err(error) => return Err(NotRun::Store(error)),
    };
    claim::unclaimed(&row, job)?;
    if row.state.cancel_requested {
        claim::close_cancelled(ctx, job).await?;
        return Err(NotRun::Cancelled);
    }
    let times = row.job.times();
    match claim::heartbeat(ctx, &row).await {
        HeartbeatResult::Accepted(_) => Ok((times.renewal_period, times)),
        HeartbeatResult::Refused => Err(NotRun::NobodyWaits),
        HeartbeatResult::Unknown(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the heartbeat may not have been received"
            );
            sleep(Duration::from_millis(200)).await;
            Ok((times.renewal_period / 5, times))
        }
    }
}

/// Whether a job with this status waits for an agent.
pub(super) const fn waits(status: JobStatus) -> bool {
    matches!(status, JobStatus::Triggered)
}
