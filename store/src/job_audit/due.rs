//! The rows that the clock keeps, by the sparse index over them.

use rsqlflow_core::protocol::keeper::DATA_API;
use rsqlflow_core::{BY_WAKE_AT, ExecutionId, JobId, Timestamp};
use serde::Deserialize;

use super::JobAudit;
use crate::StoreError;
use crate::item::{self, text};

/// The columns of the index.
#[derive(Deserialize)]
struct Key {
    workflow_execution_id: ExecutionId,
    job_id: JobId,
}

impl JobAudit {
    /// Jobs that are statements, and that the clock has to look at by now: those that wait the longest first. The index may
    /// be behind the table, so a row has to be read before anything is decided on it.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn due(&self, now: Timestamp) -> Result<Vec<(ExecutionId, JobId)>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_WAKE_AT)
            .key_condition_expression("#owner = :keeper AND #wake_at <= :now")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#wake_at", "wake_at")
            .expression_attribute_values(":keeper", text(DATA_API))
            .expression_attribute_values(":now", text(now.to_string()))
            .into_paginator()
            .items()
            .send();
        let mut due = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|e| StoreError::service("Query", &self.table, &e))?;
            let key: Key = item::read(&self.table, BY_WAKE_AT, item)?;
            due.push((key.workflow_execution_id, key.job_id));
        }
        Ok(due)
    }
}
