//! The agent's decisions, given the row after its own write.

use super::{JobState, JobStatus, Outcome, Reply};
use crate::Owner;

/// Why an agent must not run its attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotClaimed {
    /// Another attempt, another agent, or an end came first. Nothing to do; exit 0.
    Stale,
    /// A cancel is requested and no agent runs it: close the row as `Cancelled`, then report that.
    CancelRequested,
}

/// Reads a row that refused a claim. `Ok` means that the claim had been made after all, by this very process.
///
/// # Errors
/// [`NotClaimed`] with what to do instead.
pub fn after_refused_claim(row: &JobState, attempt: u32, owner: &Owner) -> Result<(), NotClaimed> {
    if row.status == JobStatus::Running && row.attempt == attempt && row.owner.as_ref() == Some(owner) {
        return Ok(());
    }
    if row.status == JobStatus::Triggered && row.attempt == attempt && row.cancel_requested {
        return Err(NotClaimed::CancelRequested);
    }
    Err(NotClaimed::Stale)
}

/// What the agent must do after a renewal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterRenewal {
    /// Go on, and heartbeat on this token: a later try of the state may have brought a new one.
    GoOn(Option<Reply>),
    /// Stop the script, close the row as `Cancelled`, report that.
    Cancel,
    /// The attempt no longer belongs to this agent: stop the script at once and report nothing.
    Stop,
}

/// Reads the row that a renewal answered with, whether it was made or refused.
#[must_use]
pub fn after_renewal(row: &JobState, attempt: u32, owner: &Owner) -> AfterRenewal {
    if row.status != JobStatus::Running || row.attempt != attempt || row.owner.as_ref() != Some(owner) {
        return AfterRenewal::Stop;
    }
    if row.cancel_requested {
        return AfterRenewal::Cancel;
    }
    AfterRenewal::GoOn(row.reply())
}

/// Whether a row that refused a close shows that very close, made by a write whose answer was lost. Then its
/// token is to be answered; otherwise the result came too late and is only noted.
#[must_use]
pub fn close_was_made(row: &JobState, attempt: u32, owner: &Owner, outcome: &Outcome) -> bool {
    row.attempt == attempt && row.owner.as_ref() == Some(owner) && row.outcome() == Some(outcome.bounded())
}
