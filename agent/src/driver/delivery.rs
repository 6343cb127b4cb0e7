//! From the end of the script to the end of the job: the result is kept, the row is closed, the workflow is answered.

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

/// How long an agent that is asked to stop goes on with what it would otherwise wait for: services that are well need
/// a tenth of it, and who asks, such as a machine that is shut down, waits for no others.
const STOPPING: Duration = Duration::from_secs(3);

/// What became of the script, and of the disk that is to keep it.
pub(super) struct ScriptResult {
    pub(super) outcome: Outcome,
    pub(super) tries: Vec<Try>,
    /// Of the script as it was run last.
    pub(super) sha256: Option<String>,
    pub(super) room: Option<Room>,
}

/// Delivers the result of this process's own job.
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
    // Row and workflow have a time of their own: the log must not have used it up.
    patience.renew();
    let mut note = output.describe(Note::new().end(entry.ended_at).tries(&tries), complete);
    if let Some(sha256) = &sha256 {
        note = note.script_sha256(sha256);
    }
    let delivered = {
        let mut delivering = Box::pin(deliver::close_and_answer(ctx, &entry, note, Backoff::of_results));
        // It may be ended anywhere: the next agent, or a flush, does again what is not known to be done.
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

/// How long there is for what comes after the script: as long as it takes, until the agent is asked to stop.
pub(super) struct Patience {
    stop: watch::Receiver<u32>,
    /// So many requests to stop end it.
    requests: u32,
    end: Option<Instant>,
}

impl Patience {
    pub(super) fn new(stop: watch::Receiver<u32>) -> Self {
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
                    // Nobody is left who could ask.
                    std::future::pending::<()>().await;
                }
                *self.end.insert(Instant::now() + STOPPING)
            }
        };
        tokio::time::sleep_until(end).await;
    }
}
