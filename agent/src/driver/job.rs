//! One job in order: queue, claim, run, close, answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rsqlflow_core::protocol::{JobStatus, Outcome};
use rsqlflow_store::{Note, StoreError};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::claim::{self, Claimed};
use super::deliver::{self, Delivered};
use super::keeper::{Keeper, Kept};
use super::spooling::Spooling;
use super::tries::{self, Ended};
use super::{Assignment, Context, Lookout, queue};
use crate::aws::Backoff;
use crate::clock::wall_clock;
use crate::guard::Guard;
use crate::logs::cloudwatch::Stream;
use crate::logs::{Capture, Shipped, Shipper};
use crate::process::{Control, StopReason};
use crate::spool::Slot;
use crate::spool::result::{Entry, VERSION};

/// Why a job was not run by this process. Of these only [`Self::Misfit`] and [`Self::Incompatible`] are
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
    /// Its heartbeat is too short for this agent's times; this process has closed it as failed and reported it.
    #[error("it was failed, not run: {0}")]
    Misfit(String),
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

/// How long the log may stand still before the row is closed without it. A service that is well takes a batch in
/// a tenth of it.
const STANDSTILL: Duration = Duration::from_millis(400);

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
    let kept = Kept { control, deadline: current };
    let keeper = Keeper {
        jobs: ctx.jobs.clone(),
        tokens: ctx.tokens.clone(),
        job: job.clone(),
        owner: ctx.owner.clone(),
        times: claimed.times,
        lease: claimed.lease.clone(),
        orders: orders.clone(),
        deadline,
        lookout: Lookout::new(ctx.config.cancel_poll),
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
    // While there is room: the script may fill the disk.
    let room = match ctx.results.reserve(&job.execution, job.job, job.attempt, &ctx.owner) {
        Ok(room) => Some(room),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "no room is reserved for the result");
            None
        }
    };
    let path = Capture::path_of(&ctx.config.log_dir, &job.execution, job.job, job.attempt);
    let (mut capture, follow) = Capture::open(path.clone());
    let taken = follow.borrow().taken.clone();
    if let Some(error) = capture.trouble() {
        tracing::warn!(%error, path = %path.display(), "the output cannot be kept");
    }
    let shipping = claimed.log_stream.clone().map(|name| {
        let stream = Stream::new(Arc::clone(&ctx.clients), ctx.config.log_group.clone(), name);
        let mut shipper = Shipper::new(stream, path.clone(), follow);
        let trouble = shipper.trouble();
        let task = tokio::spawn(async move {
            shipper.run().await;
            shipper.shipped()
        });
        (task, trouble)
    });
    let (mut shipping, service) = shipping.unzip();

    let ended = Box::pin(tries::run(ctx, job, claimed, slot, guard, kept, &mut capture)).await;
    if let Some(error) = capture.trouble() {
        tracing::warn!(%error, "the output could not be kept whole");
    }
    let bytes = capture.total();
    let kept = capture.trouble().map(|error| format!("the instance could not keep it whole: {error}"));
    let whole = kept.is_none();
    let Ended::With { outcome, tries, sha256 } = ended else {
        tracing::warn!("no longer this agent's: the script is stopped and nothing is reported");
        capture.remark("stopped, because the job is no longer this agent's");
        capture.close();
        if let Some(room) = room {
            room.give_back();
        }
        patience.give(drain(&mut shipping, ctx.config.log_drain)).await;
        return Finished::Fenced;
    };
    capture.close();

    let entry = Entry {
        version: VERSION,
        workflow_execution_id: job.execution.clone(),
        job_id: job.job,
        attempt: job.attempt,
        owner: ctx.owner.clone(),
        outcome: outcome.clone(),
        ended_at: wall_clock(),
    };
    let spooling = Spooling::begin(&ctx.results, &entry, room);
    let drained = drain_while_moving(&mut shipping, &taken, 3 * ctx.config.log_drain);
    let mut complete = patience.give(drained).await == Some(true) && whole;
    // Row and workflow have a time of their own: the log must not have used it up.
    patience.renew();
    let trouble = (!complete).then(|| {
        let service = match &service {
            Some(service) => service.borrow().clone(),
            None => Some("no log group is configured".to_owned()),
        };
        let why = kept.or(service).unwrap_or_else(|| "its end was still on its way".to_owned());
        format!("not all of the output is in CloudWatch Logs: {why}; see {} on the instance", path.display())
    });
    let mut note = Note::new().end(entry.ended_at).tries(&tries).log_end(bytes, trouble.as_deref());
    if let Some(sha256) = &sha256 {
        note = note.script_sha256(sha256);
    }
    let mut delivering = Box::pin(deliver::close_and_answer(ctx, &entry, note, Backoff::of_results));
    // It may be ended anywhere: the next agent, or a flush, does again what is not known to be done.
    let mut delivered = patience.give(&mut delivering).await;
    let held = spooling.done().await;
    if delivered.is_none() && held.is_none() {
        patience.insist();
        delivered = patience.give(&mut delivering).await;
    }
    let delivered = delivered.unwrap_or(Err(deliver::Undelivered::Stopped));
    match (&delivered, held) {
        (Ok(_), Some(held)) => {
            if let Err(error) = held.forget() {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a delivered result stays in the spool"
                );
            }
        }
        (Err(error), _) => tracing::error!(error = error as &dyn std::error::Error, "not delivered"),
        (Ok(_), None) => {}
    }
    if shipping.is_some() && !complete {
        let drained = drain(&mut shipping, ctx.config.log_drain);
        complete = patience.give(drained).await == Some(true) && whole;
        if complete {
            let note = Note::new().log_end(bytes, None);
            if let Err(error) = ctx.jobs.note(&job.execution, job.job, Some(job.attempt), note).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the row does not say that its log is complete"
                );
            }
        }
    }
    match delivered {
        Ok(delivered) => Finished::Reported(outcome, delivered),
        Err(error) => Finished::Undelivered(outcome, error),
    }
}

/// How long an agent that is asked to stop goes on with what it would otherwise wait for: services that are well need
/// a tenth of it, and who asks, such as a machine that is shut down, waits for no others.
const STOPPING: Duration = Duration::from_secs(3);

/// How long there is for what comes after the script: as long as it takes, until the agent is asked to stop.
struct Patience {
    stop: watch::Receiver<u32>,
    /// So many requests to stop end it.
    requests: u32,
    end: Option<Instant>,
}

impl Patience {
    fn new(stop: watch::Receiver<u32>) -> Self {
        Self { stop, requests: 1, end: None }
    }

    /// What is done next would be lost: only one more request ends it.
    fn insist(&mut self) {
        self.requests = self.stop.borrow().saturating_add(1);
        self.end = None;
    }

    /// What is done next has the whole time again.
    fn renew(&mut self) {
        self.end = None;
    }

    /// The result, or `None` when the time is over.
    async fn give<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.spent() => None,
        }
    }

    async fn spent(&mut self) {
        let end = match self.end {
            Some(end) => end,
            None => {
                let requests = self.requests;
                if self.stop.wait_for(|count| *count >= requests).await.is_err() {
                    // Nobody is left who could ask.
                    std::future::pending::<()>().await;
                }
                *self.end.insert(Instant::now() + STOPPING)
            }
        };
        tokio::time::sleep_until(end).await;
    }
}

/// Waits for the shipper as long as it gets on, but not longer than that: readers of a closed row then find the
/// whole log, and a service that is slow or absent delays the close by next to nothing.
async fn drain_while_moving(
    shipping: &mut Option<tokio::task::JoinHandle<Shipped>>,
    taken: &AtomicU64,
    most: Duration,
) -> bool {
    let end = Instant::now() + most;
    loop {
        let before = taken.load(Ordering::Relaxed);
        if drain(shipping, STANDSTILL).await {
            return true;
        }
        if shipping.is_none() || taken.load(Ordering::Relaxed) == before || Instant::now() >= end {
            return false;
        }
    }
}

/// Waits for the shipper, but not longer than that. Whether the whole log has arrived.
async fn drain(shipping: &mut Option<tokio::task::JoinHandle<Shipped>>, most: Duration) -> bool {
    let Some(task) = shipping else { return false };
    match timeout(most, &mut *task).await {
        Ok(shipped) => {
            *shipping = None;
            shipped.is_ok_and(|shipped| shipped.complete)
        }
        Err(_) => false,
    }
}
