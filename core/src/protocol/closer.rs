//! What ends every row of an execution that is over: after its last state, its abort, its timeout, or the last
//! try of an item; before the next stage, and before the workflow's lock is released.

use super::{Change, JobState, JobStatus, Outcome};
use crate::Timestamp;

/// The closer's next step with one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing is left to do.
    Closed,
    /// Make this change, read again, decide again.
    Write(Change),
    /// The agent has been told, or is given time to show life. Look again later.
    Wait,
}

/// Decides. `why` is what an unstarted job's row will say; `patience_millis` and `now` as in
/// [`super::launcher::decide`].
#[must_use]
pub fn decide(row: &JobState, why: &str, patience_millis: i64, now: Timestamp) -> Step {
    match row.status {
        JobStatus::Triggered if row.is_kept() => Step::Write(Change::CloseWaiting {
            attempt: row.attempt,
            outcome: Outcome::without_exit(JobStatus::Cancelled, why),
        }),
        // Triggered rows too: their command may still arrive, and must find nothing to claim.
        JobStatus::Pending | JobStatus::Triggered => Step::Write(Change::CloseUnclaimed {
            from: row.status,
            attempt: row.attempt,
            outcome: Outcome::without_exit(JobStatus::Cancelled, why),
        }),
        JobStatus::Running if !row.cancel_requested => Step::Write(Change::RequestCancel),
        // It has no beat. The clock asks the service to cancel it, and closes the row when the service says how it ended.
        JobStatus::Running if row.is_kept() => Step::Wait,
        JobStatus::Running if row.has_moved() => {
            Step::Write(Change::Observe { attempt: row.attempt, beat: row.beat, at: now })
        }
        JobStatus::Running if row.is_lost(patience_millis, now) => Step::Write(Change::CloseLost {
            attempt: row.attempt,
            beat: row.beat,
            message: row.lost_message(),
        }),
        JobStatus::Running => Step::Wait,
        _ => Step::Closed,
    }
}
