//! Many rows at once, without the columns that only the agent needs.

use rsqlflow_core::protocol::JobState;
use rsqlflow_core::{ExecutionId, JobId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{JobAudit, PARTITION, SORT, Try};
use crate::StoreError;
use crate::item::{self, text};

/// A job's row without its job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSummary {
    /// Sort key.
    pub job_id: JobId,
    /// The name shown.
    pub job_name: String,
    /// What the protocol reads and writes, without the token.
    #[serde(flatten)]
    pub state: JobState,
    /// The script's runs within the current attempt.
    #[serde(default)]
    pub tries: Vec<Try>,
    /// When the current attempt was claimed.
    #[serde(default)]
    pub execution_start_ts: Option<Timestamp>,
    /// When the row was closed.
    #[serde(default)]
    pub execution_end_ts: Option<Timestamp>,
    /// Where the current attempt was sent.
    #[serde(default)]
    pub instance_id: Option<String>,
    /// CloudWatch Logs group.
    #[serde(default)]
    pub log_group: Option<String>,
    /// CloudWatch Logs stream.
    #[serde(default)]
    pub log_stream: Option<String>,
    /// Whether the whole output reached CloudWatch Logs.
    #[serde(default)]
    pub log_complete: Option<bool>,
    /// Why it did not.
    #[serde(default)]
    pub log_error: Option<String>,
    /// A result that came too late.
    #[serde(default)]
    pub late_result: Option<String>,
}

/// Without the token: nothing that lists rows may hold one.
const COLUMNS: [&str; 22] = [
    "job_id",
    "job_name",
    "execution_status",
    "attempt",
    "token_entered",
    "beat",
    "seen_beat",
    "seen_at",
    "owner",
    "cancel_requested",
    "exit_code",
    "error_message",
    "error_name",
    "tries",
    "execution_start_ts",
    "execution_end_ts",
    "instance_id",
    "log_group",
    "log_stream",
    "log_complete",
    "log_error",
    "late_result",
];

impl JobAudit {
    /// The rows from one job to another, both included, in plan order, however many pages that takes.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn summaries(
        &self,
        id: &ExecutionId,
        from: JobId,
        to: JobId,
    ) -> Result<Vec<JobSummary>, StoreError> {
        let names = COLUMNS.iter().map(|c| (format!("#{c}"), (*c).to_owned()));
        let columns: Vec<String> = COLUMNS.iter().map(|c| format!("#{c}")).collect();
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#execution = :execution AND #job_id BETWEEN :from AND :to")
            .set_expression_attribute_names(Some(names.collect()))
            .expression_attribute_names("#execution", PARTITION)
            .expression_attribute_values(":execution", text(id.as_str()))
            .expression_attribute_values(":from", text(from.to_string()))
            .expression_attribute_values(":to", text(to.to_string()))
            .projection_expression(columns.join(", "))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut rows = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|e| StoreError::service("Query", &self.table, &e))?;
            let sort = item.get(SORT).and_then(|v| v.as_s().ok()).cloned().unwrap_or_default();
            rows.push(item::read(&self.table, &format!("{id} {sort}"), item)?);
        }
        Ok(rows)
    }

    /// All rows of a run, in plan order.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn all_summaries(&self, id: &ExecutionId) -> Result<Vec<JobSummary>, StoreError> {
        self.summaries(id, JobId::new(0, 0), JobId::new(9_999, 99_999)).await
    }
}
