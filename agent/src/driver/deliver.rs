//! From a result to a closed row and an answered token; for this process's own job, and for what others left.

use rsqlflow_core::protocol::Change;
use rsqlflow_store::{ChangeError, Changed, Note, StoreError};

use super::{Context, output};
use crate::aws::{Backoff, Heard, TokenError};
use crate::cgroup::{Cgroups, Ended};
use crate::config::AgentConfig;
use crate::spool::result::Listing;
use crate::spool::{Entry, Results, SpoolError, UnsentLogs};

/// A result that needs nobody's care any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The row says it and the workflow was told.
    Answered,
    /// The row says it. Nobody waits on the token that it shows; a later try of the state is told by its launcher.
    Recorded,
    /// It came too late: the row is another's or closed otherwise, and only notes it.
    TooLate,
}

/// Why a result has to stay in the spool.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// The table has no such row.
    #[error("the table {0} has no row of it; hint: check prefix and job_audit_table in the agent's settings")]
    NoRow(String),
    /// The row could not be closed.
    #[error("the row cannot be closed")]
    Row(#[source] StoreError),
    /// The row is closed; the token could not be answered.
    #[error("the row is closed, but its task token cannot be answered")]
    Token(#[source] TokenError),
    /// It was not done by the time that the agent had to end.
    #[error("the agent was asked to stop, and neither row nor workflow answered in time")]
    Stopped,
}

/// Closes the row, then answers the token that the row then shows. Both are harmless when repeated, and the row
/// refuses whoever has lost it. So any trouble with the table is waited out, also what looks final, such as a role
/// that somebody is changing: to give up leaves a job that ended to be taken for lost.
///
/// # Errors
/// [`Undelivered`] when the policy of either call is used up.
pub async fn close_and_answer(
    ctx: &Context,
    entry: &Entry,
    mut note: Note,
    policy: fn() -> Backoff,
) -> Result<Delivered, Undelivered> {
    let (execution, job) = (&entry.workflow_execution_id, entry.job_id);
    let change =
        Change::Close { attempt: entry.attempt, owner: entry.owner.clone(), outcome: entry.outcome.clone() };
    let mut backoff = policy();
    let row = loop {
        // The state is enough, also of a row that a newer version has written meanwhile.
        match ctx.jobs.change_state(execution, job, &change, note.clone()).await {
            Ok(Changed::Made(row)) => break row,
            Ok(Changed::Refused(row)) => {
                tracing::info!(status = %row.status, attempt = row.attempt, "the result came too late");
                annotate(ctx, entry).await;
                return Ok(Delivered::TooLate);
            }
            Err(ChangeError::Gone { .. }) => {
                return Err(Undelivered::NoRow(ctx.config.tables.job_audit.clone()));
            }
            Err(ChangeError::Impossible(_) | ChangeError::Refused(_)) => return Ok(Delivered::TooLate),
            Err(ChangeError::Store(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the row is not closed");
                if is_invalid(&error) {
                    // Such as an item above 400 KB. What ended how is worth more than its description.
                    note = Note::new().end(entry.ended_at);
                }
                if !backoff.pause().await {
                    return Err(Undelivered::Row(error));
                }
            }
        }
    };
    let (Some(reply), Some(answer)) = (row.reply(), row.answer()) else {
        return Ok(Delivered::Recorded);
    };
    match ctx.tokens.answer(&reply.token, &answer, policy()).await {
        Ok(Heard::Accepted) => Ok(Delivered::Answered),
        Ok(Heard::Refused) => Ok(Delivered::Recorded),
        Err(error) => Err(Undelivered::Token(error)),
    }
}

/// Whether the service does not like what was written.
fn is_invalid(error: &StoreError) -> bool {
    error.is_invalid_request()
}

/// Leaves a word for people. It decides nothing, so it is tried once.
async fn annotate(ctx: &Context, entry: &Entry) {
    let Entry { attempt, outcome, ended_at, .. } = entry;
    let how = outcome.error_message.as_deref().map_or(String::new(), |message| format!(": {message}"));
    let text = format!("attempt {attempt} ended {} at {ended_at}{how}", outcome.status);
    let note = Note::new().late_result(&text);
    if let Err(error) = ctx.jobs.note(&entry.workflow_execution_id, entry.job_id, None, note).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the row does not mention the late result");
    }
}

/// Ends processes that agents have left which are gone together with their guards, and names their jobs in the log.
pub fn end_orphans(config: &AgentConfig) {
    let Some(cgroups) = Cgroups::of_spool(&config.spool_dir) else { return };
    match cgroups.end_orphans() {
        Ok(ended) => {
            for Ended { name, processes } in ended {
                tracing::warn!(
                    name,
                    processes,
                    "ended what was left of a job whose agent and guard are gone"
                );
            }
        }
        Err(error) => tracing::warn!(%error, "what earlier agents have left may still run"),
    }
}

/// What a flush did.
#[derive(Debug, Default)]
pub struct Flushed {
    /// Delivered, in whatever way.
    pub delivered: Vec<(Entry, Delivered)>,
    /// Still in the spool.
    pub left: Vec<(Entry, Undelivered)>,
    /// Held by agents that still live.
    pub busy: usize,
    /// Files that are no results, with the reason.
    pub unreadable: Vec<(std::path::PathBuf, String)>,
}

/// What a flush answers where the spool has nothing to deliver; `None` where it has.
///
/// # Errors
/// If the spool cannot be read.
pub fn nothing_to_flush(results: &Results, logs: &UnsentLogs) -> Result<Option<Flushed>, SpoolError> {
    let Listing { held, busy, unreadable } = results.take()?;
    // One that cannot be read has nothing that could be sent.
    let logs = logs.take().unwrap_or_default();
    Ok((held.is_empty() && logs.is_empty()).then(|| Flushed { busy, unreadable, ..Flushed::default() }))
}

/// Delivers what dead agents left in the spool.
///
/// # Errors
/// If the spool cannot be read.
pub async fn flush(ctx: &Context) -> Result<Flushed, SpoolError> {
    let listing = ctx.results.take()?;
    let mut flushed = Flushed { busy: listing.busy, unreadable: listing.unreadable, ..Flushed::default() };
    for held in listing.held {
        let entry = held.entry.clone();
        let note = Note::new().end(entry.ended_at);
        match Box::pin(close_and_answer(ctx, &entry, note, Backoff::of_flush)).await {
            Ok(delivered) => {
                if let Err(error) = held.forget() {
                    // Told again the next time, which is harmless. The others must not wait for it.
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "a delivered result stays in the spool");
                }
                flushed.delivered.push((entry, delivered));
            }
            Err(error) => flushed.left.push((entry, error)),
        }
    }
    Box::pin(output::send_left(ctx)).await;
    Ok(flushed)
}
