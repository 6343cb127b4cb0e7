//! Waiting for a slot. The state machine does not know of it: the job heartbeats as if it ran.

use std::time::Duration;

use rsqlflow_core::JobTimes;
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_store::StoreError;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::claim::{self, TokenHeard};
use super::{Assignment, Context, Lookout, NotRun, refuse};
use crate::clock::{BootTime, wall_clock};
use crate::spool::{Occupant, Slot, Slots};

/// How long the row may be out of reach before the job is left to a later attempt: by then its heartbeat was missed.
const LONGEST_UNREAD: Duration = Duration::from_secs(15 * 60);

/// Between two looks at the locks.
const LOOK: Duration = Duration::from_millis(500);

/// Waits until one of the `max_jobs` slots is free, and takes it. `None` where the locks cannot be used at all:
/// a full disk must not keep jobs from running.
///
/// # Errors
/// [`NotRun`]: meanwhile the job went to another or is not wanted any more.
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
    let mut lookout = Lookout::new(ctx.config.cancel_poll);
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
                    "slots cannot be used, so they are not counted"
                );
                return Ok(None);
            }
        }
        if check_at.is_some()
            && lookout.next().is_some_and(|at| BootTime::now() >= at)
            && lookout.look(&ctx.jobs, job, JobStatus::Triggered, longest_look).await
        {
            check_at = Some(BootTime::now());
        }
        if check_at.is_none_or(|at| BootTime::now() >= at) {
            if check_at.is_none() {
                tracing::info!(max_jobs = ctx.config.max_jobs, "every slot is taken, so it waits here");
            }
            let again = match still_wanted(ctx, job).await {
                Ok((again, times)) => {
                    unread_since = None;
                    longest_look = times.renewal_latency;
                    again
                }
                // A table that is out of reach for a while is no reason to leave the queue.
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

/// Reads the row and heartbeats its token. Answers when to do so again, and the job's times.
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
        TokenHeard::Accepted(_) => Ok((times.renewal_period, times)),
        TokenHeard::Refused => Err(NotRun::NobodyWaits),
        TokenHeard::Unknown(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the heartbeat may not have been heard");
            sleep(Duration::from_millis(200)).await;
            Ok((times.renewal_period / 5, times))
        }
    }
}

/// Whether a status is one that waits for an agent.
pub(super) const fn waits(status: JobStatus) -> bool {
    matches!(status, JobStatus::Triggered)
}
