//! What launcher and clock do with a job that is a statement of the Redshift Data API, given the row they have read.
//!
//! No process stays with a statement. The *launcher* sends it, and the *clock*, which comes again and again, keeps it:
//! it finds the statement of an attempt whose sender died, learns how statements ended, starts retries, and asks the
//! service to cancel. Both may die anywhere, be doubled, and overlap. `docs/once.md` has the rules, and
//! `rsqlflow-model` checks them.
//!
//! Whenever the clock leaves a row open, whatever it did with it, it heartbeats on the row's token.
//!
//! `Triggered` means that the job waits for its next attempt and that nobody has sent one.

use super::{Answer, Change, JobState, JobStatus, Outcome, Reply};
use crate::{StatementId, Timestamp};

/// `owner` of rows that the clock keeps. No agent process has this nonce.
pub const DATA_API: &str = "data-api";

/// The spans that the decisions rest on, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest life of a launcher or a clock: its function's timeout.
    pub lambda: i64,
    /// How long a call may still arrive after its sender died.
    pub flight: i64,
    /// How long `ListStatements` may not show a statement that was accepted. Not documented.
    pub list_lag: i64,
    /// By how much two functions' clocks may differ.
    pub margin: i64,
    /// How long the service remembers a `ClientToken` (Redshift Data API guide, "Idempotency": 8 hours).
    pub token_memory: i64,
    /// How long a statement may run, and how long `ListStatements` surely shows it (same guide, "Considerations":
    /// 24 hours).
    pub longest: i64,
}

impl Limits {
    /// Over a function that lives no longer than `lambda`.
    #[must_use]
    pub const fn over(lambda: i64, margin: i64) -> Self {
        const MINUTE: i64 = 60_000;
        Self {
            lambda,
            flight: MINUTE,
            list_lag: 5 * MINUTE,
            margin,
            token_memory: 8 * 60 * MINUTE,
            longest: 24 * 60 * MINUTE,
        }
    }

    /// Longer than this after the last sending, a statement that the list does not show was never accepted.
    #[must_use]
    pub const fn quiet(&self) -> i64 {
        self.lambda + self.flight + self.list_lag + self.margin
    }

    /// Whether a sending that is decided now arrives while the service surely remembers the first one.
    const fn may_send_again(&self, first_sent: Timestamp, now: Timestamp) -> bool {
        now.millis_since(first_sent) + self.lambda + self.flight + self.margin < self.token_memory
    }
}

/// The next step with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The row is closed: answer its token with what it holds.
    Answer(Answer),
    /// A later try of the state is known, so nobody waits on this launcher's token any more.
    Superseded,
    /// Make this change, then do that. Where it is refused, read again and decide again.
    Write(Change, Then),
    /// Ask the service how the statement stands, and go on with [`described`].
    Describe(StatementId),
    /// Ask the service to cancel the statement, then how it stands. What it answers to the first decides nothing.
    Cancel(StatementId),
    /// Ask the service for the attempt's statement by its whole name, and go on with [`listed`].
    List,
    /// Nothing now.
    Wait,
}

/// What follows a successful write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Then {
    /// Send the statement of the attempt that the row now shows, and go on with [`sent`].
    Send,
    /// The write closed the row: answer its token.
    Answer,
    /// Decide again on the row as it is now.
    GoOn,
    /// Nothing now: the clock finds it again.
    Leave,
}

/// What the service says of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Description {
    /// It waits or runs, since then.
    Open {
        /// When the service accepted it.
        created: Timestamp,
    },
    /// It ended.
    Ended {
        /// How.
        how: Ended,
        /// When the service accepted it.
        created: Timestamp,
        /// When it ended.
        at: Timestamp,
    },
    /// The service does not know it, or not any more.
    Unknown,
}

/// How a statement ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    /// `FINISHED`.
    Finished,
    /// `FAILED`, with the service's message.
    Failed(String),
    /// `ABORTED`, with the service's message if it has one.
    Aborted(Option<String>),
}

/// What came of sending a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// It was accepted, by this sending or an earlier one of the attempt.
    Accepted(StatementId),
    /// It was throttled, or no answer came. Nobody knows whether an earlier sending arrived.
    Unknown,
    /// It was refused, and would be again.
    Refused(String),
}

/// The launcher's decision. It sends the first attempt; all others are the clock's.
#[must_use]
pub fn launch(row: &JobState, reply: &Reply, now: Timestamp) -> Step {
    if let Some(answer) = row.answer() {
        return Step::Answer(answer);
    }
    if !row.accepts(reply) {
        return Step::Superseded;
    }
    match row.status {
        JobStatus::Pending | JobStatus::Triggered if row.cancel_requested => close_waiting(row),
        JobStatus::Pending => start(row, Some(reply), now),
        JobStatus::Triggered => {
            Step::Write(Change::Await { attempt: row.attempt, reply: reply.clone() }, Then::Leave)
        }
        _ => Step::Write(
            Change::Readdress { attempt: row.attempt, reply: reply.clone(), seen: None },
            Then::Leave,
        ),
    }
}

/// The clock's decision on a row that it has read consistently; `now` is read after the row was.
#[must_use]
pub fn tick(row: &JobState, limits: &Limits, now: Timestamp) -> Step {
    if let Some(answer) = row.answer() {
        return Step::Answer(answer);
    }
    match row.status {
        // An agent's, or not started yet.
        _ if !row.is_kept() => Step::Wait,
        JobStatus::Triggered if row.cancel_requested => close_waiting(row),
        JobStatus::Triggered if row.wake_at.is_some_and(|due| due <= now) => start(row, None, now),
        JobStatus::Running => running(row, limits, now),
        _ => Step::Wait,
    }
}

fn running(row: &JobState, limits: &Limits, now: Timestamp) -> Step {
    if let Some(statement) = &row.statement_id {
        return Step::Describe(statement.clone());
    }
    let (Some(first_sent), Some(last_sent)) = (row.first_sent, row.last_sent) else {
        return Step::Wait;
    };
    let refused = row.error_message.is_some();
    if !row.cancel_requested && !refused && limits.may_send_again(first_sent, now) {
        // Later than the last one by any clock, so that whoever wrote `last_sent` knows that there was another.
        let at = now.max(last_sent.plus_millis(1));
        return Step::Write(Change::SendAgain { attempt: row.attempt, last_sent, at }, Then::Send);
    }
    Step::List
}

/// What follows a sending that was decided at `row.last_sent`.
#[must_use]
pub fn sent(row: &JobState, result: &Sent) -> Step {
    let attempt = row.attempt;
    match (result, row.last_sent) {
        (Sent::Accepted(statement), _) => {
            Step::Write(Change::Identify { attempt, statement: statement.clone() }, Then::GoOn)
        }
        // Nothing can have arrived before: this was the one sending there has been.
        (Sent::Refused(message), Some(_)) if row.first_sent == row.last_sent => {
            finish(row, Outcome::without_exit(JobStatus::Failed, message))
        }
        (Sent::Refused(message), Some(last_sent)) => {
            Step::Write(Change::Refuse { attempt, last_sent, message: message.clone() }, Then::Leave)
        }
        (Sent::Unknown | Sent::Refused(_), _) => Step::Wait,
    }
}

/// What follows from how a statement stands. `timeout` is the longest time that one may take, `retry` the delay
/// before the next attempt if there is one left; both in milliseconds.
#[must_use]
pub fn described(
    row: &JobState,
    described: &Description,
    timeout: i64,
    retry: Option<i64>,
    now: Timestamp,
) -> Step {
    let Some(statement) = &row.statement_id else { return Step::Wait };
    match described {
        Description::Open { created } if row.cancel_requested || now.millis_since(*created) >= timeout => {
            Step::Cancel(statement.clone())
        }
        Description::Open { .. } => Step::Wait,
        Description::Ended { how: Ended::Finished, .. } => finish(
            row,
            Outcome { status: JobStatus::Completed, exit_code: None, error_message: None, error_name: None },
        ),
        Description::Ended { how: Ended::Failed(message), .. } => match (retry, row.last_sent) {
            (Some(delay), Some(last_sent)) if !row.cancel_requested => Step::Write(
                Change::Return {
                    attempt: row.attempt,
                    statement: row.statement_id.clone(),
                    last_sent,
                    due: now.plus_millis(delay),
                },
                Then::Leave,
            ),
            _ => finish(row, Outcome::without_exit(JobStatus::Failed, message)),
        },
        Description::Ended { how: Ended::Aborted(message), created, at } => {
            let overdue = at.millis_since(*created) >= timeout;
            let (status, why) = if row.cancel_requested {
                (JobStatus::Cancelled, "cancelled while it was running".to_owned())
            } else if overdue {
                (
                    JobStatus::TimedOut,
                    "its statement ran longer than its timeout, and was cancelled".to_owned(),
                )
            } else {
                let said = message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
                (JobStatus::Failed, format!("its statement was cancelled in the warehouse{said}"))
            };
            finish(row, Outcome::without_exit(status, why))
        }
        Description::Unknown => finish(
            row,
            Outcome::without_exit(
                JobStatus::Lost,
                format!("the Data API no longer knows the statement {statement}; how it ended is not known"),
            ),
        ),
    }
}

/// What follows from the list of statements with the attempt's name. A list without it says that it was never
/// accepted, once it has been quiet for long enough; `now` is read before the list was asked for.
#[must_use]
pub fn listed(row: &JobState, found: Option<&StatementId>, limits: &Limits, now: Timestamp) -> Step {
    let attempt = row.attempt;
    let (Some(first_sent), Some(last_sent)) = (row.first_sent, row.last_sent) else {
        return Step::Wait;
    };
    if let Some(statement) = found {
        return Step::Write(Change::Identify { attempt, statement: statement.clone() }, Then::GoOn);
    }
    if now.millis_since(last_sent) <= limits.quiet() {
        return Step::Wait;
    }
    if now.millis_since(first_sent) >= limits.longest {
        let why = "the Data API shows no statement of this attempt, and keeps none for longer than a day; whether it \
                   ran is not known";
        return finish(row, Outcome::without_exit(JobStatus::Lost, why));
    }
    if row.cancel_requested {
        return finish(row, Outcome::without_exit(JobStatus::Cancelled, "cancelled before it was started"));
    }
    if let Some(message) = &row.error_message {
        return finish(row, Outcome::without_exit(JobStatus::Failed, message));
    }
    Step::Write(Change::Return { attempt, statement: None, last_sent, due: now }, Then::GoOn)
}

/// A statement that nobody will send: its run is being closed.
#[must_use]
pub fn not_sent(row: &JobState, why: &str) -> Step {
    finish(row, Outcome::without_exit(JobStatus::Cancelled, why))
}

fn start(row: &JobState, reply: Option<&Reply>, now: Timestamp) -> Step {
    Step::Write(
        Change::Start { from: row.status, attempt: row.attempt, reply: reply.cloned(), at: now },
        Then::Send,
    )
}

fn close_waiting(row: &JobState) -> Step {
    let outcome = Outcome::without_exit(JobStatus::Cancelled, "cancelled before it was started");
    let attempt = row.attempt;
    let change = if row.status == JobStatus::Triggered {
        Change::CloseWaiting { attempt, outcome }
    } else {
        Change::CloseUnclaimed { from: row.status, attempt, outcome }
    };
    Step::Write(change, Then::Answer)
}

fn finish(row: &JobState, outcome: Outcome) -> Step {
    match row.last_sent {
        Some(last_sent) => Step::Write(
            Change::Finish { attempt: row.attempt, statement: row.statement_id.clone(), last_sent, outcome },
            Then::Answer,
        ),
        None => Step::Wait,
    }
}

impl JobState {
    /// Whether the clock keeps the row, and no agent.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.as_str() == DATA_API)
    }
}
