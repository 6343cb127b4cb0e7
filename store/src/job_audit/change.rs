//! [`Change`] as a conditional write. What `Change::apply` refuses, these conditions refuse, and what it makes of
//! a row, these updates make of an item; a property test holds the two to each other.

use aws_sdk_dynamodb::types::AttributeValue;
use rsqlflow_core::protocol::{Change, JobState, JobStatus, Outcome, Reply};
use rsqlflow_core::{ExecutionId, JobId};

use super::{JobAudit, JobRow, Note, row};
use crate::StoreError;
use crate::item::{self, number, text};
use crate::update::{Sent, Update};

mod kept;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The row is not as the change expects it. Read it, decide again.
    #[error("job {} is {} in attempt {}", .0.job_id, .0.state.status, .0.state.attempt)]
    Refused(Box<JobRow>),
    /// There is no such row.
    #[error("there is no row of job {job} in execution {execution}")]
    Gone {
        /// The run.
        execution: ExecutionId,
        /// The job.
        job: JobId,
    },
    /// No change makes sense of what was asked, whatever the row holds.
    #[error("no row allows the change: {0}")]
    Impossible(&'static str),
    /// The table could not be written, or nobody knows whether it was.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of a change of which only the row's state is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It was made, by this sending or an earlier one. The state is as it is after that.
    Made(JobState),
    /// The row is not as the change expects it, but like this.
    Refused(JobState),
}

impl JobAudit {
    /// Makes a change, with a note beside it, and answers with the whole row as it is after that. A change that
    /// an earlier sending of the same request has made counts as made.
    ///
    /// # Errors
    /// [`ChangeError::Refused`] carries the row as it is.
    pub async fn change(
        &self,
        id: &ExecutionId,
        job: JobId,
        change: &Change,
        note: Note,
    ) -> Result<JobRow, ChangeError> {
        let sort = job.to_string();
        let read = |item| row::read(&self.table, &format!("{id} {sort}"), item);
        match self.write(id, &sort, &note, |update| describe(change, update)).await? {
            Sent::Made(item) => Ok(read(item)?),
            Sent::Refused(item) if item.is_empty() => Err(ChangeError::Gone { execution: id.clone(), job }),
            Sent::Refused(item) => {
                let row = read(item)?;
                if change.is_already_in(&row.state) {
                    Ok(row)
                } else {
                    Err(ChangeError::Refused(Box::new(row)))
                }
            }
        }
    }

    /// As [`Self::change`], for who needs no more of the row than its state. So a row that follows a contract of a later
    /// version, or of which another column cannot be read, is changed like any other.
    ///
    /// # Errors
    /// [`ChangeError`], but never [`ChangeError::Refused`].
    pub async fn change_state(
        &self,
        id: &ExecutionId,
        job: JobId,
        change: &Change,
        note: Note,
    ) -> Result<Changed, ChangeError> {
        let sort = job.to_string();
        let read = |item| item::read::<JobState>(&self.table, &format!("{id} {sort}"), item);
        match self.write(id, &sort, &note, |update| describe(change, update)).await? {
            Sent::Made(item) => Ok(Changed::Made(read(item)?)),
            Sent::Refused(item) if item.is_empty() => Err(ChangeError::Gone { execution: id.clone(), job }),
            Sent::Refused(item) => {
                let state = read(item)?;
                Ok(if change.is_already_in(&state) { Changed::Made(state) } else { Changed::Refused(state) })
            }
        }
    }

    /// Sends an update with a note beside it. A row has room for every end of its job, as long as all who write to it
    /// keep to the limits of [`Note`]. Where one has not, and the item would be too large, the details that describe the
    /// job give way: that it ended, and how, is worth more.
    pub(super) async fn write(
        &self,
        id: &ExecutionId,
        sort: &str,
        note: &Note,
        describe: impl Fn(&mut Update) -> Result<(), ChangeError>,
    ) -> Result<Sent, ChangeError> {
        let mut update = Update::default();
        describe(&mut update)?;
        note.clone().onto(&mut update);
        let error = match self.update(id, sort, update).await {
            Err(error) if error.is_too_large() => error,
            sent => return Ok(sent?),
        };
        tracing::warn!(workflow_execution_id = %id, job_id = sort, %error, "the row's details are dropped");
        let mut update = Update::default();
        describe(&mut update)?;
        note.clone().without_details().onto(&mut update);
        Note::drop_details(&mut update);
        Ok(self.update(id, sort, update).await?)
    }

    /// Closes a job that nobody has claimed, whose row this program reads no more of than its state: under any contract.
    /// `None` if the row is by now not as expected.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn close_unread(
        &self,
        id: &ExecutionId,
        job: JobId,
        attempt: u32,
        outcome: &Outcome,
        note: Note,
    ) -> Result<Option<JobState>, StoreError> {
        let sort = job.to_string();
        let describe = |update: &mut Update| {
            status_and_attempt(update, JobStatus::Triggered, attempt);
            close(update, outcome);
            Ok(())
        };
        let sent = match self.write(id, &sort, &note, describe).await {
            Err(ChangeError::Store(error)) => return Err(error),
            // Nothing else can come of a description that cannot fail.
            Err(_) => return Ok(None),
            Ok(sent) => sent,
        };
        let (made, item) = match sent {
            Sent::Made(item) => (true, item),
            Sent::Refused(item) if item.is_empty() => return Ok(None),
            Sent::Refused(item) => (false, item),
        };
        let state: JobState = item::read(&self.table, &format!("{id} {sort}"), item)?;
        // As with every change, an answer may have been lost.
        let closed = made || (state.attempt == attempt && state.outcome() == Some(outcome.bounded()));
        Ok(closed.then_some(state))
    }
}

pub(super) fn describe(change: &Change, update: &mut Update) -> Result<(), ChangeError> {
    match change {
        Change::Launch { from, attempt, reply } => {
            unclaimed(update, *from, *attempt)?;
            not_cancelled(update);
            next_attempt(update, reply);
        }
        Change::Readdress { attempt, reply, seen } => {
            status_and_attempt(update, JobStatus::Running, *attempt);
            readdress(update, reply);
            if let Some((beat, at)) = seen {
                update.set("seen_beat", number(beat));
                update.set("seen_at", text(at.to_string()));
            }
        }
        Change::Observe { attempt, beat, at } => {
            status_and_attempt(update, JobStatus::Running, *attempt);
            update.set("seen_beat", number(beat));
            update.set("seen_at", text(at.to_string()));
        }
        Change::Rerun { attempt, beat, reply } => {
            status_and_attempt(update, JobStatus::Running, *attempt);
            update.only_if("beat", "=", number(beat));
            not_cancelled(update);
            update.remove("owner");
            next_attempt(update, reply);
        }
        Change::CloseLost { attempt, beat, message } => {
            status_and_attempt(update, JobStatus::Running, *attempt);
            update.only_if("beat", "=", number(beat));
            close(update, &Outcome::without_exit(JobStatus::Lost, message));
        }
        Change::CloseUnclaimed { from, attempt, outcome } => {
            if !matches!(outcome.status, JobStatus::Cancelled | JobStatus::Failed) {
                return Err(ChangeError::Impossible("an unclaimed job ends cancelled or failed"));
            }
            unclaimed(update, *from, *attempt)?;
            close(update, outcome);
        }
        Change::Claim { attempt, owner } => {
            status_and_attempt(update, JobStatus::Triggered, *attempt);
            not_cancelled(update);
            update.set("execution_status", status(JobStatus::Running));
            update.set("owner", text(owner.as_str()));
            update.increment("beat");
        }
        Change::Renew { attempt, owner } => {
            status_and_attempt(update, JobStatus::Running, *attempt);
            update.only_if("owner", "=", text(owner.as_str()));
            update.increment("beat");
        }
        Change::Close { attempt, owner, outcome } => {
            if !matches!(
                outcome.status,
                JobStatus::Completed | JobStatus::Failed | JobStatus::TimedOut | JobStatus::Cancelled
            ) {
                return Err(ChangeError::Impossible("an agent does not close a job as lost or skipped"));
            }
            status_and_attempt(update, JobStatus::Running, *attempt);
            update.only_if("owner", "=", text(owner.as_str()));
            close(update, outcome);
        }
        Change::RequestCancel => {
            update.only_if_in(
                "execution_status",
                JobStatus::ALL.into_iter().filter(|s| !s.is_closed()).map(status),
            );
            update.set("cancel_requested", AttributeValue::Bool(true));
        }
        Change::Start { .. }
        | Change::SendAgain { .. }
        | Change::Identify { .. }
        | Change::Refuse { .. }
        | Change::Await { .. }
        | Change::CloseWaiting { .. }
        | Change::Return { .. }
        | Change::Finish { .. } => kept::describe(change, update)?,
    }
    Ok(())
}

fn status(status: JobStatus) -> AttributeValue {
    text(status.as_str())
}

fn status_and_attempt(update: &mut Update, expected: JobStatus, attempt: u32) {
    update.only_if("execution_status", "=", status(expected));
    update.only_if("attempt", "=", number(attempt));
}

fn unclaimed(update: &mut Update, from: JobStatus, attempt: u32) -> Result<(), ChangeError> {
    if !matches!(from, JobStatus::Pending | JobStatus::Triggered) {
        return Err(ChangeError::Impossible("only a pending or triggered job is unclaimed"));
    }
    status_and_attempt(update, from, attempt);
    Ok(())
}

fn not_cancelled(update: &mut Update) {
    update.only_if("cancel_requested", "<>", AttributeValue::Bool(true));
}

fn next_attempt(update: &mut Update, reply: &Reply) {
    update.set("execution_status", status(JobStatus::Triggered));
    update.increment("attempt");
    readdress(update, reply);
}

fn readdress(update: &mut Update, reply: &Reply) {
    let entered = text(reply.entered.to_string());
    update.only_if_absent_or_at_most("token_entered", entered.clone());
    update.set("token_entered", entered);
    update.set("task_token", text(reply.token.expose()));
}

pub(super) fn close(update: &mut Update, outcome: &Outcome) {
    let outcome = outcome.bounded();
    update.set("execution_status", status(outcome.status));
    match outcome.exit_code {
        Some(code) => update.set("exit_code", number(code)),
        None => update.remove("exit_code"),
    }
    match &outcome.error_message {
        Some(message) => update.set("error_message", text(message)),
        None => update.remove("error_message"),
    }
    match outcome.error_name {
        Some(name) => update.set("error_name", text(name.as_str())),
        None => update.remove("error_name"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rsqlflow_core::{AGENT_ATTRIBUTES, ErrorName, Owner, Timestamp};

    use super::super::Try;
    use super::*;

    /// The attributes that every write of an agent names, keys included.
    #[test]
    fn agents_may_write_exactly_what_they_write() {
        let owner = Owner::new("o");
        let at = Timestamp::from_millis(0);
        let whole = Outcome {
            exit_code: Some(1),
            error_name: Some(ErrorName::JobFailed),
            ..Outcome::without_exit(JobStatus::Failed, "m")
        };
        let unclaimed = Outcome::without_exit(JobStatus::Failed, "m");
        let tries = [Try { start_ts: at, end_ts: at, exit_code: Some(1), error_message: None, note: None }];
        let note = Note::new()
            .start(at)
            .end(at)
            .instance("i")
            .agent("1")
            .script_sha256("0")
            .log("g", "s")
            .log_end(1, Some("t"))
            .tries(&tries)
            .late_result("r");
        let mut named = BTreeSet::from(["workflow_execution_id".to_owned(), "job_id".to_owned()]);
        for change in [
            Change::Claim { attempt: 1, owner: owner.clone() },
            Change::Renew { attempt: 1, owner: owner.clone() },
            Change::Close { attempt: 1, owner, outcome: whole },
            Change::CloseUnclaimed { from: JobStatus::Triggered, attempt: 1, outcome: unclaimed },
        ] {
            let mut update = Update::default();
            describe(&change, &mut update).unwrap();
            note.clone().onto(&mut update);
            named.extend(update.attributes().map(str::to_owned));
        }
        let mut update = Update::default();
        Note::drop_details(&mut update);
        named.extend(update.attributes().map(str::to_owned));
        let allowed: BTreeSet<String> = AGENT_ATTRIBUTES.into_iter().map(str::to_owned).collect();
        assert_eq!(named, allowed);
    }
}
