//! One job in order: queue, claim, run, close, answer.

use rsqlflow_core::protocol::{JobStatus, Outcome};
use rsqlflow_store::StoreError;
use tokio::sync::{mpsc, watch};

use super::claim::{self, Claimed};
use super::deliver::{self, Delivered};
use super::delivery::{self, Patience, ScriptResult};
use super::keeper::{Keeper, Kept};
use super::output::Output;
use super::tries::{self, Ended};
use super::{Assignment, Context, Lookout, queue};
use crate::cgroup::{self, Cgroup, Cgroups};
use crate::guard::Guard;
use crate::imds;
use crate::process::{Control, StopReason};
use crate::spool::Slot;
use crate::spool::result::Room;

/// Why a job was not run by this process. Of these only [`Self::Unfit`] and [`Self::Incompatible`] are
/// failures of the job.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// There is no such row.
    #[error("there is no row of it; is the agent configured for the right tables?")]
    NoRow,
    /// Another attempt, another agent, or an end came first.
    #[error("it is {status} in attempt {attempt}, so another came first")]
    Stale {
        /// The row's.
        status: JobStatus,
        /// The row's.
        attempt: u32,
    },
    /// As [`Self::Stale`], found out where the row could not be read.
    #[error("another came first")]
    Another,
    /// It was cancelled before anybody ran it; this process has closed and reported it.
    #[error("it was cancelled before it was run")]
    Cancelled,
    /// It cannot be run here, as the row now says; this process has closed it as failed and reported it.
    #[error("it was failed, not run: {0}")]
    Unfit(String),
    /// Its row follows a contract that this agent does not know; this process has closed it as failed and reported it.
    #[error("it was failed, not run: {0}")]
    Incompatible(String),
    /// The service no longer waits on the row's token; the next try of the state brings another attempt.
    #[error("the workflow does not wait for it any more")]
    NobodyWaits,
    /// The agent was told to stop before it had claimed it.
    #[error("the agent was asked to stop before it had claimed it")]
    Stopping,
    /// Somebody killed the guard before the job was claimed; the row is as it was, and the next try of the state
    /// brings another attempt.
    #[error("its guard is gone, and without one no script can be started")]
    Unguarded,
    /// The table could not be used.
    #[error("the job audit table cannot be used")]
    Store(#[source] StoreError),
    /// The service could not be used for as long as a heartbeat.
    #[error("Step Functions cannot be reached")]
    Tokens(#[source] crate::aws::TokenError),
}

/// What became of the job.
#[derive(Debug)]
pub enum Finished {
    /// Its result is recorded, and was delivered or is no longer wanted.
    Reported(Outcome, Delivered),
    /// Its result is in the spool, or, without a usable spool, lost to the beat rule.
    Undelivered(Outcome, deliver::Undelivered),
    /// The attempt was no longer this process's: script stopped, nothing reported.
    Fenced,
}

/// Runs one job; `guard` starts its script. `stop` counts the requests to the agent to stop.
///
/// # Errors
/// [`NotRun`]: somebody else has it, or nobody wants it.
pub async fn run(
    ctx: &Context,
    job: &Assignment,
    guard: &mut Guard,
    stop: watch::Receiver<u32>,
) -> Result<Finished, NotRun> {
    let slot = Box::pin(queue::wait_for_slot(ctx, job, stop.clone())).await?;
    // It may have waited here for hours.
    if !guard.is_there() {
        return Err(NotRun::Unguarded);
    }
    let claimed = Box::pin(claim::claim(ctx, job, stop.clone())).await?;
    tracing::info!(script = claimed.row.job.script, "claimed");

    let (orders, control) = mpsc::unbounded_channel();
    let (deadline, current) = watch::channel(claimed.lease.deadline());
    let (tell_why, why_fenced) = watch::channel(None);
    let kept = Kept { control, deadline: current, why_fenced };
    let keeper = Keeper {
        jobs: ctx.jobs.clone(),
        tokens: ctx.tokens.clone(),
        job: job.clone(),
        owner: ctx.owner.clone(),
        times: claimed.times,
        lease: claimed.lease.clone(),
        orders: orders.clone(),
        deadline,
        tell_why,
        lookout: Lookout::new(ctx.config.cancel_poll),
        trouble: None,
    };
    let mut keeping = Box::pin(keeper.keep());
    let mut relaying = Box::pin(relay_stop(stop.clone(), orders));
    let mut work = Box::pin(work(ctx, job, &claimed, slot.as_ref(), guard, kept, stop));
    let (mut keeps, mut relays) = (true, true);
    loop {
        tokio::select! {
            finished = &mut work => return Ok(finished),
            // It ends by having told the work to stop; the work then ends by itself.
            () = &mut keeping, if keeps => keeps = false,
            () = &mut relaying, if relays => relays = false,
        }
    }
}

/// Each request to stop the agent is one to stop the script: the second kills at once.
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
    kept: Kept,
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
    // Nothing of the script is left when others learn of its end.
    drop(cgroup);
    let Ended::With { outcome, tries, sha256 } = ended else {
        let why = why_fenced.borrow().clone();
        let why = why.unwrap_or_else(|| "the job is no longer this agent's".to_owned());
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

/// Why the job in the row must not be run: it is not the one that was planned.
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

/// Makes room for the result, while there is some: the script may fill the disk.
async fn reserve(ctx: &Context, job: &Assignment) -> Option<Room> {
    let (results, owner) = (ctx.results.clone(), ctx.owner.clone());
    let Assignment { execution, job, attempt, .. } = job.clone();
    let reserving = move || results.reserve(&execution, job, attempt, &owner);
    // A disk cannot be awaited, and the lease runs already.
    match tokio::task::spawn_blocking(reserving).await {
        Ok(Ok(room)) => Some(room),
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "no room is reserved for the result");
            None
        }
        Err(_) => None,
    }
}

/// Ends what earlier attempts of the job have left here, and makes a control group for this one. `None` where there are
/// no control groups.
///
/// # Errors
/// If something of an earlier attempt does not die.
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
                tracing::warn!(name, processes, "ended what an earlier attempt had left");
            }
            let cgroup = match cgroups.begin(&execution, job, attempt, &owner) {
                Ok(cgroup) => cgroup,
                Err(error) => {
                    tracing::info!(%error, "no control group can be made, so the guard alone holds the script");
                    return Ok(None);
                }
            };
            if block && let Err(error) = imds::block(cgroup.path()) {
                tracing::warn!(%error, "scripts can reach the credentials of the instance");
            }
            Ok(Some(cgroup))
        })
    };
    tokio::task::spawn_blocking(making).await.unwrap_or(Ok(None))
}
