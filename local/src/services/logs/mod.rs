//! CloudWatch Logs: groups, streams and events, in SQLite.

mod delete;
mod filter;
mod groups;
mod pattern;
mod put;
mod read;
mod retention;
mod rows;
mod streams;
mod token;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::LocalError;
use crate::http::AwsError;
use crate::storage::{Schema, Worker};

/// An event's id is its position in the order of arrival, so events of one millisecond stay in order.
const SCHEMA: Schema<'static> = Schema {
    file: "logs.sqlite3",
    version: 2,
    tables: "
        CREATE TABLE log_group (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            created INTEGER NOT NULL,
            retention INTEGER,
            stored INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE TABLE log_stream (
            id INTEGER PRIMARY KEY,
            group_id INTEGER NOT NULL REFERENCES log_group (id),
            name TEXT NOT NULL,
            created INTEGER NOT NULL,
            first_event INTEGER,
            last_event INTEGER,
            last_ingestion INTEGER,
            -- The SDK's id of the call that was taken last.
            last_invocation TEXT,
            UNIQUE (group_id, name)
        ) STRICT;
        CREATE TABLE event (
            id INTEGER PRIMARY KEY,
            group_id INTEGER NOT NULL,
            stream_id INTEGER NOT NULL REFERENCES log_stream (id),
            moment INTEGER NOT NULL,
            ingested INTEGER NOT NULL,
            message TEXT NOT NULL
        ) STRICT;
        CREATE INDEX event_of_stream ON event (stream_id, moment);
        CREATE INDEX event_of_group ON event (group_id, moment);",
    upgrades: &[],
};

/// The embedded CloudWatch Logs.
#[derive(Debug)]
pub(crate) struct Logs {
    worker: Worker<Connection>,
    /// Wakes the task that removes old events.
    expire: Arc<Notify>,
    closing: CancellationToken,
}

impl Logs {
    /// Opens or creates its database in `dir`. Must be called on a Tokio runtime, which removes old events.
    pub(crate) fn open(dir: &Path) -> Result<Self, LocalError> {
        let worker = Worker::start("logs", SCHEMA.open(dir)?).map_err(LocalError::Thread)?;
        let logs = Self { worker, expire: Arc::new(Notify::new()), closing: CancellationToken::new() };
        logs.keep_expiring(logs.closing.clone());
        Ok(logs)
    }

    /// Carries out one operation.
    pub(crate) async fn call(
        &self,
        operation: &str,
        body: &[u8],
        invocation: Option<&str>,
    ) -> Result<Vec<u8>, AwsError> {
        self.dispatch(operation, body, invocation).await.map_err(|mut error| {
            // Among these services, only this one has its own name for the error.
            if error.code == "ValidationException" {
                error.code = "InvalidParameterException".into();
            }
            error
        })
    }

    async fn dispatch(
        &self,
        operation: &str,
        body: &[u8],
        invocation: Option<&str>,
    ) -> Result<Vec<u8>, AwsError> {
        match operation {
            "CreateLogGroup" => self.create_log_group(body).await,
            "CreateLogStream" => self.create_log_stream(body).await,
            "DeleteLogGroup" => self.delete_log_group(body).await,
            "DeleteLogStream" => self.delete_log_stream(body).await,
            "DeleteRetentionPolicy" => self.delete_retention_policy(body).await,
            "DescribeLogGroups" => self.describe_log_groups(body).await,
            "DescribeLogStreams" => self.describe_log_streams(body).await,
            "FilterLogEvents" => self.filter_log_events(body).await,
            "GetLogEvents" => self.get_log_events(body).await,
            "PutLogEvents" => self.put_log_events(body, invocation).await,
            "PutRetentionPolicy" => self.put_retention_policy(body).await,
            _ => Err(AwsError::unknown_operation("CloudWatch Logs", operation)),
        }
    }

    /// Closes the file.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.worker.close().await;
    }
}
