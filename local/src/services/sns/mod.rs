//! SNS: topics, what was published to them, and subscribers on this machine.
//!
//! A message and its deliveries are written in one transaction. `http` posts them to the subscribers, `policy` says
//! when that is tried again, `services::delivery` keeps them until it is done.

mod attributes;
mod batch;
mod confirm;
mod deliver;
mod http;
mod list;
mod policy;
mod publish;
mod subscribe;
mod topics;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use crate::LocalError;
use crate::http::{AwsError, Element, Form};
use crate::services::delivery::{self, Queue};
use crate::services::link::Link;
use crate::storage::{Schema, Worker};

pub(crate) use publish::Message;
pub use publish::Published;

/// `Version` of its requests.
pub(super) const VERSION: &str = "2010-03-31";

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// A subscription's token is what its subscriber confirms with. A deleted one stays, so that the token can bring it
/// back.
const TABLES: &str = "
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
    CREATE INDEX message_of_topic ON message (topic_arn, sequence);
    CREATE TABLE subscription (
        arn TEXT PRIMARY KEY,
        topic_arn TEXT NOT NULL REFERENCES topic (arn),
        endpoint TEXT NOT NULL,
        token TEXT NOT NULL,
        confirmed INTEGER NOT NULL,
        deleted INTEGER NOT NULL DEFAULT 0,
        attributes TEXT NOT NULL,
        UNIQUE (topic_arn, endpoint)
    ) STRICT, WITHOUT ROWID;";

/// The embedded SNS. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Sns {
    worker: Worker<Connection>,
    queue: Queue,
}

impl Sns {
    /// Opens or creates its database in `dir`, and goes on with the deliveries in it when `link` is tied. `url` is the
    /// endpoint's.
    pub(crate) fn open(dir: &Path, url: &str, link: Link) -> Result<Self, LocalError> {
        let schema = Schema { file: "sns.sqlite3", version: 2, tables: &[TABLES, delivery::TABLE].concat() };
        let worker = Worker::start("sns", schema.open(dir)?).map_err(LocalError::Thread)?;
        let url: Arc<str> = Arc::from(url);
        let queue = Queue::start("sns", worker.clone(), link, move |delivery| {
            let url = Arc::clone(&url);
            async move { deliver::deliver(&url, delivery).await }
        });
        Ok(Self { worker, queue })
    }

    /// Carries out one action; gives back XML.
    pub(super) async fn call(&self, action: &str, form: &Form, request_id: &str) -> Result<String, AwsError> {
        let result = match action {
            "ConfirmSubscription" => self.confirm_subscription(form).await?,
            "CreateTopic" => self.create_topic(form).await?,
            "DeleteTopic" => self.delete_topic(form).await?,
            "GetSubscriptionAttributes" => self.get_subscription_attributes(form).await?,
            "GetTopicAttributes" => self.get_topic_attributes(form).await?,
            "ListSubscriptions" => self.list_subscriptions(form).await?,
            "ListSubscriptionsByTopic" => self.list_subscriptions_by_topic(form).await?,
            "ListTopics" => self.list_topics(form).await?,
            "Publish" => self.publish(form).await?,
            "PublishBatch" => self.publish_batch(form).await?,
            "SetSubscriptionAttributes" => self.set_subscription_attributes(form).await?,
            "SetTopicAttributes" => self.set_topic_attributes(form).await?,
            "Subscribe" => self.subscribe(form).await?,
            "Unsubscribe" => self.unsubscribe(form).await?,
            _ => return Err(AwsError::unknown_operation("SNS", action)),
        };
        let result = Element::list(&format!("{action}Result"), result);
        Ok(Element::response(action, NAMESPACE, &result, request_id))
    }

    /// Stops deliveries where they are, and closes the file.
    pub(crate) async fn close(&self) {
        self.queue.close();
        self.worker.close().await;
    }
}

/// The service's most frequent refusal.
fn invalid(reason: impl std::fmt::Display) -> AwsError {
    AwsError::client("InvalidParameter", format!("Invalid parameter: {reason}"))
}
