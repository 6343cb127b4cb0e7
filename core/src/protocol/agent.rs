//! What the agent does, given the row that a write of its own has answered with.

use super::{JobState, JobStatus, Outcome, Reply};
use crate::Owner;

/// Why an agent may not run the attempt it was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotClaimed {
    /// Another attempt, another agent, or an end came first. Nothing to do; exit 0.
    Stale,
    /// A cancel is requested and nobody runs it: close the row as `Cancelled`, then report that.
    CancelRequested,
}

/// Reads a row that refused a claim. `Ok` means that the claim had been made after all, by this very process.
///
/// # Errors
/// [`NotClaimed`] says what to do instead of running.
pub fn after_refused_claim(row: &JobState, attempt: u32, owner: &Owner) -> Result<(), NotClaimed> {
    if row.status == JobStatus::Running && row.attempt == attempt && row.owner.as_ref() == Some(owner) {
        return Ok(());
    }
    if row.status == JobStatus::Triggered && row.attempt == attempt && row.cancel_requested {
        return Err(NotClaimed::CancelRequested);
    }
    Err(NotClaimed::Stale)
}

/// What a renewal's answer tells the agent to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Go on, and heartbeat on this token: a later try of the state may have brought a new one.
    GoOn(Option<Reply>),
    /// Stop the script, close the row as `Cancelled`, report that.
    Cancel,
    /// The attempt is no longer this agent's: stop the script at once and report nothing.
    Stop,
}

/// Reads the row that a renewal answered with, whether it was made or refused.
#[must_use]
pub fn after_renewal(row: &JobState, attempt: u32, owner: &Owner) -> Order {
    if row.status != JobStatus::Running || row.attempt != attempt || row.owner.as_ref() != Some(owner) {
        return Order::Stop;
    }
    if row.cancel_requested {
        return Order::Cancel;
    }
    Order::GoOn(row.reply())
}

/// Whether a row that refused a close shows that very close, made by a write whose answer was lost. Then its
/// token is to be answered; otherwise the result came too late and is only noted.
#[must_use]
pub fn close_was_made(row: &JobState, attempt: u32, owner: &Owner, outcome: &Outcome) -> bool {
    row.attempt == attempt && row.owner.as_ref() == Some(owner) && row.outcome() == Some(outcome.bounded())
}
