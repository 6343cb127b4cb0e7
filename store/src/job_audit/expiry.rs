//! Expiry of a run's rows. Only rows of a closed run expire.

use rsqlflow_core::{ExecutionId, JobId};

use super::{JobAudit, PLAN, SORT, key};
use crate::StoreError;
use crate::item::{number, text};
use crate::update::Update;
use rsqlflow_core::EXPIRY;

impl JobAudit {
    /// Sets the expiry of a job's row, in seconds since 1970. It is not an error if the row does not exist.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn expire(&self, id: &ExecutionId, job: JobId, at: i64) -> Result<(), StoreError> {
        self.expire_item(id, &job.to_string(), at).await
    }

    /// Sets the expiry of a run's plan and marks, in seconds since 1970.
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
