//! The changes of rows that the clock keeps.

use rsqlflow_core::protocol::keeper::DATA_API;
use rsqlflow_core::protocol::{Change, JobStatus};
use rsqlflow_core::{StatementId, Timestamp};

use super::{ChangeError, close, not_cancelled, readdress, status, status_and_attempt, unclaimed};
use crate::item::text;
use crate::update::Update;

pub(super) fn describe(change: &Change, update: &mut Update) -> Result<(), ChangeError> {
    match change {
        Change::Start { from, attempt, reply, at } => {
            unclaimed(update, *from, *attempt)?;
            not_cancelled(update);
            if let Some(reply) = reply {
                readdress(update, reply);
            }
            update.set("execution_status", status(JobStatus::Running));
            update.increment("attempt");
            update.set("owner", text(DATA_API));
            update.remove("statement_id");
            for column in ["first_sent", "last_sent", "wake_at"] {
                update.set(column, text(at.to_string()));
            }
        }
        Change::SendAgain { attempt, last_sent, at } => {
            unidentified(update, *attempt);
            update.only_if("last_sent", "=", text(last_sent.to_string()));
            not_cancelled(update);
            update.set("last_sent", text(at.to_string()));
        }
        Change::Identify { attempt, statement } => {
            unidentified(update, *attempt);
            update.set("statement_id", text(statement.as_str()));
            update.remove("error_message");
        }
        Change::Refuse { attempt, last_sent, message } => {
            unidentified(update, *attempt);
            update.only_if("last_sent", "=", text(last_sent.to_string()));
            update.set("error_message", text(message));
        }
        Change::Await { attempt, reply } => {
            status_and_attempt(update, JobStatus::Triggered, *attempt);
            readdress(update, reply);
        }
        Change::CloseWaiting { attempt, outcome } => {
            if !matches!(outcome.status, JobStatus::Cancelled | JobStatus::Failed) {
                return Err(ChangeError::Impossible("an unclaimed job ends cancelled or failed"));
            }
            status_and_attempt(update, JobStatus::Triggered, *attempt);
            update.only_if("owner", "=", text(DATA_API));
            close(update, outcome);
            update.remove("wake_at");
        }
        Change::Return { attempt, statement, last_sent, due } => {
            as_read(update, *attempt, statement.as_ref(), *last_sent);
            not_cancelled(update);
            update.set("execution_status", status(JobStatus::Triggered));
            update.remove("statement_id");
            update.remove("error_message");
            update.set("wake_at", text(due.to_string()));
        }
        Change::Finish { attempt, statement, last_sent, outcome } => {
            if !outcome.status.is_closed() || outcome.status == JobStatus::Skipped {
                return Err(ChangeError::Impossible("a statement does not end open or skipped"));
            }
            as_read(update, *attempt, statement.as_ref(), *last_sent);
            close(update, outcome);
            update.remove("wake_at");
        }
        _ => return Err(ChangeError::Impossible("it is not of a row that the clock keeps")),
    }
    Ok(())
}

fn kept(update: &mut Update, attempt: u32) {
    status_and_attempt(update, JobStatus::Running, attempt);
    update.only_if("owner", "=", text(DATA_API));
}

fn unidentified(update: &mut Update, attempt: u32) {
    kept(update, attempt);
    update.only_if_absent("statement_id");
}

fn as_read(update: &mut Update, attempt: u32, statement: Option<&StatementId>, last_sent: Timestamp) {
    kept(update, attempt);
    match statement {
        Some(statement) => update.only_if("statement_id", "=", text(statement.as_str())),
        None => update.only_if_absent("statement_id"),
    }
    update.only_if("last_sent", "=", text(last_sent.to_string()));
}
