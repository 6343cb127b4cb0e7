//! Rows as closers read them. A run must end although one of its rows follows a newer contract or is damaged, so a closer
//! needs only key, status, attempt and beat.

use aws_sdk_dynamodb::types::AttributeValue;
use rsqlflow_core::protocol::{Change, JobState, JobStatus, Outcome};
use rsqlflow_core::{ExecutionId, JobId, JobTimes, Seconds};

use super::change::{ChangeError, close};
use super::{JobAudit, Note, change, row};
use crate::StoreError;
use crate::item::{self, Item, number, text};
use crate::update::{Sent, Update};

/// Columns that are conditions of a change of a damaged row.
const FENCE: [&str; 3] = ["execution_status", "attempt", "beat"];

/// The part of a row that a closer needs.
#[derive(Clone, Debug, PartialEq)]
pub struct RowToClose {
    /// The protocol's columns. For a damaged row: those that can be read. A job without a readable status counts as running, so
    /// that its agent gets the time of a lease.
    pub state: JobState,
    /// The job's times, if they can be read.
    pub times: Option<JobTimes>,
    /// Why the row cannot be parsed, if it cannot.
    pub unreadable: Option<String>,
    /// [`FENCE`] as read.
    fence: Vec<Option<AttributeValue>>,
}

impl RowToClose {
    fn of(table: &str, key: &str, item: Item) -> Result<Self, StoreError> {
        let fence = FENCE.iter().map(|column| item.get(*column).cloned()).collect();
        let reason = match row::read(table, key, item.clone()) {
            Ok(row) => {
                let times = Some(row.job.times());
                return Ok(Self { state: row.state, times, unreadable: None, fence });
            }
            Err(StoreError::Corrupt { reason, .. }) => reason,
            Err(StoreError::Incompatible { reason, .. }) => reason.to_string(),
            Err(error) => return Err(error),
        };
        let job = item.get("job").and_then(|job| job.as_m().ok());
        let column = |name: &str| job.and_then(|job| job.get(name)).cloned();
        let times =
            column("times").and_then(|times| serde_dynamo::from_attribute_value(times).ok()).or_else(|| {
                let seconds = column("heartbeat")?.as_n().ok()?.parse().ok()?;
                Some(JobTimes::of_older_row(Seconds::saturating(seconds)))
            });
        let defaults = [
            ("execution_status", text(JobStatus::Running.as_str())),
            ("attempt", number(0)),
            ("beat", number(0)),
        ];
        let (state, _) = item::read_partly(item, &[], &defaults)
            .ok_or_else(|| StoreError::corrupt(table, key, "no column can be read"))?;
        Ok(Self { state, times, unreadable: Some(reason), fence })
    }

    /// Conditions that the damaged columns have not changed.
    fn only_as_read(&self, update: &mut Update) {
        for (column, value) in FENCE.iter().zip(&self.fence) {
            match value {
                Some(value) => update.only_if(column, "=", value.clone()),
                None => update.only_if_absent(column),
            }
        }
    }

    /// A message with the reason why the row cannot be parsed.
    fn told(&self, message: &str) -> String {
        let reason = self.unreadable.as_deref().unwrap_or_default();
        format!("{message}; the row could not be read completely: {reason}")
    }
}

impl JobAudit {
    /// A job's row for its closer; `None` if there is none.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn to_close(&self, id: &ExecutionId, job: JobId) -> Result<Option<RowToClose>, StoreError> {
        let sort = job.to_string();
        let item = self.get_item(id, &sort).await?;
        item.map(|item| RowToClose::of(&self.table, &format!("{id} {sort}"), item)).transpose()
    }

    /// Makes a closer's change. Returns the row after it, whether the change was made or refused.
    ///
    /// # Errors
    /// [`ChangeError::Gone`] without such a row; otherwise when the table cannot be written.
    pub async fn close_step(
        &self,
        id: &ExecutionId,
        job: JobId,
        row: &RowToClose,
        made: &Change,
        note: Note,
    ) -> Result<RowToClose, ChangeError> {
        let sort = job.to_string();
        let damaged = row.unreadable.is_some();
        let describe = |update: &mut Update| {
            if damaged { describe_damaged(row, made, update) } else { change::describe(made, update) }
        };
        match self.write(id, &sort, &note, describe).await? {
            Sent::Refused(item) if item.is_empty() => Err(ChangeError::Gone { execution: id.clone(), job }),
            Sent::Made(item) | Sent::Refused(item) => {
                Ok(RowToClose::of(&self.table, &format!("{id} {sort}"), item)?)
            }
        }
    }
}

/// The changes of closers, on a row of which only the fence is reliable.
fn describe_damaged(row: &RowToClose, made: &Change, update: &mut Update) -> Result<(), ChangeError> {
    row.only_as_read(update);
    match made {
        Change::RequestCancel => update.set("cancel_requested", AttributeValue::Bool(true)),
        Change::Observe { beat, at, .. } => {
            update.set("seen_beat", number(beat));
            update.set("seen_at", text(at.to_string()));
        }
        Change::CloseLost { message, .. } => {
            close(update, &Outcome::without_exit(JobStatus::Lost, row.told(message)));
        }
        Change::CloseUnclaimed { outcome, .. } => {
            let message = row.told(outcome.error_message.as_deref().unwrap_or_default());
            close(update, &Outcome { error_message: Some(message), ..outcome.clone() });
        }
        Change::CloseWaiting { outcome, .. } => {
            let message = row.told(outcome.error_message.as_deref().unwrap_or_default());
            close(update, &Outcome { error_message: Some(message), ..outcome.clone() });
            update.remove("wake_at");
        }
        _ => return Err(ChangeError::Impossible("this is not a change of a closer")),
    }
    Ok(())
}
