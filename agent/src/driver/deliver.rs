//! Delivers a result: closes the row and answers the token. Used for the job of this process and for results of others.

use rsqlflow_core::protocol::Change;
use rsqlflow_store::{ChangeError, Changed, Note, StoreError};

use super::{Context, output};
use crate::aws::{Backoff, TokenError, TokenStatus};
use crate::cgroup::{Cgroups, Ended};
use crate::config::AgentConfig;
use crate::spool::result::Listing;
use crate::spool::{Entry, Results, SpoolError, UnsentLogs};

/// A delivered result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The row is closed, and the workflow was notified.
    Answered,
    /// The row is closed. No task waits for its token; a later try of the state gets the result from its launcher.
    Recorded,
    /// Too late: the row belongs to another attempt or is already closed. The result was noted in it.
    TooLate,
}

/// Why a result stays in the spool.
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
    /// It was not complete when the agent had to stop.
    #[error("the agent was asked to stop before the row or the workflow answered")]
    Stopped,
}

/// Closes the row, then answers the token in the closed row. Both can be repeated safely, and the row refuses a process
/// that lost the job. Therefore all errors of the table are retried, even those that look permanent, such as a role that
/// is being changed: otherwise the job would become `Lost` although it ended.
///
/// # Errors
/// [`Undelivered`] after the last retry of either call.
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
                    // For example, an item over 400 KB. The result is more important than the details.
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
        Ok(TokenStatus::Accepted) => Ok(Delivered::Answered),
        Ok(TokenStatus::Refused) => Ok(Delivered::Recorded),
        Err(error) => Err(Undelivered::Token(error)),
    }
}

/// Whether the service refuses the content of the write.
fn is_invalid(error: &StoreError) -> bool {
    error.is_invalid_request()
}

/// Notes the result for people. It decides nothing, so it is tried once.
async fn annotate(ctx: &Context, entry: &Entry) {
    let Entry { attempt, outcome, ended_at, .. } = entry;
    let how = outcome.error_message.as_deref().map_or(String::new(), |message| format!(": {message}"));
    let text = format!("attempt {attempt} ended {} at {ended_at}{how}", outcome.status);
    let note = Note::new().late_result(&text);
    if let Err(error) = ctx.jobs.note(&entry.workflow_execution_id, entry.job_id, None, note).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the row does not mention the late result");
    }
}

/// Ends processes of agents that have ended together with their guards, and logs their jobs.
pub fn end_orphans(config: &AgentConfig) {
    let Some(cgroups) = Cgroups::of_spool(&config.spool_dir) else { return };
    match cgroups.end_orphans() {
        Ok(ended) => {
            for Ended { name, processes } in ended {
                tracing::warn!(
                    name,
                    processes,
                    "ended the remaining processes of a job whose agent and guard have ended"
                );
            }
        }
        Err(error) => tracing::warn!(%error, "processes of earlier agents may still run"),
    }
}

/// The result of a flush.
#[derive(Debug, Default)]
pub struct Flushed {
    /// Delivered results.
    pub delivered: Vec<(Entry, Delivered)>,
    /// Results that are still in the spool.
    pub left: Vec<(Entry, Undelivered)>,
    /// Results of running agents.
    pub busy: usize,
    /// Files that are not results, with the reason.
    pub unreadable: Vec<(std::path::PathBuf, String)>,
}

/// The result of a flush if the spool has nothing to deliver. `None` if it has something.
///
/// # Errors
/// The spool cannot be read.
pub fn nothing_to_flush(results: &Results, logs: &UnsentLogs) -> Result<Option<Flushed>, SpoolError> {
    let Listing { held, busy, unreadable } = results.take()?;
    // A file that cannot be read contains nothing to deliver.
    let logs = logs.take().unwrap_or_default();
    Ok((held.is_empty() && logs.is_empty()).then(|| Flushed { busy, unreadable, ..Flushed::default() }))
}

/// Delivers results of dead agents.
///
/// # Errors
/// The spool cannot be read.
pub async fn flush(ctx: &Context) -> Result<Flushed, SpoolError> {
    let listing = ctx.results.take()?;
    let mut flushed = Flushed { busy: listing.busy, unreadable: listing.unreadable, ..Flushed::default() };
    for held in listing.held {
        let entry = held.entry.clone();
        let note = Note::new().end(entry.ended_at);
        match Box::pin(close_and_answer(ctx, &entry, note, Backoff::of_flush)).await {
            Ok(delivered) => {
                if let Err(error) = held.forget() {
                    // It will be delivered again, which is harmless. The others must not wait for it.
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
