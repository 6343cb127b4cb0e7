//! When the rows of a run may go. Only a closed run's do: an open row has no expiry, however long its run takes.

use rsqlflow_core::{ExecutionId, JobId};

use super::{JobAudit, PLAN, SORT, key};
use crate::StoreError;
use crate::item::{number, text};
use crate::update::Update;
use rsqlflow_core::EXPIRY;

impl JobAudit {
    /// Lets the row of a job expire, in seconds since 1970. That there is none is no error.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn expire(&self, id: &ExecutionId, job: JobId, at: i64) -> Result<(), StoreError> {
        self.expire_item(id, &job.to_string(), at).await
    }

    /// Lets the plan of a run expire, and what operators said of its jobs, in seconds since 1970.
    ///
    /// # Errors
    /// When a table cannot be read or written.
    pub async fn expire_plan(&self, id: &ExecutionId, at: i64) -> Result<(), StoreError> {
        self.expire_item(id, PLAN, at).await?;
        for mark in self.marks(id).await? {
            self.expire_item(id, &super::mark::sort_key(&mark), at).await?;
        }
        Ok(())
    }

    async fn expire_item(&self, id: &ExecutionId, sort: &str, at: i64) -> Result<(), StoreError> {
        let mut update = Update::default();
        update.set(EXPIRY, number(at));
        update.only_if(SORT, "=", text(sort));
        update.send(&self.client, &self.table, key(id, sort)).await.map(|_| ())
    }
}
