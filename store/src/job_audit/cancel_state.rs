//! Reads the columns that may request an early renewal.

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{ExecutionId, JobId};
use serde::Deserialize;

use super::{JobAudit, key};
use crate::{StoreError, item};

/// Columns of a row that may request an early renewal. They may be stale, so they must not decide anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct CancelState {
    /// Status in the row.
    pub execution_status: JobStatus,
    /// Attempt in the row.
    pub attempt: u32,
    /// Whether a cancel is requested.
    #[serde(default)]
    pub cancel_requested: bool,
}

impl JobAudit {
    /// An eventually consistent read of three columns. For a row of up to 4 KB it costs half a read request unit (DynamoDB
    /// developer guide, "Read consistency", "Read and write operations").
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn cancel_state(
        &self,
        id: &ExecutionId,
        job: JobId,
    ) -> Result<Option<CancelState>, StoreError> {
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
