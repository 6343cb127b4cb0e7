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

/// Why a closer closes jobs that have not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody stopped the run, or a failure stopped its stage: what was not claimed is cancelled.
    Stopped,
    /// The state machine tried all that it tries, and came to its end: a job that was sent and never claimed has failed,
    /// and nobody cancelled it.
    Over,
}

/// Decides. `reason` and `message` are for a job that nobody claimed; `patience_millis` and `now` as in
/// [`super::launcher::decide`].
#[must_use]
pub fn decide(row: &JobState, reason: Reason, message: &str, patience_millis: i64, now: Timestamp) -> Step {
    match row.status {
        // Whatever the reason: it waits for its next attempt, and nobody has sent one.
        JobStatus::Triggered if row.is_kept() => Step::Write(Change::CloseWaiting {
            attempt: row.attempt,
            outcome: Outcome::without_exit(JobStatus::Cancelled, message),
        }),
        // Triggered rows too: their command may still arrive, and must find nothing to claim.
        JobStatus::Pending | JobStatus::Triggered => {
            let failed =
                row.status == JobStatus::Triggered && reason == Reason::Over && !row.cancel_requested;
            let status = if failed { JobStatus::Failed } else { JobStatus::Cancelled };
            Step::Write(Change::CloseUnclaimed {
                from: row.status,
                attempt: row.attempt,
                outcome: Outcome::without_exit(status, message),
            })
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn closed_as(row: &JobState, reason: Reason) -> JobStatus {
        match decide(row, reason, "why", 0, Timestamp::from_millis(0)) {
            Step::Write(change) => change.apply(row).unwrap().status,
            step => panic!("{step:?}"),
        }
    }

    #[test]
    fn a_job_that_was_sent_and_never_claimed_fails_unless_somebody_stopped_it() {
        let pending = JobState::pending();
        let triggered = JobState { status: JobStatus::Triggered, attempt: 5, ..JobState::pending() };
        let cancelled = JobState { cancel_requested: true, ..triggered.clone() };
        assert_eq!(closed_as(&triggered, Reason::Over), JobStatus::Failed);
        assert_eq!(closed_as(&triggered, Reason::Stopped), JobStatus::Cancelled);
        assert_eq!(closed_as(&cancelled, Reason::Over), JobStatus::Cancelled);
        assert_eq!(closed_as(&pending, Reason::Over), JobStatus::Cancelled, "nobody ever tried to send it");
    }
}
