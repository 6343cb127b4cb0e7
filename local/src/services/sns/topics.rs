//! Topics.

use rusqlite::{Connection, OptionalExtension};

use crate::http::{AwsError, Element, Form};
use crate::place;
use crate::services::sns::Sns;

/// Topics on one page (SNS API reference, `ListTopics`).
const PAGE: usize = 100;

impl Sns {
    /// `CreateTopic`: returns the topic's ARN, also if it exists.
    pub(super) async fn create_topic(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only("CreateTopic", &["Name"])?;
        let arn = self.ensure_topic(form.need("Name")?).await?;
        Ok(vec![Element::text("TopicArn", &arn)])
    }

    /// Creates a topic if it is missing. Returns its ARN.
    pub(crate) async fn ensure_topic(&self, name: &str) -> Result<String, AwsError> {
        // SNS API reference, `CreateTopic`. FIFO topics end in `.fifo` and are not supported.
        let valid = (1..=256).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !valid {
            return Err(AwsError::client("InvalidParameter", "Invalid parameter: Topic Name"));
        }
        let arn = place::arn("sns", name);
        let row = arn.clone();
        self.worker
            .run(move |db| db.execute("INSERT OR IGNORE INTO topic (arn) VALUES (?1)", [row]))
            .await??;
        Ok(arn)
    }

    /// `ListTopics`, by ARN. The token is the last ARN of the previous page.
    pub(super) async fn list_topics(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only("ListTopics", &["NextToken"])?;
        let after = form.get("NextToken").unwrap_or_default().to_owned();
        let mut arns: Vec<String> = self
            .worker
            .run(move |db| {
                db.prepare_cached("SELECT arn FROM topic WHERE arn > ?1 ORDER BY arn LIMIT ?2")?
                    .query_map((after, PAGE + 1), |row| row.get(0))?
                    .collect::<rusqlite::Result<_>>()
            })
            .await??;
        let more = arns.len() > PAGE;
        arns.truncate(PAGE);
        let token = arns.last().filter(|_| more).map(|arn| Element::text("NextToken", arn));
        let members = arns.iter().map(|arn| Element::list("member", [Element::text("TopicArn", arn)]));
        let mut result = vec![Element::list("Topics", members)];
        result.extend(token);
        Ok(result)
    }

    /// `DeleteTopic`, with its messages. Deleting a topic that does not exist succeeds.
    pub(super) async fn delete_topic(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only("DeleteTopic", &["TopicArn"])?;
        let arn = form.need("TopicArn")?.to_owned();
        self.worker
            .run(move |db| {
                let transaction = db.transaction()?;
                transaction.execute("DELETE FROM message WHERE topic_arn = ?1", [&arn])?;
                transaction.execute("DELETE FROM topic WHERE arn = ?1", [&arn])?;
                transaction.commit()
            })
            .await??;
        Ok(Vec::new())
    }

    /// `GetTopicAttributes`.
    pub(super) async fn get_topic_attributes(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only("GetTopicAttributes", &["TopicArn"])?;
        let arn = form.need("TopicArn")?.to_owned();
        let row = arn.clone();
        let display_name: Option<String> = self
            .worker
            .run(move |db| {
                need_topic(db, &row)?;
                let found =
                    db.query_row("SELECT display_name FROM topic WHERE arn = ?1", [row], |row| row.get(0))?;
                Ok::<_, AwsError>(found)
            })
            .await??;
        let attributes = [
            ("TopicArn", arn),
            ("Owner", place::ACCOUNT.to_owned()),
            ("DisplayName", display_name.unwrap_or_default()),
        ];
        Ok(vec![entries("Attributes", attributes.iter().map(|(name, value)| (*name, value.as_str())))])
    }

    /// `SetTopicAttributes`: the display name.
    pub(super) async fn set_topic_attributes(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only("SetTopicAttributes", &["TopicArn", "AttributeName", "AttributeValue"])?;
        let name = form.need("AttributeName")?;
        if name != "DisplayName" {
            return Err(AwsError::not_implemented(format_args!("attribute {name} of a topic")));
        }
        let arn = form.need("TopicArn")?.to_owned();
        let value = form.get("AttributeValue").unwrap_or_default().to_owned();
        self.worker
            .run(move |db| {
                need_topic(db, &arn)?;
                db.execute("UPDATE topic SET display_name = ?2 WHERE arn = ?1", (arn, value))?;
                Ok::<_, AwsError>(())
            })
            .await??;
        Ok(Vec::new())
    }
}

/// A map of the query protocol.
fn entries<'a>(name: &str, entries: impl Iterator<Item = (&'a str, &'a str)>) -> Element {
    Element::list(
        name,
        entries.map(|(key, value)| {
            Element::list("entry", [Element::text("key", key), Element::text("value", value)])
        }),
    )
}

/// Refuses a topic that does not exist.
pub(super) fn need_topic(db: &Connection, arn: &str) -> Result<(), AwsError> {
    let found: Option<i64> =
        db.query_row("SELECT 1 FROM topic WHERE arn = ?1", [arn], |row| row.get(0)).optional()?;
    match found {
        Some(_) => Ok(()),
        None if arn.starts_with("arn:aws:sns:") && arn.split(':').count() == 6 => {
            Err(AwsError::client("NotFound", "Topic does not exist").with_status(404))
        }
        None => Err(AwsError::client("InvalidParameter", "Invalid parameter: TopicArn")),
    }
}
