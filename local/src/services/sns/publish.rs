//! `Publish`, and what was published.

use rusqlite::Connection;
use serde_json::{Map, Value};

use crate::http::{AwsError, Element, Form};
use crate::place;
use crate::services::sns::attributes::MessageAttributes;
use crate::services::sns::{Sns, invalid, topics};

/// The largest message, with its attributes, in bytes (SNS API reference, `Publish`).
const LARGEST: usize = 262_144;

/// Maximum number of stored messages of all topics. The oldest are removed.
const REMEMBERED: i64 = 10_000;

/// A published message. The embedded SNS stores the last ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The id that was returned to the publisher.
    pub message_id: String,
    /// The topic's ARN.
    pub topic_arn: String,
    /// The subject, if there is one.
    pub subject: Option<String>,
    /// The message.
    pub message: String,
}

impl Sns {
    /// `Publish` to a topic. When this returns, the message is on disk.
    pub(super) async fn publish(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        let members =
            ["TopicArn", "TargetArn", "Message", "Subject", "MessageStructure", "MessageAttributes."];
        form.allow_only("Publish", &members)?;
        let attributes = MessageAttributes::from_form(form, "MessageAttributes.")?;
        let attributes = serde_json::to_string(&attributes).map_err(AwsError::internal)?;
        let topic = form.get("TopicArn").or_else(|| form.get("TargetArn")).unwrap_or_default().to_owned();
        let subject = form.get("Subject").map(str::to_owned);
        let message = form.need("Message")?.to_owned();
        check(&message, subject.as_deref(), &attributes)?;
        check_structure(form.get("MessageStructure"), &message)?;
        let id = uuid::Uuid::new_v4().to_string();
        let row_id = id.clone();
        self.worker
            .run(move |db| {
                let transaction = db.transaction()?;
                topics::need_topic(&transaction, &topic)?;
                transaction
                    .prepare_cached(
                        "INSERT INTO message (message_id, topic_arn, subject, body, attributes, published)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute((row_id, topic, subject, message, attributes, place::now_ms()))?;
                forget(&transaction, REMEMBERED)?;
                transaction.commit()?;
                Ok::<_, AwsError>(())
            })
            .await??;
        Ok(vec![Element::text("MessageId", &id)])
    }

    /// The stored messages of a topic, oldest first.
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

/// Deletes the oldest messages. Their sequence numbers have no gaps otherwise.
fn forget(db: &Connection, remembered: i64) -> rusqlite::Result<usize> {
    db.prepare_cached("DELETE FROM message WHERE sequence <= (SELECT MAX(sequence) FROM message) - ?1")?
        .execute([remembered])
}

/// With `MessageStructure` `json`, the message has a text for each protocol, and `default` for all others.
fn check_structure(structure: Option<&str>, message: &str) -> Result<(), AwsError> {
    match structure {
        None => return Ok(()),
        Some("json") => {}
        Some(_) => return Err(invalid("MessageStructure - Message Structure must be json")),
    }
    let texts: Map<String, Value> = serde_json::from_str(message)
        .map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
    match texts.get("default") {
        Some(Value::String(_)) => Ok(()),
        _ => Err(invalid("Message Structure - No default entry in JSON message body")),
    }
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
    use crate::services::sns::SCHEMA;

    #[test]
    fn the_last_messages_are_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let db = SCHEMA.open(dir.path()).unwrap();
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
