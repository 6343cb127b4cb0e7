//! One job in order: queue, claim, run, close, answer.

use rsqlflow_core::protocol::{JobStatus, Outcome};
use rsqlflow_store::StoreError;
use tokio::sync::{mpsc, watch};

use super::claim::{self, Claimed};
use super::deliver::{self, Delivered};
use super::delivery::{self, Patience, ScriptResult};
use super::keeper::{Keeper, KeeperChannels};
use super::output::Output;
use super::tries::{self, Ended};
use super::{Assignment, CancelWatch, Context, queue};
use crate::cgroup::{self, Cgroup, Cgroups};
use crate::guard::Guard;
use crate::imds;
use crate::process::{Control, StopReason};
use crate::spool::Slot;
use crate::spool::result::Room;

/// Why this process did not run the job. Only [`Self::Unfit`] and [`Self::Incompatible`] are failures of the job.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// There is no such row.
    #[error("the job has no row; hint: check prefix and job_audit_table in the agent's settings")]
    NoRow,
    /// Another attempt or agent has it, or it is closed.
    #[error("it is {status} in attempt {attempt}, so this command is obsolete")]
    Stale {
        /// The row's.
        status: JobStatus,
        /// The row's.
        attempt: u32,
    },
    /// As [`Self::Stale`], but the row could not be read.
    #[error("another process has it")]
    Another,
    /// It was cancelled before it started. This process closed and reported it.
    #[error("it was cancelled before it started")]
    Cancelled,
    /// It cannot be run here. This process closed it as failed and reported it.
    #[error("it failed without being run: {0}")]
    Unfit(String),
    /// Its row follows a contract that this agent does not support. This process closed it as failed and reported it.
    #[error("it failed without being run: {0}")]
    Incompatible(String),
    /// No task waits for the row's token. The next try of the state brings another attempt.
    #[error("the workflow no longer waits for it")]
    NobodyWaits,
    /// The agent was asked to stop before the claim.
    #[error("the agent was asked to stop before it claimed the job")]
    Stopping,
    /// The guard was killed before the claim. The row is unchanged, and the next try of the state brings another attempt.
    #[error("the guard was killed, so the script cannot be started")]
    Unguarded,
    /// The table could not be used.
    #[error("the job audit table cannot be used")]
    Store(#[source] StoreError),
    /// Step Functions could not be reached for the duration of a heartbeat.
    #[error("Step Functions cannot be reached")]
    Tokens(#[source] crate::aws::TokenError),
}

/// The end of a job.
#[derive(Debug)]
pub enum Finished {
    /// The result is recorded, and was delivered or is not needed.
    Reported(Outcome, Delivered),
    /// The result is in the spool. Without a usable spool, the job will be `Lost`.
    Undelivered(Outcome, deliver::Undelivered),
    /// The attempt no longer belongs to this process: the script was stopped, and nothing was reported.
    Fenced,
}

/// Runs one job. `guard` starts its script. `stop` counts the stop requests.
///
/// # Errors
/// [`NotRun`]: another process has the job, or it is not needed any more.
pub async fn run(
    ctx: &Context,
    job: &Assignment,
    guard: &mut Guard,
    stop: watch::Receiver<u32>,
) -> Result<Finished, NotRun> {
    let slot = Box::pin(queue::wait_for_slot(ctx, job, stop.clone())).await?;
    // The job may have waited here for hours.
    if !guard.is_there() {
        return Err(NotRun::Unguarded);
    }
    let claimed = Box::pin(claim::claim(ctx, job, stop.clone())).await?;
    tracing::info!(script = claimed.row.job.script, "claimed");

    let (orders, control) = mpsc::unbounded_channel();
    let (deadline, current) = watch::channel(claimed.lease.deadline());
    let (report_reason, why_fenced) = watch::channel(None);
    let kept = KeeperChannels { control, deadline: current, why_fenced };
    let keeper = Keeper {
        jobs: ctx.jobs.clone(),
        tokens: ctx.tokens.clone(),
        job: job.clone(),
        owner: ctx.owner.clone(),
        times: claimed.times,
        lease: claimed.lease.clone(),
        orders: orders.clone(),
        deadline,
        report_reason,
        cancel_watch: CancelWatch::new(ctx.config.cancel_poll),
        trouble: None,
    };
    let mut keeping = Box::pin(keeper.keep());
    let mut relaying = Box::pin(relay_stop(stop.clone(), orders));
    let mut work = Box::pin(work(ctx, job, &claimed, slot.as_ref(), guard, kept, stop));
    let (mut keeps, mut relays) = (true, true);
    loop {
        tokio::select! {
            finished = &mut work => return Ok(finished),
            // It ends after it told the work to stop. The work then ends by itself.
            () = &mut keeping, if keeps => keeps = false,
            () = &mut relaying, if relays => relays = false,
        }
    }
}

/// Each stop request of the agent is one for the script. The second kills at once.
async fn relay_stop(mut stop: watch::Receiver<u32>, orders: mpsc::UnboundedSender<Control>) {
    while stop.wait_for(|requests| *requests > 0).await.is_ok() {
        if orders.send(Control::Stop(StopReason::AgentStopping)).is_err() || stop.changed().await.is_err() {
            return;
        }
    }
}

async fn work(
    ctx: &Context,
    job: &Assignment,
    claimed: &Claimed,
    slot: Option<&Slot>,
    guard: &mut Guard,
    kept: KeeperChannels,
    stop: watch::Receiver<u32>,
) -> Finished {
    let mut patience = Patience::new(stop);
    let room = reserve(ctx, job).await;
    let mut output = Output::begin(ctx, job, claimed).await;
    let allowed = match unplanned(job, claimed) {
        None => enclose(ctx, job).await,
        Some(why) => Err(why),
    };
    let cgroup = match allowed {
        Ok(cgroup) => cgroup,
        Err(why) => {
            output.capture.remark(&why);
            output.close();
            let outcome = Outcome::without_exit(JobStatus::Failed, why);
            let result = ScriptResult { outcome, tries: Vec::new(), sha256: None, room };
            return Box::pin(delivery::finish(ctx, job, &mut output, &mut patience, result)).await;
        }
    };
    let why_fenced = kept.why_fenced.clone();
    let place = (slot, cgroup.as_ref());
    let ended = Box::pin(tries::run(ctx, job, claimed, place, guard, kept, &mut output.capture)).await;
    // All processes of the script have ended before others are notified of the end.
    drop(cgroup);
    let Ended::With { outcome, tries, sha256 } = ended else {
        let why = why_fenced.borrow().clone();
        let why = why.unwrap_or_else(|| "this agent lost the job".to_owned());
        tracing::warn!(why, "the script is stopped and nothing is reported");
        output.capture.remark(&format!("stopped: {why}"));
        output.close();
        if let Some(room) = room {
            room.give_back();
        }
        patience.give(output.drain()).await;
        return Finished::Fenced;
    };
    output.close();
    let result = ScriptResult { outcome, tries, sha256, room };
    Box::pin(delivery::finish(ctx, job, &mut output, &mut patience, result)).await
}

/// Why the job in the row must not run: it differs from the planned job.
fn unplanned(assignment: &Assignment, claimed: &Claimed) -> Option<String> {
    let planned = assignment.digest.as_ref()?;
    let row = &claimed.row;
    let found = row.job.digest(&row.workflow_id, &assignment.execution, assignment.job);
    (found != *planned).then(|| {
        "not started: the job in this row is not the one that was planned, so somebody has changed the row; hint: find \
         out who wrote to the job audit table, then restart the run"
            .to_owned()
    })
}

/// Reserves disk space for the result, because the script may fill the disk.
async fn reserve(ctx: &Context, job: &Assignment) -> Option<Room> {
    let (results, owner) = (ctx.results.clone(), ctx.owner.clone());
    let Assignment { execution, job, attempt, .. } = job.clone();
    let reserving = move || results.reserve(&execution, job, attempt, &owner);
    // Disk operations cannot be awaited, and the lease is already running.
    match tokio::task::spawn_blocking(reserving).await {
        Ok(Ok(room)) => Some(room),
        Ok(Err(error)) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "no disk space is reserved for the result"
            );
            None
        }
        Err(_) => None,
    }
}

/// Ends the processes of earlier attempts of the job, and creates a control group. Returns `None` on a system without control
/// groups.
///
/// # Errors
/// A process of an earlier attempt does not end.
async fn enclose(ctx: &Context, job: &Assignment) -> Result<Option<Cgroup>, String> {
    let Some(cgroups) = Cgroups::of_spool(&ctx.config.spool_dir) else { return Ok(None) };
    let (owner, span) = (ctx.owner.clone(), tracing::Span::current());
    let scripts_user = ctx.config.scripts_user();
    let block = !ctx.config.instance_credentials && scripts_user.is_some();
    let Assignment { execution, job, attempt, .. } = job.clone();
    let making = move || {
        span.in_scope(|| {
            for ended in cgroups.end_earlier(&execution, job, attempt).map_err(|error| {
                format!("not started: processes of an earlier attempt are still here: {error}")
            })? {
                let cgroup::Ended { name, processes } = ended;
                tracing::warn!(name, processes, "ended the remaining processes of an earlier attempt");
            }
            let cgroup = match cgroups.begin(&execution, job, attempt, &owner) {
                Ok(cgroup) => cgroup,
                Err(error) => {
                    tracing::info!(%error, "no control group can be created; only the guard ends the processes of the script");
                    return Ok(None);
                }
            };
            if block && let Err(error) = imds::block(cgroup.path()) {
                tracing::warn!(%error, "scripts can use the credentials of the instance");
            }
            Ok(Some(cgroup))
        })
    };
    tokio::task::spawn_blocking(making).await.unwrap_or(Ok(None))
}
