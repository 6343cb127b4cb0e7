//! The claim: after an accepted heartbeat, this process claims the row.

use std::time::Duration;

use rsqlflow_core::JobTimes;
use rsqlflow_core::plan::ResolvedJob;
use rsqlflow_core::protocol::agent::{NotClaimed, after_refused_claim};
use rsqlflow_core::protocol::{Change, JobStatus, Outcome};
use rsqlflow_store::{ChangeError, JobRow, Note, StoreError};
use tokio::sync::watch;

use super::refuse::{self, VERSION};
use super::{Assignment, Context, NotRun, queue};
use crate::aws::{Backoff, TokenError, TokenStatus};
use crate::clock::{BootTime, wall_clock};
use crate::lease::Lease;

/// A claimed job.
#[derive(Debug)]
pub struct Claimed {
    /// The row after the claim.
    pub row: JobRow,
    /// Its times.
    pub times: JobTimes,
    /// The lease.
    pub lease: Lease,
    /// Its log stream, if it has one.
    pub log_stream: Option<String>,
}

pub(super) enum HeartbeatResult {
    /// Sent at this time.
    Accepted(BootTime),
    Refused,
    Unknown(TokenError),
}

/// Claims the job.
///
/// # Errors
/// [`NotRun`]: another process has the job, or it is not needed any more.
pub(super) async fn claim(
    ctx: &Context,
    job: &Assignment,
    mut stop: watch::Receiver<u32>,
) -> Result<Claimed, NotRun> {
    // After the claim was first sent, a stop is too late: the row may show this process.
    let (row, token_accepted) = tokio::select! {
        biased;
        heard = Box::pin(wait_for_heartbeat(ctx, job)) => heard?,
        Ok(_) = stop.wait_for(|requests| *requests > 0) => return Err(NotRun::Stopping),
    };
    if let Some(why) = misfit(&row.job) {
        // With such a lease, the guard would end a healthy script between two renewals.
        let outcome = Outcome::without_exit(JobStatus::Failed, why.clone());
        close_unclaimed(ctx, job, outcome).await?;
        return Err(NotRun::Unfit(why));
    }
    let times = row.job.times();
    let log_stream =
        (!ctx.config.log_group.is_empty()).then(|| job.job.log_stream(&job.execution, job.attempt));
    let change = Change::Claim { attempt: job.attempt, owner: ctx.owner.clone() };
    // The lease starts with the first sending, also if the claim is sent several times.
    let sent = BootTime::now();
    let mut backoff = Backoff::of_preparation();
    loop {
        let mut note = Note::new().start(wall_clock()).instance(&ctx.instance()).agent(VERSION);
        if let Some(stream) = &log_stream {
            note = note.log(&ctx.config.log_group, stream);
        }
        let error = match ctx.jobs.change(&job.execution, job.job, &change, note).await {
            Ok(row) => {
                let lease = Lease::claimed(times, sent, token_accepted, fastrand::f64());
                return Ok(Claimed { row, times, lease, log_stream });
            }
            Err(ChangeError::Refused(row)) => {
                return match after_refused_claim(&row.state, job.attempt, &ctx.owner) {
                    Ok(()) => {
                        let lease = Lease::claimed(times, sent, token_accepted, fastrand::f64());
                        Ok(Claimed { row: *row, times, lease, log_stream })
                    }
                    Err(NotClaimed::CancelRequested) => {
                        close_cancelled(ctx, job).await?;
                        Err(NotRun::Cancelled)
                    }
                    Err(NotClaimed::Stale) => {
                        Err(NotRun::Stale { status: row.state.status, attempt: row.state.attempt })
                    }
                };
            }
            Err(error) => store_error(error)?,
        };
        // If half of the lease has passed, the claim is abandoned: the launcher sends the job again.
        let worth_it = BootTime::now().since(sent) < times.lease / 2;
        if !error.is_transient() || !worth_it || !backoff.pause().await {
            return Err(NotRun::Store(error));
        }
    }
}

/// Reads the row until its token was accepted or refused, but not longer than a heartbeat.
async fn wait_for_heartbeat(ctx: &Context, job: &Assignment) -> Result<(JobRow, BootTime), NotRun> {
    let started = BootTime::now();
    let mut backoff = Backoff::of_preparation();
    loop {
        let row = match ctx.jobs.get(&job.execution, job.job).await {
            Ok(Some(row)) => row,
            Ok(None) => return Err(NotRun::NoRow),
            Err(StoreError::Incompatible { reason, .. }) => {
                return Err(refuse::refuse(ctx, job, reason).await);
            }
            Err(error) => {
                if !error.is_transient() || !backoff.pause().await {
                    return Err(NotRun::Store(error));
                }
                continue;
            }
        };
        unclaimed(&row, job)?;
        if row.state.cancel_requested {
            close_cancelled(ctx, job).await?;
            return Err(NotRun::Cancelled);
        }
        match heartbeat(ctx, &row).await {
            HeartbeatResult::Accepted(sent) => return Ok((row, sent)),
            HeartbeatResult::Refused => return Err(NotRun::NobodyWaits),
            HeartbeatResult::Unknown(error) if error.is_denied() => {
                // Every attempt would fail in the same way.
                let why = format!(
                    "the instance's role does not allow states:{}; hint: allow it, or deploy, then restart the run",
                    error.action()
                );
                let why = format!("{why} ({error})");
                close_unclaimed(ctx, job, Outcome::without_exit(JobStatus::Failed, why.clone())).await?;
                return Err(NotRun::Unfit(why));
            }
            HeartbeatResult::Unknown(error) => {
                let late = BootTime::now().since(started) > row.job.heartbeat.as_duration();
                if !error.is_transient() || late || !backoff.pause().await {
                    return Err(NotRun::Tokens(error));
                }
            }
        }
    }
}

/// # Errors
/// [`NotRun::Stale`] unless the row waits for an agent of this attempt.
pub(super) fn unclaimed(row: &JobRow, job: &Assignment) -> Result<(), NotRun> {
    if queue::waits(row.state.status) && row.state.attempt == job.attempt {
        Ok(())
    } else {
        Err(NotRun::Stale { status: row.state.status, attempt: row.state.attempt })
    }
}

/// Sends a heartbeat with the row's token.
pub(super) async fn heartbeat(ctx: &Context, row: &JobRow) -> HeartbeatResult {
    // A waiting row has a token. Without one, no task waits.
    let Some(reply) = row.state.reply() else { return HeartbeatResult::Refused };
    let sent = BootTime::now();
    match ctx.tokens.heartbeat(&reply.token, Duration::from_secs(10)).await {
        Ok(TokenStatus::Accepted) => HeartbeatResult::Accepted(sent),
        Ok(TokenStatus::Refused) => HeartbeatResult::Refused,
        Err(error) => HeartbeatResult::Unknown(error),
    }
}

/// Why a lease with the times in the row is not possible. The other times are checked by the configuration.
fn misfit(job: &ResolvedJob) -> Option<String> {
    let misfit = job.times().misfit()?;
    Some(format!("the times in the job's row are inconsistent: {misfit}"))
}

/// Closes the row of a job that was cancelled before it started, and reports that.
///
/// # Errors
/// [`NotRun::Stale`] if another process closed it first.
pub(super) async fn close_cancelled(ctx: &Context, job: &Assignment) -> Result<(), NotRun> {
    let outcome = Outcome::without_exit(JobStatus::Cancelled, "cancelled before it started");
    close_unclaimed(ctx, job, outcome).await
}

async fn close_unclaimed(ctx: &Context, job: &Assignment, outcome: Outcome) -> Result<(), NotRun> {
    let change = Change::CloseUnclaimed { from: JobStatus::Triggered, attempt: job.attempt, outcome };
    let mut backoff = Backoff::of_preparation();
    let row = loop {
        let note = Note::new().end(wall_clock()).instance(&ctx.instance());
        match ctx.jobs.change(&job.execution, job.job, &change, note).await {
            Ok(row) => break row,
            Err(ChangeError::Refused(row)) => {
                return Err(NotRun::Stale { status: row.state.status, attempt: row.state.attempt });
            }
            Err(error) => {
                let error = store_error(error)?;
                if !error.is_transient() || !backoff.pause().await {
                    return Err(NotRun::Store(error));
                }
            }
        }
    };
    if let (Some(reply), Some(answer)) = (row.state.reply(), row.state.answer())
        && let Err(error) = ctx.tokens.answer(&reply.token, &answer, Backoff::of_preparation()).await
    {
        // The row is closed: the launcher of the state's next try answers the token.
        tracing::warn!(error = &error as &dyn std::error::Error, "the end could not be reported");
    }
    Ok(())
}

/// An error of a change that is not a refusal.
fn store_error(error: ChangeError) -> Result<StoreError, NotRun> {
    match error {
        ChangeError::Store(error) => Ok(error),
        ChangeError::Refused(row) => {
            Err(NotRun::Stale { status: row.state.status, attempt: row.state.attempt })
        }
        ChangeError::Gone { .. } | ChangeError::Impossible(_) => Err(NotRun::NoRow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_cannot_be_kept_is_refused_with_its_times() {
        let job = |heartbeat: u32, times: Option<serde_json::Value>| -> ResolvedJob {
            serde_json::from_value(serde_json::json!({
                "job_name": "load", "script": "load.sh", "timeout": 60, "heartbeat": heartbeat, "times": times,
                "retries": 0, "retry_delay": 1, "retry_backoff": 2.0, "ok_exit_codes": [0], "on_lost": "fail"
            }))
            .unwrap()
        };
        // Rows of version 0.1.0.
        assert_eq!(misfit(&job(180, None)), None);
        assert_eq!(misfit(&job(6, None)), None);
        let short = serde_json::json!([15_000, 5_000, 6_667, 5_000, 60_000, 10_000]);
        assert_eq!(
            misfit(&job(20, Some(short))).as_deref(),
            Some(
                "the times in the job's row are inconsistent: renewal period 6s667ms + renewal 5s + stop grace 10s \
                 = 21s667ms must be less than the lease of 15s"
            )
        );
    }
}
