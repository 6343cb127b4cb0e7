//! The job audit table: one row a job, and each run's plan snapshot.

mod cancel_state;
mod change;
mod closing;
mod due;
mod expiry;
mod mark;
mod note;
mod row;
mod rows;
mod standing;
mod summary;

use aws_sdk_dynamodb::Client;
use rsqlflow_core::plan::Snapshot;
use rsqlflow_core::{ExecutionId, JobId};

use crate::StoreError;
use crate::item::{self, Item, text};
use crate::update::{Sent, Update, put_if_absent};

pub use cancel_state::CancelState;
pub use change::{ChangeError, Changed};
pub use closing::RowToClose;
pub use note::Note;
pub use row::{JobRow, Try};
pub use standing::JobStanding;
pub use summary::JobSummary;

const PARTITION: &str = "workflow_execution_id";
const SORT: &str = "job_id";
/// Sort key of the snapshot: after every job's, which start with a digit.
const PLAN: &str = "plan";

/// The job audit table.
#[derive(Clone, Debug)]
pub struct JobAudit {
    pub(crate) client: Client,
    pub(crate) table: String,
    /// The only attributes that updates may name, where they are limited.
    pub(crate) attributes: Option<&'static [&'static str]>,
}

impl JobAudit {
    /// Keeps the plan of a run, unless it is kept already: what runs is what was first planned.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn put_snapshot(&self, id: &ExecutionId, snapshot: &Snapshot) -> Result<(), StoreError> {
        let json = serde_json::to_string(snapshot).map_err(|e| StoreError::corrupt(&self.table, PLAN, e))?;
        let mut item = key(id, PLAN);
        // Text, not a map: one attribute is cheaper to read, and numbers keep their form.
        item.insert("snapshot".to_owned(), text(json));
        put_if_absent(&self.client, &self.table, PARTITION, item).await.map(|_| ())
    }

    /// The plan of a run.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn get_snapshot(&self, id: &ExecutionId) -> Result<Option<Snapshot>, StoreError> {
        let Some(item) = self.get_item(id, PLAN).await? else { return Ok(None) };
        let corrupt =
            |reason: &dyn std::fmt::Display| StoreError::corrupt(&self.table, format!("{id} {PLAN}"), reason);
        let json = item.get("snapshot").and_then(|v| v.as_s().ok()).ok_or_else(|| corrupt(&"no snapshot"))?;
        serde_json::from_str(json).map(Some).map_err(|e| corrupt(&e))
    }

    /// Writes the row of a job that is handed out, unless it was handed out before.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn hand_out(&self, row: &JobRow) -> Result<(), StoreError> {
        let item = item::write(&self.table, &row.key_text(), row)?;
        put_if_absent(&self.client, &self.table, PARTITION, item).await.map(|_| ())
    }

    /// A job's row.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn get(&self, id: &ExecutionId, job: JobId) -> Result<Option<JobRow>, StoreError> {
        let sort = job.to_string();
        self.get_item(id, &sort)
            .await?
            .map(|item| row::read(&self.table, &format!("{id} {sort}"), item))
            .transpose()
    }

    /// Sends an update of a row.
    async fn update(&self, id: &ExecutionId, sort: &str, update: Update) -> Result<Sent, StoreError> {
        let key = key(id, sort);
        if let Some(allowed) = self.attributes {
            let named = key.keys().map(String::as_str).chain(update.attributes());
            let other = named.into_iter().find(|name| !allowed.contains(name));
            debug_assert!(other.is_none(), "agents may not write {other:?}: add it to AGENT_ATTRIBUTES");
        }
        update.send(&self.client, &self.table, key).await
    }

    async fn get_item(&self, id: &ExecutionId, sort: &str) -> Result<Option<Item>, StoreError> {
        item::get(&self.client, &self.table, key(id, sort)).await
    }
}

fn key(id: &ExecutionId, sort: &str) -> Item {
    [(PARTITION.to_owned(), text(id.as_str())), (SORT.to_owned(), text(sort))].into()
}
