//! Marks of operators. Each mark is a separate item, so that none is overwritten.

use rsqlflow_core::ExecutionId;
use rsqlflow_core::restart::Mark;

use super::{JobAudit, PARTITION, SORT};
use crate::StoreError;
use crate::item::{self, number, text};
use crate::update::put_if_absent;

/// Prefix of the sort keys: after those of jobs, which start with a digit.
const MARK: &str = "mark#";

pub(super) fn sort_key(mark: &Mark) -> String {
    format!("{MARK}{}#{}", mark.job_id, mark.marked_at)
}

impl JobAudit {
    /// Adds a mark. `false` if a mark of that job and time exists.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn add_mark(
        &self,
        id: &ExecutionId,
        mark: &Mark,
        expires_at: Option<i64>,
    ) -> Result<bool, StoreError> {
        let sort = sort_key(mark);
        let mut item = item::write(&self.table, &format!("{id} {sort}"), mark)?;
        // The sort key is that of the mark. The mark names its job.
        item.remove(SORT);
        item.insert("marked_job_id".to_owned(), text(mark.job_id.to_string()));
        item.insert(PARTITION.to_owned(), text(id.as_str()));
        item.insert(SORT.to_owned(), text(sort));
        if let Some(at) = expires_at {
            item.insert("expires_at".to_owned(), number(at));
        }
        Ok(put_if_absent(&self.client, &self.table, PARTITION, item).await?.is_none())
    }

    /// All marks of a run's jobs, those of one job in the order of time.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn marks(&self, id: &ExecutionId) -> Result<Vec<Mark>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#execution = :execution AND begins_with(#job_id, :mark)")
            .expression_attribute_names("#execution", PARTITION)
            .expression_attribute_names("#job_id", SORT)
            .expression_attribute_values(":execution", text(id.as_str()))
            .expression_attribute_values(":mark", text(MARK))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut marks = Vec::new();
        while let Some(item) = pages.next().await {
            let mut item = item.map_err(|e| StoreError::service("Query", &self.table, &e))?;
            if let Some(job) = item.remove("marked_job_id") {
                item.insert(SORT.to_owned(), job);
            }
            marks.push(item::read(&self.table, &format!("{id} {MARK}"), item)?);
        }
        Ok(marks)
    }
}
