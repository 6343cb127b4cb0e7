//! From the end of the script to the end of the job: stores the result, closes the row, answers the workflow.

use std::time::Duration;

use rsqlflow_core::protocol::Outcome;
use rsqlflow_store::{Note, Try};
use tokio::sync::watch;
use tokio::time::Instant;

use super::deliver::{self, Undelivered};
use super::output::Output;
use super::spooling::Spooling;
use super::{Assignment, Context, Finished};
use crate::aws::Backoff;
use crate::clock::wall_clock;
use crate::spool::result::{Entry, Room, VERSION};

/// How long an agent that is asked to stop continues to wait for services. Healthy services need a tenth of it, and the
/// caller, such as a shutdown, does not wait long.
const STOPPING: Duration = Duration::from_secs(3);

/// The end of the script, and the state of the spool.
pub(super) struct ScriptResult {
    pub(super) outcome: Outcome,
    pub(super) tries: Vec<Try>,
    /// Digest of the script of the last try.
    pub(super) sha256: Option<String>,
    pub(super) room: Option<Room>,
}

/// Delivers the result of this process's job.
pub(super) async fn finish(
    ctx: &Context,
    job: &Assignment,
    output: &mut Output,
    patience: &mut Patience,
    result: ScriptResult,
) -> Finished {
    let ScriptResult { outcome, tries, sha256, room } = result;
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
    let mut complete = patience.give(output.settle()).await == Some(true);
    // Row and workflow have their own time limit, so that the log does not use it up.
    patience.renew();
    let mut note = output.describe(Note::new().end(entry.ended_at).tries(&tries), complete);
    if let Some(sha256) = &sha256 {
        note = note.script_sha256(sha256);
    }
    let delivered = {
        let mut delivering = Box::pin(deliver::close_and_answer(ctx, &entry, note, Backoff::of_results));
        // The process may be ended at any point: the next agent, or a flush, repeats what is not known to be complete.
        let mut delivered = patience.give(&mut delivering).await;
        let held = spooling.done().await;
        if delivered.is_none() && held.is_none() {
            patience.insist();
            delivered = patience.give(&mut delivering).await;
        }
        let delivered = delivered.unwrap_or(Err(Undelivered::Stopped));
        match (&delivered, held) {
            (Ok(_), Some(held)) => {
                if let Err(error) = held.forget() {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "a delivered result stays in the spool");
                }
            }
            (Err(error), _) => tracing::error!(error = error as &dyn std::error::Error, "not delivered"),
            (Ok(_), None) => {}
        }
        delivered
    };
    if output.is_on_its_way() && !complete {
        complete = patience.give(output.drain()).await == Some(true);
        if complete {
            let note = output.describe(Note::new(), true);
            if let Err(error) = ctx.jobs.note(&job.execution, job.job, Some(job.attempt), note).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the row does not say that its log is complete");
            }
        }
    }
    match delivered {
        Ok(delivered) => Finished::Reported(outcome, delivered),
        Err(error) => Finished::Undelivered(outcome, error),
    }
}

/// The time limit after the script: none, until the agent is asked to stop.
pub(super) struct Patience {
    stop: watch::Receiver<u32>,
    /// Number of stop requests after which it ends.
    requests: u32,
    end: Option<Instant>,
}

impl Patience {
    pub(super) fn new(stop: watch::Receiver<u32>) -> Self {
        Self { stop, requests: 1, end: None }
    }

    /// The next step must not be interrupted: it ends only after another stop request.
    fn insist(&mut self) {
        self.requests = self.stop.borrow().saturating_add(1);
        self.end = None;
    }

    /// The next step has the full time limit again.
    fn renew(&mut self) {
        self.end = None;
    }

    /// The result, or `None` after the time limit.
    pub(super) async fn give<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
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
                    // All senders have ended.
                    std::future::pending::<()>().await;
                }
                *self.end.insert(Instant::now() + STOPPING)
            }
        };
        tokio::time::sleep_until(end).await;
    }
}
