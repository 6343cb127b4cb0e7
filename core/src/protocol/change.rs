//! Every write to a job's row, as data.

use super::keeper::DATA_API;
use super::{JobState, JobStatus, Outcome, Reply};
use crate::{Owner, StatementId, Timestamp};

/// A write, and with it the state it expects. What [`Change::apply`] refuses cannot be written: the store puts
/// the same condition into the same request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A launcher takes the job's next attempt, before it sends the command. From `Pending` or `Triggered`.
    /// Refused once a cancel is requested, or when a newer token is known.
    Launch {
        /// `Pending` or `Triggered`, as read.
        from: JobStatus,
        /// As read; the write makes it one more.
        attempt: u32,
        /// The launcher's waiting try.
        reply: Reply,
    },
    /// A launcher of a later try leaves its token for the running agent, and what it saw of the beat.
    Readdress {
        /// As read.
        attempt: u32,
        /// The launcher's waiting try; refused when a newer one is known.
        reply: Reply,
        /// The beat and the moment, where the beat had moved.
        seen: Option<(u64, Timestamp)>,
    },
    /// A closer, which has no token, leaves what it saw of the beat.
    Observe {
        /// As read.
        attempt: u32,
        /// The beat as read.
        beat: u64,
        /// After the read.
        at: Timestamp,
    },
    /// The agent of a running attempt is lost and the job may be rerun: the next attempt, at once.
    /// Refused when the beat moved after all, once a cancel is requested, or when a newer token is known.
    Rerun {
        /// As read; the write makes it one more.
        attempt: u32,
        /// As read, and unmoved for longer than a lease.
        beat: u64,
        /// The launcher's waiting try.
        reply: Reply,
    },
    /// The agent of a running attempt is lost: the job ends as `Lost`. Refused when the beat moved after all.
    CloseLost {
        /// As read.
        attempt: u32,
        /// As read, and unmoved for longer than a lease.
        beat: u64,
        /// What to tell the operator.
        message: String,
    },
    /// A job that no agent has claimed ends: cancelled, or its command could not be sent.
    CloseUnclaimed {
        /// `Pending` or `Triggered`, as read.
        from: JobStatus,
        /// As read.
        attempt: u32,
        /// `Cancelled` or `Failed`.
        outcome: Outcome,
    },
    /// An agent claims the attempt it was sent for. Refused once a cancel is requested.
    Claim {
        /// What the command said.
        attempt: u32,
        /// This agent process.
        owner: Owner,
    },
    /// The owner shows that it lives.
    Renew {
        /// Its attempt.
        attempt: u32,
        /// Itself.
        owner: Owner,
    },
    /// The owner records how its attempt ended. Only then may the token be answered.
    Close {
        /// Its attempt.
        attempt: u32,
        /// Itself.
        owner: Owner,
        /// `Completed`, `Failed`, `TimedOut` or `Cancelled`.
        outcome: Outcome,
    },
    /// Somebody wants the job to end.
    RequestCancel,
    /// Launcher or clock takes the next attempt of a statement, before it is sent. From `Pending` or `Triggered`.
    /// Refused once a cancel is requested, or when a newer token is known.
    Start {
        /// `Pending` or `Triggered`, as read.
        from: JobStatus,
        /// As read; the write makes it one more.
        attempt: u32,
        /// The launcher's waiting try. The clock has none, and leaves the row's.
        reply: Option<Reply>,
        /// After the read, and before the statement is sent.
        at: Timestamp,
    },
    /// A statement is about to be sent again. Refused once its id is known or a cancel is requested.
    SendAgain {
        /// As read.
        attempt: u32,
        /// As read.
        last_sent: Timestamp,
        /// After the read, and before the statement is sent.
        at: Timestamp,
    },
    /// The id of the statement is known.
    Identify {
        /// As read.
        attempt: u32,
        /// As the service gave it.
        statement: StatementId,
    },
    /// A statement that was sent again was refused for good: it is not sent any more. An earlier sending may have
    /// arrived, so this decides nothing yet.
    Refuse {
        /// As read.
        attempt: u32,
        /// As written before it was sent.
        last_sent: Timestamp,
        /// What the service said.
        message: String,
    },
    /// A launcher of a later try leaves its token in a row that waits for its next attempt.
    Await {
        /// As read.
        attempt: u32,
        /// The launcher's waiting try; refused when a newer one is known.
        reply: Reply,
    },
    /// A row that waits for its next attempt ends: cancelled. As [`Change::CloseUnclaimed`], of a row that the clock
    /// keeps: an agent never writes it.
    CloseWaiting {
        /// As read.
        attempt: u32,
        /// `Cancelled` or `Failed`.
        outcome: Outcome,
    },
    /// The attempt is over, or never began, and another one follows. Refused once a cancel is requested.
    Return {
        /// As read.
        attempt: u32,
        /// As read.
        statement: Option<StatementId>,
        /// As read.
        last_sent: Timestamp,
        /// When the next attempt may start.
        due: Timestamp,
    },
    /// The attempt of a statement is over, or never began, and so is the job.
    Finish {
        /// As read.
        attempt: u32,
        /// As read.
        statement: Option<StatementId>,
        /// As read.
        last_sent: Timestamp,
        /// Any end but `Skipped`.
        outcome: Outcome,
    },
}

/// A change that the row, as it stands, does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {status} in attempt {attempt} does not allow it: {rule}")]
pub struct Refused {
    /// The row's.
    pub status: JobStatus,
    /// The row's.
    pub attempt: u32,
    /// What the change expects.
    pub rule: &'static str,
}

impl Change {
    /// The one transition function: what the row becomes.
    ///
    /// # Errors
    /// [`Refused`] when the row is not as the change expects it; it then stays as it is.
    pub fn apply(&self, row: &JobState) -> Result<JobState, Refused> {
        let need = |holds: bool, rule| {
            holds.then_some(()).ok_or(Refused { status: row.status, attempt: row.attempt, rule })
        };
        let mut next = row.clone();
        match self {
            Self::Launch { from, attempt, reply } => {
                need(matches!(from, JobStatus::Pending | JobStatus::Triggered), "it is launched unclaimed")?;
                need(row.status == *from && row.attempt == *attempt, "status and attempt are as read")?;
                need(!row.cancel_requested, "no cancel is requested")?;
                need(row.accepts(reply), "no newer token is known")?;
                next.status = JobStatus::Triggered;
                next.attempt += 1;
                next.readdress(reply);
            }
            Self::Readdress { attempt, reply, seen } => {
                need(row.runs(*attempt), "the attempt is running")?;
                need(row.accepts(reply), "no newer token is known")?;
                next.readdress(reply);
                if let Some((beat, at)) = seen {
                    next.seen_beat = Some(*beat);
                    next.seen_at = Some(*at);
                }
            }
            Self::Observe { attempt, beat, at } => {
                need(row.runs(*attempt), "the attempt is running")?;
                next.seen_beat = Some(*beat);
                next.seen_at = Some(*at);
            }
            Self::Rerun { attempt, beat, reply } => {
                need(row.runs(*attempt) && row.beat == *beat, "the attempt is running, its beat unmoved")?;
                need(!row.cancel_requested, "no cancel is requested")?;
                need(row.accepts(reply), "no newer token is known")?;
                next.status = JobStatus::Triggered;
                next.attempt += 1;
                next.owner = None;
                next.readdress(reply);
            }
            Self::CloseLost { attempt, beat, message } => {
                need(row.runs(*attempt) && row.beat == *beat, "the attempt is running, its beat unmoved")?;
                next.close(&Outcome::without_exit(JobStatus::Lost, message));
            }
            Self::CloseUnclaimed { from, attempt, outcome } => {
                need(matches!(from, JobStatus::Pending | JobStatus::Triggered), "nobody has claimed it")?;
                need(
                    matches!(outcome.status, JobStatus::Cancelled | JobStatus::Failed),
                    "an unclaimed job ends cancelled or failed",
                )?;
                need(row.status == *from && row.attempt == *attempt, "status and attempt are as read")?;
                next.close(outcome);
            }
            Self::Claim { attempt, owner } => {
                need(row.status == JobStatus::Triggered, "it waits for an agent")?;
                need(row.attempt == *attempt, "the attempt is the current one")?;
                need(!row.cancel_requested, "no cancel is requested")?;
                next.status = JobStatus::Running;
                next.owner = Some(owner.clone());
                next.beat += 1;
            }
            Self::Renew { attempt, owner } => {
                need(
                    row.runs(*attempt) && row.owner.as_ref() == Some(owner),
                    "the owner's attempt is running",
                )?;
                next.beat += 1;
            }
            Self::Close { attempt, owner, outcome } => {
                need(
                    matches!(
                        outcome.status,
                        JobStatus::Completed | JobStatus::Failed | JobStatus::TimedOut | JobStatus::Cancelled
                    ),
                    "an agent does not close a job as lost or skipped",
                )?;
                need(
                    row.runs(*attempt) && row.owner.as_ref() == Some(owner),
                    "the owner's attempt is running",
                )?;
                next.close(outcome);
            }
            Self::RequestCancel => {
                need(!row.status.is_closed(), "it is not closed")?;
                next.cancel_requested = true;
            }
            Self::Start { from, attempt, reply, at } => {
                need(matches!(from, JobStatus::Pending | JobStatus::Triggered), "it is started unclaimed")?;
                need(row.status == *from && row.attempt == *attempt, "status and attempt are as read")?;
                need(!row.cancel_requested, "no cancel is requested")?;
                if let Some(reply) = reply {
                    need(row.accepts(reply), "no newer token is known")?;
                    next.readdress(reply);
                }
                next.status = JobStatus::Running;
                next.attempt += 1;
                next.owner = Some(Owner::new(DATA_API));
                next.statement_id = None;
                next.first_sent = Some(*at);
                next.last_sent = Some(*at);
                next.wake_at = Some(*at);
            }
            Self::SendAgain { attempt, last_sent, at } => {
                need(row.runs(*attempt) && row.is_kept(), "the attempt of a statement is running")?;
                need(row.statement_id.is_none(), "the statement's id is not known")?;
                need(row.last_sent == Some(*last_sent), "nobody has sent it since")?;
                need(!row.cancel_requested, "no cancel is requested")?;
                next.last_sent = Some(*at);
            }
            Self::Identify { attempt, statement } => {
                need(row.runs(*attempt) && row.is_kept(), "the attempt of a statement is running")?;
                need(row.statement_id.is_none(), "the statement's id is not known")?;
                next.statement_id = Some(statement.clone());
                next.error_message = None;
            }
            Self::Refuse { attempt, last_sent, message } => {
                need(row.runs(*attempt) && row.is_kept(), "the attempt of a statement is running")?;
                need(row.statement_id.is_none(), "the statement's id is not known")?;
                need(row.last_sent == Some(*last_sent), "nobody has sent it since")?;
                next.error_message = Some(message.clone());
            }
            Self::Await { attempt, reply } => {
                need(row.status == JobStatus::Triggered, "it waits for its next attempt")?;
                need(row.attempt == *attempt, "the attempt is the current one")?;
                need(row.accepts(reply), "no newer token is known")?;
                next.readdress(reply);
            }
            Self::CloseWaiting { attempt, outcome } => {
                need(
                    matches!(outcome.status, JobStatus::Cancelled | JobStatus::Failed),
                    "an unclaimed job ends cancelled or failed",
                )?;
                need(row.status == JobStatus::Triggered && row.is_kept(), "it waits for its next attempt")?;
                need(row.attempt == *attempt, "the attempt is the current one")?;
                next.close(outcome);
                next.wake_at = None;
            }
            Self::Return { attempt, statement, last_sent, due } => {
                need(row.keeps(*attempt, statement.as_ref(), *last_sent), "the statement is as read")?;
                need(!row.cancel_requested, "no cancel is requested")?;
                next.status = JobStatus::Triggered;
                next.statement_id = None;
                next.error_message = None;
                next.wake_at = Some(*due);
            }
            Self::Finish { attempt, statement, last_sent, outcome } => {
                need(
                    outcome.status.is_closed() && outcome.status != JobStatus::Skipped,
                    "a statement does not end open or skipped",
                )?;
                need(row.keeps(*attempt, statement.as_ref(), *last_sent), "the statement is as read")?;
                next.close(outcome);
                next.wake_at = None;
            }
        }
        Ok(next)
    }

    /// Whether `row`, met when this write was refused, shows that the write had been made all the same: an SDK
    /// sends a write again when its answer is lost, and then fails its own condition.
    ///
    /// A launch is known by its token and the attempt it wrote, a claim by its owner, a close by owner and
    /// result, a sending by its moment (two that agree in it send the same). A renewal never fails its own condition, and the rest may be made twice or found made by another.
    #[must_use]
    pub fn is_already_in(&self, row: &JobState) -> bool {
        let launched = |attempt: u32, reply: &Reply| {
            row.status == JobStatus::Triggered
                && row.attempt == attempt + 1
                && row.reply().as_ref() == Some(reply)
        };
        match self {
            Self::Launch { attempt, reply, .. } | Self::Rerun { attempt, reply, .. } => {
                launched(*attempt, reply)
            }
            Self::Claim { attempt, owner } => row.runs(*attempt) && row.owner.as_ref() == Some(owner),
            Self::Close { attempt, owner, outcome } => {
                row.attempt == *attempt
                    && row.owner.as_ref() == Some(owner)
                    && row.outcome() == Some(outcome.bounded())
            }
            Self::CloseUnclaimed { attempt, outcome, .. } | Self::CloseWaiting { attempt, outcome } => {
                row.attempt == *attempt && row.outcome() == Some(outcome.bounded())
            }
            Self::CloseLost { attempt, .. } => row.attempt == *attempt && row.status == JobStatus::Lost,
            Self::SendAgain { attempt, at, .. } => row.runs(*attempt) && row.last_sent == Some(*at),
            Self::Identify { attempt, statement } => {
                row.runs(*attempt) && row.statement_id.as_ref() == Some(statement)
            }
            Self::Return { attempt, due, .. } => {
                row.status == JobStatus::Triggered && row.attempt == *attempt && row.wake_at == Some(*due)
            }
            Self::Finish { attempt, statement, outcome, .. } => {
                row.attempt == *attempt
                    && row.statement_id == *statement
                    && row.outcome() == Some(outcome.bounded())
            }
            Self::Readdress { .. }
            | Self::Observe { .. }
            | Self::Renew { .. }
            | Self::RequestCancel
            // Not known again, lest two that agree in the moment both take theirs for the only sending. Who lost the
            // answer leaves the row to the clock.
            | Self::Start { .. }
            | Self::Refuse { .. }
            | Self::Await { .. } => false,
        }
    }
}

impl JobState {
    pub(super) fn runs(&self, attempt: u32) -> bool {
        self.status == JobStatus::Running && self.attempt == attempt
    }

    /// A launcher may come late. Its token must not replace one that is newer.
    pub(super) fn accepts(&self, reply: &Reply) -> bool {
        self.token_entered.is_none_or(|known| known <= reply.entered)
    }

    fn readdress(&mut self, reply: &Reply) {
        self.task_token = Some(reply.token.clone());
        self.token_entered = Some(reply.entered);
    }

    /// Whether the running attempt's statement is as somebody has read it.
    fn keeps(&self, attempt: u32, statement: Option<&StatementId>, last_sent: Timestamp) -> bool {
        self.runs(attempt)
            && self.is_kept()
            && self.statement_id.as_ref() == statement
            && self.last_sent == Some(last_sent)
    }

    fn close(&mut self, outcome: &Outcome) {
        let outcome = outcome.bounded();
        self.status = outcome.status;
        self.exit_code = outcome.exit_code;
        self.error_message = outcome.error_message;
        self.error_name = outcome.error_name;
    }
}
