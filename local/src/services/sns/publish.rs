//! Messages.

use rusqlite::Connection;
use serde_json::{Map, Value, json};

use crate::http::{AwsError, Element, Form};
use crate::place;
use crate::services::delivery;
use crate::services::sns::attributes::{MessageAttributes, SubscriptionAttributes};
use crate::services::sns::deliver::{Address, Kind};
use crate::services::sns::{Sns, invalid, topics};

/// The largest message, with its attributes, in bytes (SNS API reference, `Publish`).
const LARGEST: usize = 262_144;

/// Messages that are remembered, of all topics. What was published before makes room; deliveries have copies.
const REMEMBERED: i64 = 10_000;

/// A message as it was published. The embedded SNS remembers the last ones, also when their subscribers have got
/// them.
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
    /// As the API has them, in JSON: data type and value by name. Empty without any.
    pub(crate) attributes: String,
}

impl Sns {
    /// `Publish` to a topic.
    pub(super) async fn publish(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        let members =
            ["TopicArn", "TargetArn", "Message", "Subject", "MessageStructure", "MessageAttributes."];
        form.allow_only("Publish", &members)?;
        let attributes = MessageAttributes::from_form(form, "MessageAttributes.")?;
        let arn = form.get("TopicArn").or_else(|| form.get("TargetArn")).unwrap_or_default();
        let message = Message {
            topic_arn: arn.to_owned(),
            subject: form.get("Subject").map(str::to_owned),
            message: form.need("Message")?.to_owned(),
            attributes: serde_json::to_string(&attributes).map_err(AwsError::internal)?,
        };
        let id = self.accept(message, structure(form.get("MessageStructure"))?).await?;
        Ok(vec![Element::text("MessageId", &id)])
    }

    /// Checks and keeps a message (`as_structure` is its `MessageStructure`), and queues it for the topic's subscribers; gives back its id. When this returns,
    /// the message survives.
    pub(crate) async fn keep(
        &self,
        message: Message,
        as_structure: Option<&str>,
    ) -> Result<String, AwsError> {
        self.accept(message, structure(as_structure)?).await
    }

    pub(super) async fn accept(&self, message: Message, structure: Structure) -> Result<String, AwsError> {
        check(&message.message, message.subject.as_deref(), &message.attributes)?;
        let attributes = MessageAttributes::from_json(&message.attributes)?;
        let posted = structure.posted(&message.message)?;
        let id = uuid::Uuid::new_v4().to_string();
        let row_id = id.clone();
        let added = self
            .worker
            .run(move |db| {
                let transaction = db.transaction()?;
                topics::need_topic(&transaction, &message.topic_arn)?;
                let now = place::now_ms();
                transaction
                    .prepare_cached(
                        "INSERT INTO message (message_id, topic_arn, subject, body, attributes, published)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute((
                        &row_id,
                        &message.topic_arn,
                        &message.subject,
                        &message.message,
                        &message.attributes,
                        now,
                    ))?;
                forget(&transaction, REMEMBERED)?;
                let subscribers = subscribers(&transaction, &message.topic_arn)?;
                let mut added = false;
                for (arn, endpoint, subscription) in subscribers {
                    if !subscription.wants(&attributes, &posted) {
                        continue;
                    }
                    added = true;
                    let raw = subscription.is_raw();
                    let payload = if raw {
                        posted.clone()
                    } else {
                        envelope(&row_id, &message, &posted, &attributes, now)
                    };
                    let address = Address {
                        endpoint,
                        kind: Kind::Notification,
                        message_id: row_id.clone(),
                        topic_arn: message.topic_arn.clone(),
                        subscription_arn: Some(arn),
                        raw,
                        policy: subscription.policy(),
                    };
                    let address = serde_json::to_string(&address).map_err(AwsError::internal)?;
                    delivery::add(&transaction, &address, &payload, now)?;
                }
                transaction.commit()?;
                Ok::<_, AwsError>(added)
            })
            .await??;
        if added {
            self.queue.wake();
        }
        Ok(id)
    }

    /// What was published to a topic and is remembered, oldest first.
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

/// Numbers of messages have no gaps but those that this leaves.
fn forget(db: &Connection, remembered: i64) -> rusqlite::Result<usize> {
    db.prepare_cached("DELETE FROM message WHERE sequence <= (SELECT MAX(sequence) FROM message) - ?1")?
        .execute([remembered])
}

/// What `Message` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Structure {
    Text,
    /// One text for each protocol, and one for all others.
    Json,
}

/// `MessageStructure`.
pub(super) fn structure(text: Option<&str>) -> Result<Structure, AwsError> {
    match text {
        None => Ok(Structure::Text),
        Some("json") => Ok(Structure::Json),
        Some(_) => Err(invalid("MessageStructure - Message Structure must be json")),
    }
}

impl Structure {
    /// What subscribers over HTTP get of a message.
    fn posted(self, message: &str) -> Result<String, AwsError> {
        if self == Self::Text {
            return Ok(message.to_owned());
        }
        let texts: Map<String, Value> = serde_json::from_str(message)
            .map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
        let text = |protocol: &str| texts.get(protocol).and_then(Value::as_str);
        let default = text("default")
            .ok_or_else(|| invalid("Message Structure - No default entry in JSON message body"))?;
        Ok(text("http").unwrap_or(default).to_owned())
    }
}

/// ARN, endpoint and attributes of a topic's confirmed subscriptions.
fn subscribers(
    db: &Connection,
    topic_arn: &str,
) -> Result<Vec<(String, String, SubscriptionAttributes)>, AwsError> {
    let rows = db
        .prepare_cached(
            "SELECT arn, endpoint, attributes FROM subscription WHERE topic_arn = ?1 AND confirmed",
        )?
        .query_map([topic_arn], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<Vec<(String, String, String)>>>()?;
    rows.into_iter()
        .map(|(arn, endpoint, attributes)| {
            Ok((arn, endpoint, serde_json::from_str(&attributes).map_err(AwsError::internal)?))
        })
        .collect()
}

/// What a subscriber without raw delivery gets, but for its links.
///
/// <https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html>
fn envelope(id: &str, message: &Message, posted: &str, attributes: &MessageAttributes, now: i64) -> String {
    let mut members = Map::from_iter([
        ("Type".to_owned(), json!(Kind::Notification.name())),
        ("MessageId".to_owned(), json!(id)),
        ("TopicArn".to_owned(), json!(message.topic_arn)),
        ("Message".to_owned(), json!(posted)),
        ("Timestamp".to_owned(), json!(moment(now))),
    ]);
    if let Some(subject) = &message.subject {
        members.insert("Subject".to_owned(), json!(subject));
    }
    if let Some(attributes) = attributes.to_envelope() {
        members.insert("MessageAttributes".to_owned(), attributes);
    }
    members.extend(unsigned());
    Value::Object(members).to_string()
}

/// Members of a signature. Nobody here has a key that a subscriber could trust, so there is none.
pub(super) fn unsigned() -> [(String, Value); 3] {
    [("SignatureVersion", "1"), ("Signature", ""), ("SigningCertURL", "")]
        .map(|(name, value)| (name.to_owned(), json!(value)))
}

/// A moment in milliseconds since 1970, as envelopes write it.
pub(super) fn moment(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|moment| format!("{moment:.3}")).unwrap_or_default()
}

fn check(message: &str, subject: Option<&str>, attributes: &str) -> Result<(), AwsError> {
    if message.is_empty() {
        return Err(invalid("Empty message"));
    }
    if message.len() + attributes.len() > LARGEST {
        return Err(invalid("Message too long"));
    }
    if let Some(subject) = subject {
        // At most 100 ASCII characters on one line, not starting with a space.
        let plain = subject.bytes().all(|b| (b' '..=b'~').contains(&b));
        if subject.is_empty() || subject.len() > 100 || subject.starts_with(' ') || !plain {
            return Err(invalid("Subject"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::sns::TABLES;
    use crate::storage::Schema;

    #[test]
    fn the_last_messages_are_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let db = Schema { file: "sns.sqlite3", version: 1, tables: TABLES }.open(dir.path()).unwrap();
        db.execute("INSERT INTO topic (arn) VALUES ('t')", []).unwrap();
        for number in 0..10 {
            db.execute(
                "INSERT INTO message (message_id, topic_arn, body, attributes, published)
                 VALUES (?1, 't', 'b', '', 0)",
                [number.to_string()],
            )
            .unwrap();
            forget(&db, 3).unwrap();
        }
        let mut left = db.prepare("SELECT message_id FROM message ORDER BY sequence").unwrap();
        let left: Vec<String> =
            left.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
        assert_eq!(left, ["7", "8", "9"]);
    }
}
