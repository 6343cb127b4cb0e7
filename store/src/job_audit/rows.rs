//! Many rows at once.

use std::ops::RangeInclusive;

use rsqlflow_core::{ExecutionId, JobId};
use serde::de::DeserializeOwned;

use super::{JobAudit, PARTITION, SORT};
use crate::StoreError;
use crate::item::{self, Item, text};

/// From the first job that a run may have to beyond the last.
pub(super) const EVERY_JOB: RangeInclusive<JobId> = JobId::new(0, 0)..=JobId::new(9_999, 99_999);

impl JobAudit {
    /// These columns of the rows of `jobs`, in plan order, however many pages that takes.
    pub(super) async fn rows<T: DeserializeOwned>(
        &self,
        id: &ExecutionId,
        jobs: RangeInclusive<JobId>,
        columns: &[&str],
    ) -> Result<Vec<T>, StoreError> {
        let items = self.items(id, jobs, columns).await?;
        let read = |item: Item| {
            let sort = item.get(SORT).and_then(|v| v.as_s().ok()).cloned().unwrap_or_default();
            item::read(&self.table, &format!("{id} {sort}"), item)
        };
        items.into_iter().map(read).collect()
    }

    /// The same, not yet read.
    pub(super) async fn items(
        &self,
        id: &ExecutionId,
        jobs: RangeInclusive<JobId>,
        columns: &[&str],
    ) -> Result<Vec<Item>, StoreError> {
        let names = columns.iter().map(|c| (format!("#{c}"), (*c).to_owned()));
        let projection: Vec<String> = columns.iter().map(|c| format!("#{c}")).collect();
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#execution = :execution AND #job_id BETWEEN :from AND :to")
            .set_expression_attribute_names(Some(names.collect()))
            .expression_attribute_names("#execution", PARTITION)
            .expression_attribute_values(":execution", text(id.as_str()))
            .expression_attribute_values(":from", text(jobs.start().to_string()))
            .expression_attribute_values(":to", text(jobs.end().to_string()))
            .projection_expression(projection.join(", "))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut rows = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|e| StoreError::service("Query", &self.table, &e))?;
            rows.push(item);
        }
        Ok(rows)
    }
}
