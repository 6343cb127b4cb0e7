//! SNS: topics, and the messages that were published to them, which tests can read.

mod attributes;
mod publish;
mod topics;

use std::path::Path;

use rusqlite::Connection;

use crate::LocalError;
use crate::http::{AwsError, Element, Form};
use crate::storage::{Schema, Worker};

pub use publish::Published;

/// `Version` of requests.
pub(super) const VERSION: &str = "2010-03-31";

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

const SCHEMA: Schema<'static> = Schema {
    file: "sns.sqlite3",
    version: 3,
    tables: "
        CREATE TABLE topic (arn TEXT PRIMARY KEY, display_name TEXT) STRICT, WITHOUT ROWID;
        CREATE TABLE message (
            sequence INTEGER PRIMARY KEY,
            message_id TEXT NOT NULL,
            topic_arn TEXT NOT NULL REFERENCES topic (arn),
            subject TEXT,
            body TEXT NOT NULL,
            attributes TEXT NOT NULL,
            published INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX message_of_topic ON message (topic_arn, sequence);",
    // Version 0.1.0 delivered messages.
    upgrades: &[(2, "DROP TABLE subscription; DROP TABLE delivery;")],
};

/// The embedded SNS.
#[derive(Debug)]
pub(crate) struct Sns {
    worker: Worker<Connection>,
}

impl Sns {
    /// Opens or creates its database in `dir`.
    pub(crate) fn open(dir: &Path) -> Result<Self, LocalError> {
        let worker = Worker::start("sns", SCHEMA.open(dir)?).map_err(LocalError::Thread)?;
        Ok(Self { worker })
    }

    /// Carries out one action and returns XML.
    pub(super) async fn call(&self, action: &str, form: &Form, request_id: &str) -> Result<String, AwsError> {
        let result = match action {
            "CreateTopic" => self.create_topic(form).await?,
            "DeleteTopic" => self.delete_topic(form).await?,
            "GetTopicAttributes" => self.get_topic_attributes(form).await?,
            "ListTopics" => self.list_topics(form).await?,
            "Publish" => self.publish(form).await?,
            "SetTopicAttributes" => self.set_topic_attributes(form).await?,
            _ => return Err(AwsError::unknown_operation("SNS", action)),
        };
        let result = Element::list(&format!("{action}Result"), result);
        Ok(Element::response(action, NAMESPACE, &result, request_id))
    }

    /// Closes the file.
    pub(crate) async fn close(&self) {
        self.worker.close().await;
    }
}

/// The service's most frequent error.
fn invalid(reason: impl std::fmt::Display) -> AwsError {
    AwsError::client("InvalidParameter", format!("Invalid parameter: {reason}"))
}
