//! The workflow audit table: one row a run, and beside them the workflows' locks.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use rsqlflow_core::{BY_ATTENTION, BY_WORKFLOW, ExecutionId, Timestamp, WorkflowId, WorkflowStatus};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::item::{self, text};
use crate::update::{Sent, Update, put_if_absent};
use rsqlflow_core::EXPIRY;

const KEY: &str = "workflow_execution_id";

/// Why the clock looks at a run. The column is the partition key of a sparse index: a run that needs nothing has none.
const ATTENTION: &str = "attention";

/// Values of [`ATTENTION`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// It is open.
    Open,
    /// It is closed, and something is left to do: a notification, or a look at its jobs.
    Closed,
}

impl Attention {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// One run of a workflow. Field names are column names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowRow {
    /// Partition key.
    pub workflow_execution_id: ExecutionId,
    /// Which workflow.
    pub workflow_id: WorkflowId,
    /// How it stands.
    pub execution_status: WorkflowStatus,
    /// When the trigger wrote the row.
    pub execution_start_ts: Timestamp,
    /// When the row was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_end_ts: Option<Timestamp>,
    /// The jobs' names in plan order; left out over 1,000 or 64 KB, where the item would grow too large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsql_jobs: Option<Vec<String>>,
    /// How many jobs closed with which status, once the row is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_counts: Option<BTreeMap<String, u32>>,
    /// Why the run did not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The master execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_machine_execution_arn: Option<String>,
    /// Since when the run is being closed: no job may be launched any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing_since: Option<Timestamp>,
    /// The run that this one goes on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted_from: Option<ExecutionId>,
    /// The parameters as resolved at the trigger.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// What could not be told to those who asked to be told, such as a notification that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_delivered: Option<String>,
    /// Whether who asked for it has been notified of the run's end; none if nobody is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<Notification>,
    /// When it was found, after the run's close, that no job of it is open any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// DynamoDB's TTL, in seconds since 1970, where the deployment lets audit rows expire. Open rows have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// A notification of a run's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notification {
    /// To be sent. Whoever finds this in a closed row sends it, so that it is sent at least once.
    Due,
    /// Sent.
    Sent,
}

/// How a run ended, as its row is to say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// A closed status.
    pub status: WorkflowStatus,
    /// Why it did not complete.
    pub error_message: Option<String>,
    /// How many jobs closed with which status.
    pub job_counts: BTreeMap<String, u32>,
    /// When.
    pub at: Timestamp,
    /// Whether somebody is to be notified.
    pub notify: bool,
    /// When the row may go, in seconds since 1970; never, if `None`.
    pub expires_at: Option<i64>,
}

/// A run as its closer sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunToClose {
    /// The row. Columns that cannot be read are left out; without a readable start, it started in 1970.
    pub row: WorkflowRow,
    /// The columns that cannot be read.
    pub unreadable: Vec<String>,
}

impl RunToClose {
    fn of(item: item::Item) -> Option<Self> {
        // A run's partition key is its id, and a row without a workflow, or with a status that is none of ours, cannot
        // be closed by anybody.
        let defaults = [("execution_start_ts", text(Timestamp::from_millis(0).to_string()))];
        let (row, unreadable) =
            item::read_partly(item, &[KEY, "workflow_id", "execution_status"], &defaults)?;
        Some(Self { row, unreadable })
    }
}

/// What came of opening a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Opened {
    /// It is there now.
    New,
    /// It was there before: an earlier call, or this one's first sending.
    Existing(Box<WorkflowRow>),
}

/// What came of closing a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Closed {
    /// By this call. Also where an earlier sending of it had closed the row.
    Now,
    /// By an earlier one; this is what it wrote.
    Before(Box<WorkflowRow>),
}

/// What came of asking for a workflow's lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The execution holds it, by this call or an earlier one.
    Taken,
    /// Another execution holds it.
    HeldBy {
        /// Which.
        holder: ExecutionId,
        /// Since when.
        since: Timestamp,
    },
}

#[derive(Serialize, Deserialize)]
struct LockItem {
    workflow_execution_id: String,
    holder: ExecutionId,
    held_since: Timestamp,
}

/// The workflow audit table.
#[derive(Clone, Debug)]
pub struct WorkflowAudit {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl WorkflowAudit {
    /// Writes the row of a new run, unless there is one.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn open(&self, row: &WorkflowRow) -> Result<Opened, StoreError> {
        let key = row.workflow_execution_id.as_str();
        let mut item = item::write(&self.table, key, row)?;
        item.insert(ATTENTION.to_owned(), text(Attention::Open.as_str()));
        match self.put_if_absent(key, item).await? {
            None => Ok(Opened::New),
            Some(old) => Ok(Opened::Existing(Box::new(item::read(&self.table, key, old)?))),
        }
    }

    /// The row of a run.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn get(&self, id: &ExecutionId) -> Result<Option<WorkflowRow>, StoreError> {
        item::get(&self.client, &self.table, [(KEY.to_owned(), text(id.as_str()))].into())
            .await?
            .map(|item| item::read(&self.table, id.as_str(), item))
            .transpose()
    }

    /// Notes the master execution.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn set_arn(&self, id: &ExecutionId, arn: &str) -> Result<(), StoreError> {
        let mut update = Update::default();
        update.set("state_machine_execution_arn", text(arn));
        update.only_if(KEY, "=", text(id.as_str()));
        self.update(id.as_str(), update).await.map(|_| ())
    }

    /// Notes what could not be delivered; the row may be closed already.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn set_not_delivered(&self, id: &ExecutionId, what: &str) -> Result<(), StoreError> {
        let mut update = Update::default();
        update.set("not_delivered", text(what));
        update.only_if(KEY, "=", text(id.as_str()));
        self.update(id.as_str(), update).await.map(|_| ())
    }

    /// Says that the run is being closed, before its jobs' rows are. A launcher reads this after it has written
    /// its attempt; so whatever the closer does not find in the rows, the launcher finds here.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn begin_close(&self, id: &ExecutionId, at: Timestamp) -> Result<(), StoreError> {
        let mut update = Update::default();
        update.set("closing_since", text(at.to_string()));
        update.only_if(KEY, "=", text(id.as_str()));
        self.update(id.as_str(), update).await.map(|_| ())
    }

    /// Closes a row that is still `Running`. A row that was closed before stays as it is.
    ///
    /// # Errors
    /// When the table cannot be written, or there is no such row.
    pub async fn close(&self, id: &ExecutionId, end: &RunEnd) -> Result<Closed, StoreError> {
        let describe = || {
            let mut update = Update::default();
            update.set("execution_status", text(end.status.as_str()));
            update.set("execution_end_ts", text(end.at.to_string()));
            let counts = end.job_counts.iter().map(|(status, count)| (status.clone(), item::number(count)));
            update.set("job_counts", AttributeValue::M(counts.collect()));
            if let Some(message) = &end.error_message {
                update.set("error_message", text(message));
            }
            if end.notify {
                update.set("notification", text("Due"));
            }
            update.set(ATTENTION, text(Attention::Closed.as_str()));
            if let Some(at) = end.expires_at {
                update.set(EXPIRY, item::number(at));
            }
            update.only_if("execution_status", "=", text(WorkflowStatus::Running.as_str()));
            update
        };
        let refused = match self.update(id.as_str(), describe()).await {
            Err(error) if error.is_too_large() => {
                // The names stand in the rows of the jobs as well.
                let mut update = describe();
                update.remove("rsql_jobs");
                self.update(id.as_str(), update).await?
            }
            sent => sent?,
        };
        match refused {
            None => Ok(Closed::Now),
            Some(old) if old.is_empty() => {
                Err(StoreError::corrupt(&self.table, id.as_str(), "there is no such row to close"))
            }
            Some(old) => {
                let row = self.to_close_of(id, old)?.row;
                // The SDK sends a write again whose answer was lost, and the first sending made this one refused.
                let is_own = row.execution_end_ts == Some(end.at)
                    && row.execution_status == end.status
                    && row.error_message == end.error_message;
                Ok(if is_own { Closed::Now } else { Closed::Before(Box::new(row)) })
            }
        }
    }

    /// The row of a run for its closer; `None` if there is none.
    ///
    /// # Errors
    /// When the table cannot be read, or the row names no workflow or no status.
    pub async fn to_close(&self, id: &ExecutionId) -> Result<Option<RunToClose>, StoreError> {
        let key = [(KEY.to_owned(), text(id.as_str()))].into();
        let found = item::get(&self.client, &self.table, key).await?;
        found.map(|item| self.to_close_of(id, item)).transpose()
    }

    fn to_close_of(&self, id: &ExecutionId, item: item::Item) -> Result<RunToClose, StoreError> {
        RunToClose::of(item)
            .ok_or_else(|| StoreError::corrupt(&self.table, id.as_str(), "it has no workflow or no status"))
    }

    /// Notes that the notification of a run's end was sent.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn set_notified(&self, id: &ExecutionId) -> Result<(), StoreError> {
        let mut update = Update::default();
        update.set("notification", text("Sent"));
        update.remove("not_delivered");
        update.only_if(KEY, "=", text(id.as_str()));
        self.update(id.as_str(), update).await.map(|_| ())
    }

    /// Notes that no job of a closed run is open any more.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn set_checked(&self, id: &ExecutionId, at: Timestamp) -> Result<(), StoreError> {
        let mut update = Update::default();
        update.set("checked_at", text(at.to_string()));
        update.only_if(KEY, "=", text(id.as_str()));
        self.update(id.as_str(), update).await.map(|_| ())
    }

    /// Notes that nothing is left to do of a closed run.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn clear_attention(&self, id: &ExecutionId) -> Result<(), StoreError> {
        let mut update = Update::default();
        update.remove(ATTENTION);
        update.only_if(ATTENTION, "=", text(Attention::Closed.as_str()));
        self.update(id.as_str(), update).await.map(|_| ())
    }

    /// The runs that need attention, the oldest first, by the sparse index: what was written a moment ago may be missing.
    /// A run whose row cannot be closed by anybody is named by its key.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn needing(&self, attention: Attention) -> Result<Vec<Result<RunToClose, String>>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_ATTENTION)
            .key_condition_expression("#attention = :attention")
            .expression_attribute_names("#attention", ATTENTION)
            .expression_attribute_values(":attention", text(attention.as_str()))
            .into_paginator()
            .items()
            .send();
        let mut runs = Vec::new();
        while let Some(key) = pages.next().await {
            let key = key_of(&key.map_err(|e| StoreError::service("Query", &self.table, &e))?);
            // The index knows the keys only, and may be behind.
            let item = item::get(&self.client, &self.table, [(KEY.to_owned(), text(&key))].into()).await?;
            let Some(item) = item else { continue };
            runs.push(RunToClose::of(item).ok_or(key));
        }
        Ok(runs)
    }

    /// Closed runs with something left to do, of those that ended at `since` or later: a notification that is due, or
    /// jobs that nobody has looked at since the close. Reads the whole table.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn unfinished(&self, since: Timestamp) -> Result<Vec<WorkflowRow>, StoreError> {
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression(
                "execution_status <> :running AND execution_end_ts >= :since \
                 AND (notification = :due OR attribute_not_exists(checked_at))",
            )
            .expression_attribute_values(":running", text(WorkflowStatus::Running.as_str()))
            .expression_attribute_values(":since", text(since.to_string()))
            .expression_attribute_values(":due", text("Due"))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut rows = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|e| StoreError::service("Scan", &self.table, &e))?;
            rows.extend(RunToClose::of(item).map(|run| run.row));
        }
        Ok(rows)
    }

    /// The newest runs of a workflow, newest first.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn of_workflow(&self, id: &WorkflowId, most: i32) -> Result<Vec<WorkflowRow>, StoreError> {
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_WORKFLOW)
            .key_condition_expression("workflow_id = :id")
            .expression_attribute_values(":id", text(id.as_str()))
            .scan_index_forward(false)
            .limit(most)
            .send()
            .await
            .map_err(|e| StoreError::service("Query", &self.table, &e))?;
        let rows = found.items.unwrap_or_default();
        rows.into_iter().map(|item| item::read(&self.table, id.as_str(), item)).collect()
    }

    /// Every run that is not closed and whose row can be read; see [`Self::open_runs`].
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn running(&self) -> Result<Vec<WorkflowRow>, StoreError> {
        let runs = self.open_runs().await?;
        Ok(runs.into_iter().filter_map(|run| run.ok().map(|run| run.row)).collect())
    }

    /// Every run that is not closed, or the key of a row that nobody can close. Reads the whole table, so it is for one machine, where no event tells of a run
    /// that nobody serves any more, and for the clock, which reads it once in an hour. The table's TTL bounds what it costs.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn open_runs(&self) -> Result<Vec<Result<RunToClose, String>>, StoreError> {
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression("execution_status = :running")
            .expression_attribute_values(":running", text(WorkflowStatus::Running.as_str()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut runs = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|e| StoreError::service("Scan", &self.table, &e))?;
            runs.push(RunToClose::of(item.clone()).ok_or_else(|| key_of(&item)));
        }
        Ok(runs)
    }

    /// Takes a workflow's lock for a run, unless another run holds it.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn take_lock(
        &self,
        workflow: &WorkflowId,
        holder: &ExecutionId,
        now: Timestamp,
    ) -> Result<Lock, StoreError> {
        let key = lock_key(workflow);
        let lock = LockItem { workflow_execution_id: key.clone(), holder: holder.clone(), held_since: now };
        match self.put_if_absent(&key, item::write(&self.table, &key, &lock)?).await? {
            None => Ok(Lock::Taken),
            Some(old) => {
                let old: LockItem = item::read(&self.table, &key, old)?;
                Ok(if old.holder == *holder {
                    Lock::Taken
                } else {
                    Lock::HeldBy { holder: old.holder, since: old.held_since }
                })
            }
        }
    }

    /// Moves the lock from a run that is over to another. `false` if somebody else was quicker.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn take_over_lock(
        &self,
        workflow: &WorkflowId,
        from: &ExecutionId,
        to: &ExecutionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut update = Update::default();
        update.set("holder", text(to.as_str()));
        update.set("held_since", text(now.to_string()));
        update.only_if("holder", "=", text(from.as_str()));
        match self.update(&lock_key(workflow), update).await? {
            None => Ok(true),
            // The SDK may have sent it twice, and the first sending was ours.
            Some(old) => Ok(old.get("holder") == Some(&text(to.as_str()))),
        }
    }

    /// Gives the lock back. That another run holds it, or nobody, is no error: it was given back before.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn release_lock(&self, workflow: &WorkflowId, holder: &ExecutionId) -> Result<(), StoreError> {
        let sent = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key(KEY, text(lock_key(workflow)))
            .condition_expression("#holder = :holder")
            .expression_attribute_names("#holder", "holder")
            .expression_attribute_values(":holder", text(holder.as_str()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(())
            }
            Err(e) => Err(StoreError::service("DeleteItem", &self.table, &e)),
        }
    }

    async fn put_if_absent(&self, key: &str, item: item::Item) -> Result<Option<item::Item>, StoreError> {
        debug_assert!(item.get(KEY) == Some(&text(key)));
        put_if_absent(&self.client, &self.table, KEY, item).await
    }

    /// `None` when the update was made; what was there otherwise (nothing, where there is no such item).
    async fn update(&self, key: &str, update: Update) -> Result<Option<item::Item>, StoreError> {
        let key = [(KEY.to_owned(), text(key))].into();
        Ok(match update.send(&self.client, &self.table, key).await? {
            Sent::Made(_) => None,
            Sent::Refused(old) => Some(old),
        })
    }
}

/// The key of an item, as people are to find it.
fn key_of(item: &item::Item) -> String {
    match item.get(KEY) {
        Some(AttributeValue::S(key)) => key.clone(),
        _ => "(no key)".to_owned(),
    }
}

fn lock_key(workflow: &WorkflowId) -> String {
    format!("lock#{workflow}")
}
