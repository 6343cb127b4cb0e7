//! The tables as anybody reads them: items and their columns, without the program's own reader.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use rsqlflow_core::Deployment;
use serde_json::Value;

/// An item.
pub type Item = HashMap<String, AttributeValue>;

/// Statuses after which nothing changes.
const CLOSED: [&str; 6] = ["Completed", "Failed", "TimedOut", "Cancelled", "Lost", "Skipped"];

/// The columns of a closed job that must never change again.
const RESULT: [&str; 7] =
    ["execution_status", "attempt", "owner", "exit_code", "error_name", "error_message", "execution_end_ts"];

/// How nearly full an item is made: DynamoDB allows 400 KB.
const NEARLY_FULL: usize = 398 * 1024;

/// A job's row.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id, such as `0001#00001`.
    pub id: String,
    /// Its columns.
    pub item: Item,
}

impl Job {
    /// A column of text or number, empty if it is missing.
    pub fn text(&self, column: &str) -> String {
        text(&self.item, column)
    }

    /// Whether its row is closed.
    pub fn is_closed(&self) -> bool {
        CLOSED.contains(&self.text("execution_status").as_str())
    }

    /// What must never change again once the row is closed.
    pub fn result(&self) -> Vec<(&'static str, String)> {
        RESULT.iter().map(|column| (*column, self.text(column))).collect()
    }
}

/// A column of text or number, empty if it is missing.
pub fn text(item: &Item, column: &str) -> String {
    match item.get(column) {
        Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.clone(),
        Some(AttributeValue::Bool(value)) => value.to_string(),
        _ => String::new(),
    }
}

/// Clients that nothing stands between.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    sfn: aws_sdk_sfn::Client,
    names: rsqlflow_core::Tables,
}

impl Tables {
    /// Of a deployment behind an endpoint.
    pub fn new(sdk: &aws_config::SdkConfig, deployment: &Deployment) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(sdk),
            logs: aws_sdk_cloudwatchlogs::Client::new(sdk),
            sfn: aws_sdk_sfn::Client::new(sdk),
            names: deployment.tables.clone(),
        }
    }

    /// Puts a workflow, as a person does.
    pub async fn put_workflow(&self, workflow: &Value) -> Result<()> {
        let store = rsqlflow_store::Store::new(self.dynamodb.clone(), self.names.clone());
        Ok(store.config().put(workflow).await?)
    }

    /// The row of a run, or of a workflow's lock.
    pub async fn run(&self, key: &str) -> Result<Option<Item>> {
        let get = self.dynamodb.get_item().table_name(&self.names.workflow_audit).consistent_read(true);
        let key = AttributeValue::S(key.to_owned());
        Ok(get.key("workflow_execution_id", key).send().await?.item)
    }

    /// Whether a run's row is closed; also if it cannot be read.
    pub async fn is_closed(&self, run: &str) -> bool {
        let row = self.run(run).await.ok().flatten();
        row.is_none_or(|row| text(&row, "execution_status") != "Running")
    }

    /// A job whose row is open although its token is being answered.
    pub async fn answered_open(&self, run: &str, request: &[u8]) -> Option<String> {
        let request: Value = serde_json::from_slice(request).ok()?;
        let token = request["taskToken"].as_str()?;
        let jobs = self.jobs(run).await.ok()?;
        jobs.into_iter().find(|job| job.text("task_token") == token && !job.is_closed()).map(|job| job.id)
    }

    /// The rows of a run's jobs, in order.
    pub async fn jobs(&self, run: &str) -> Result<Vec<Job>> {
        let query = self.dynamodb.query().table_name(&self.names.job_audit).consistent_read(true);
        let query = query
            .key_condition_expression("workflow_execution_id = :run")
            .expression_attribute_values(":run", AttributeValue::S(run.to_owned()));
        let items = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
        let jobs = items.into_iter().map(|item| Job { id: text(&item, "job_id"), item });
        Ok(jobs.filter(|job| job.id.starts_with(|first: char| first.is_ascii_digit())).collect())
    }

    /// Stops a run's execution, as a person does in the console.
    pub async fn abort(&self, run: &str) {
        let arn = format!("arn:aws:states:us-east-1:000000000000:execution:rsqlflow-master:{run}");
        let _ = self.sfn.stop_execution().execution_arn(arn).send().await;
    }

    /// Asks every open job to cancel, as the command does.
    pub async fn cancel(&self, run: &str) {
        self.each_open(run, "SET cancel_requested = :value", AttributeValue::Bool(true)).await;
    }

    /// Puts a number where the program does not expect it.
    pub async fn spoil(&self, run: &str, column: &str, number: &str) {
        self.each_open(run, &format!("SET {column} = :value"), AttributeValue::N(number.to_owned())).await;
    }

    /// Makes the rows as large as the service lets them be.
    pub async fn fill(&self, run: &str) {
        self.each_open(run, "SET padding = :value", AttributeValue::S("x".repeat(NEARLY_FULL - 8_192))).await;
    }

    async fn each_open(&self, run: &str, update: &str, value: AttributeValue) {
        for job in self.jobs(run).await.unwrap_or_default() {
            if job.is_closed() {
                continue;
            }
            let change = self
                .dynamodb
                .update_item()
                .table_name(&self.names.job_audit)
                .key("workflow_execution_id", AttributeValue::S(run.to_owned()))
                .key("job_id", AttributeValue::S(job.id.clone()))
                .update_expression(update)
                .condition_expression("execution_status = :status")
                .expression_attribute_values(":value", value.clone())
                .expression_attribute_values(":status", AttributeValue::S(job.text("execution_status")));
            // One that was closed meanwhile is left alone.
            let _ = change.send().await;
        }
    }

    /// What a job wrote, as CloudWatch Logs has it.
    pub async fn log(&self, group: &str, stream: &str) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = self
                .logs
                .get_log_events()
                .log_group_name(group)
                .log_stream_name(stream)
                .start_from_head(true)
                .set_next_token(token.clone())
                .send()
                .await
                .context("the log is read")?;
            lines.extend(page.events().iter().map(|event| event.message().unwrap_or_default().to_owned()));
            let next = page.next_forward_token().map(str::to_owned);
            if next == token {
                return Ok(lines);
            }
            token = next;
        }
    }
}
