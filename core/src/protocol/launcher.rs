//! What rsql-invoke does, given the row it has read and the token it was called with.

use super::{Answer, Change, JobState, JobStatus, Outcome, Reply};
use crate::Timestamp;

pub use crate::config::OnLost;

/// The launcher's next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The row is closed: tell the token what was recorded, launch nothing.
    Answer(Answer),
    /// A later try of the state is known, so nobody waits on this token any more.
    Superseded,
    /// Make this change, then do that.
    Write(Change, Then),
}

/// What follows a successful write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Send the command for the attempt that the write made.
    SendCommand,
    /// Nothing: the running agent finds the token in the row.
    LeaveToAgent,
    /// The write closed the row: tell the token its result.
    Answer,
}

/// Decides. `patience_millis` is the lease and the margin for clocks that differ; `now` is read after the row
/// was. After a refused write, read again and decide again.
#[must_use]
pub fn decide(row: &JobState, reply: &Reply, on_lost: OnLost, patience_millis: i64, now: Timestamp) -> Step {
    if let Some(answer) = row.answer() {
        return Step::Answer(answer);
    }
    if !row.accepts(reply) {
        return Step::Superseded;
    }
    match row.status {
        JobStatus::Pending | JobStatus::Triggered if row.cancel_requested => Step::Write(
            Change::CloseUnclaimed {
                from: row.status,
                attempt: row.attempt,
                outcome: Outcome::without_exit(JobStatus::Cancelled, "cancelled before it was started"),
            },
            Then::Answer,
        ),
        JobStatus::Running => running(row, reply, on_lost, patience_millis, now),
        // Closed rows were answered above.
        _ => Step::Write(
            Change::Launch { from: row.status, attempt: row.attempt, reply: reply.clone() },
            Then::SendCommand,
        ),
    }
}

fn running(row: &JobState, reply: &Reply, on_lost: OnLost, patience_millis: i64, now: Timestamp) -> Step {
    let (attempt, beat) = (row.attempt, row.beat);
    if !row.is_lost(patience_millis, now) {
        let seen = row.has_moved().then_some((beat, now));
        return Step::Write(Change::Readdress { attempt, reply: reply.clone(), seen }, Then::LeaveToAgent);
    }
    if on_lost == OnLost::Rerun && !row.cancel_requested {
        return Step::Write(Change::Rerun { attempt, beat, reply: reply.clone() }, Then::SendCommand);
    }
    Step::Write(Change::CloseLost { attempt, beat, message: row.lost_message() }, Then::Answer)
}

impl JobState {
    /// Whether the agent has shown life since anybody last looked.
    pub(super) fn has_moved(&self) -> bool {
        self.seen_beat != Some(self.beat)
    }

    /// The beat rule: unmoved for longer than any lease that could still be running.
    pub(super) fn is_lost(&self, patience_millis: i64, now: Timestamp) -> bool {
        !self.has_moved() && self.seen_at.is_some_and(|at| now.millis_since(at) >= patience_millis)
    }

    pub(super) fn lost_message(&self) -> String {
        let owner = self.owner.as_ref().map_or("unknown", crate::Owner::as_str);
        format!(
            "the agent vanished, or was cut off, during attempt {} (owner {owner}) and showed no life for longer than its \
             lease; how far the script came is not known",
            self.attempt
        )
    }
}
