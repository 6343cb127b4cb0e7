//! Messages.

use std::collections::BTreeMap;

use crate::http::{AwsError, Element, Form};
use crate::place;
use crate::services::sns::{Sns, topics};

/// The largest message, with its attributes, in bytes (SNS API reference, `Publish`).
const LARGEST: usize = 262_144;

/// A message as it was published. The embedded SNS delivers to nobody; it keeps what it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The id that the publisher was given.
    pub message_id: String,
    /// The topic's ARN.
    pub topic_arn: String,
    /// The subject, if there is one.
    pub subject: Option<String>,
    /// The message.
    pub message: String,
}

/// A message to be published.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) topic_arn: String,
    pub(crate) subject: Option<String>,
    pub(crate) message: String,
    /// As they were given; nobody here reads them.
    pub(crate) attributes: String,
}

impl Sns {
    /// `Publish` to a topic.
    pub(super) async fn publish(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only("Publish", &["TopicArn", "TargetArn", "Message", "Subject", "MessageAttributes."])?;
        let attributes: BTreeMap<&str, &str> = form.below("MessageAttributes.").collect();
        let id = self
            .keep(Message {
                topic_arn: form
                    .get("TopicArn")
                    .or_else(|| form.get("TargetArn"))
                    .unwrap_or_default()
                    .to_owned(),
                subject: form.get("Subject").map(str::to_owned),
                message: form.need("Message")?.to_owned(),
                attributes: serde_json::to_string(&attributes).map_err(AwsError::internal)?,
            })
            .await?;
        Ok(vec![Element::text("MessageId", &id)])
    }

    /// Checks and keeps a message; gives back its id.
    pub(crate) async fn keep(&self, message: Message) -> Result<String, AwsError> {
        check(&message.message, message.subject.as_deref(), &message.attributes)?;
        let id = uuid::Uuid::new_v4().to_string();
        let row_id = id.clone();
        self.worker
            .run(move |db| {
                topics::need_topic(db, &message.topic_arn)?;
                let Message { topic_arn, subject, message, attributes } = message;
                db.prepare_cached(
                    "INSERT INTO message (message_id, topic_arn, subject, body, attributes, published)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute((
                    row_id,
                    topic_arn,
                    subject,
                    message,
                    attributes,
                    place::now_ms(),
                ))?;
                Ok::<_, AwsError>(())
            })
            .await??;
        Ok(id)
    }

    /// What was published to a topic, oldest first.
    pub(crate) async fn published(&self, topic_arn: &str) -> Result<Vec<Published>, AwsError> {
        let arn = topic_arn.to_owned();
        let rows = self
            .worker
            .run(move |db| {
                db.prepare_cached(
                    "SELECT message_id, topic_arn, subject, body FROM message
                     WHERE topic_arn = ?1 ORDER BY sequence",
                )?
                .query_map([arn], |row| {
                    Ok(Published {
                        message_id: row.get(0)?,
                        topic_arn: row.get(1)?,
                        subject: row.get(2)?,
                        message: row.get(3)?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()
            })
            .await??;
        Ok(rows)
    }
}

fn check(message: &str, subject: Option<&str>, attributes: &str) -> Result<(), AwsError> {
    let invalid =
        |text: &str| Err(AwsError::client("InvalidParameter", format!("Invalid parameter: {text}")));
    if message.is_empty() {
        return invalid("Empty message");
    }
    if message.len() + attributes.len() > LARGEST {
        return invalid("Message too long");
    }
    if let Some(subject) = subject {
        // At most 100 ASCII characters on one line, not starting with a space.
        let plain = subject.bytes().all(|b| (b' '..=b'~').contains(&b));
        if subject.is_empty() || subject.len() > 100 || subject.starts_with(' ') || !plain {
            return invalid("Subject");
        }
    }
    Ok(())
}
