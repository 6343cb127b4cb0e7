//! A cheap look at a row, to learn early what the next write of its agent would be told anyway.

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{ExecutionId, JobId};
use serde::Deserialize;

use super::{JobAudit, key};
use crate::{StoreError, item};

/// What of a row may make its agent's next renewal urgent. It may be a moment old, so nothing may be decided by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Glance {
    /// The row's.
    pub execution_status: JobStatus,
    /// The row's.
    pub attempt: u32,
    /// The row's.
    #[serde(default)]
    pub cancel_requested: bool,
}

impl JobAudit {
    /// Looks at a row: an eventually consistent read of three columns, which for a row of up to 4 KB costs half a read
    /// request unit (DynamoDB developer guide, "Read consistency", "Read and write operations").
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn glance(&self, id: &ExecutionId, job: JobId) -> Result<Option<Glance>, StoreError> {
        let sort = job.to_string();
        let mut request = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(id, &sort)))
            .projection_expression("#s, #a, #c")
            .consistent_read(false);
        for (name, column) in [("#s", "execution_status"), ("#a", "attempt"), ("#c", "cancel_requested")] {
            request = request.expression_attribute_names(name, column);
        }
        let answer = request.send().await.map_err(|e| StoreError::service("GetItem", &self.table, &e))?;
        answer.item.map(|item| item::read(&self.table, &format!("{id} {sort}"), item)).transpose()
    }
}
