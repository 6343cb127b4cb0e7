//! The config table: the workflows of users.

use aws_sdk_dynamodb::Client;
use rsqlflow_core::WorkflowId;
use serde_json::Value;

use crate::StoreError;
use crate::item::{self, text};

const KEY: &str = "workflow_id";

/// The config table.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl Config {
    /// The item as JSON, not validated. `None` if it does not exist. Members are in alphabetical order: the table stores no
    /// order, and the result must be the same for every call.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn get(&self, id: &WorkflowId) -> Result<Option<Value>, StoreError> {
        item::get(&self.client, &self.table, [(KEY.to_owned(), text(id.as_str()))].into())
            .await?
            .map(|item| item::read::<Value>(&self.table, id.as_str(), item))
            .transpose()
            .map(|read| {
                read.map(|mut workflow| {
                    workflow.sort_all_objects();
                    workflow
                })
            })
    }

    /// Stores or replaces a workflow. Running runs use their own snapshot.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn put(&self, workflow: &Value) -> Result<(), StoreError> {
        let key = workflow.get(KEY).and_then(Value::as_str).unwrap_or_default().to_owned();
        let item = item::write(&self.table, &key, workflow)?;
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .send()
            .await
            .map_err(|e| StoreError::service("PutItem", &self.table, &e))?;
        Ok(())
    }

    /// Removes a workflow. It is not an error if it does not exist.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn delete(&self, id: &WorkflowId) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .key(KEY, text(id.as_str()))
            .send()
            .await
            .map_err(|e| StoreError::service("DeleteItem", &self.table, &e))?;
        Ok(())
    }

    /// Ids and descriptions of all workflows, sorted by id.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn list(&self) -> Result<Vec<(String, Option<String>)>, StoreError> {
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .projection_expression("workflow_id, workflow_description")
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|e| StoreError::service("Scan", &self.table, &e))?;
            let column = |name: &str| item.get(name).and_then(|v| v.as_s().ok()).cloned();
            found.push((column(KEY).unwrap_or_default(), column("workflow_description")));
        }
        found.sort();
        Ok(found)
    }
}
