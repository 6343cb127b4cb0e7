//! `Subscribe`, `Unsubscribe`, and the attributes of subscriptions.

use rusqlite::{Connection, OptionalExtension};
use serde_json::{Map, Value, json};

use super::attributes::SubscriptionAttributes;
use super::deliver::{Address, Kind};
use super::http::LoopbackUrl;
use super::policy::DeliveryPolicy;
use super::publish::{moment, unsigned};
use super::{Sns, invalid, topics};
use crate::http::{AwsError, Element, Form};
use crate::place;
use crate::services::delivery;

/// Protocols that SNS has and this endpoint has not.
const OTHER_PROTOCOLS: [&str; 9] =
    ["https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose", "http/s"];

/// What answers show of a subscription that its subscriber did not confirm.
pub(super) const PENDING: &str = "pending confirmation";

/// A subscription as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) arn: String,
    pub(super) topic_arn: String,
    pub(super) endpoint: String,
    pub(super) token: String,
    pub(super) confirmed: bool,
    pub(super) attributes: SubscriptionAttributes,
}

impl Sns {
    /// `Subscribe` an endpoint on this machine. It is asked to confirm.
    pub(super) async fn subscribe(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only(
            "Subscribe",
            &["TopicArn", "Protocol", "Endpoint", "ReturnSubscriptionArn", "Attributes."],
        )?;
        match form.need("Protocol")? {
            "http" => {}
            other if OTHER_PROTOCOLS.contains(&other) => {
                return Err(AwsError::not_implemented(format_args!("protocol {other} of Subscribe")));
            }
            other => {
                return Err(invalid(format_args!(
                    "Amazon SNS does not support this protocol string: {other}"
                )));
            }
        }
        let endpoint = form.get("Endpoint").unwrap_or_default();
        LoopbackUrl::parse(endpoint).map_err(invalid)?;
        let topic_arn = form.need("TopicArn")?.to_owned();
        let wanted = Subscription {
            arn: format!("{topic_arn}:{}", uuid::Uuid::new_v4()),
            topic_arn,
            endpoint: endpoint.to_owned(),
            token: token(),
            confirmed: false,
            attributes: attributes(form)?,
        };
        let found = self
            .worker
            .run(move |db| {
                let transaction = db.transaction()?;
                topics::need_topic(&transaction, &wanted.topic_arn)?;
                let found = find(
                    &transaction,
                    "topic_arn = ?1 AND endpoint = ?2",
                    (&wanted.topic_arn, &wanted.endpoint),
                )?;
                let subscription = match found {
                    None => {
                        insert(&transaction, &wanted)?;
                        wanted
                    }
                    // Who asks again, and means the same, is answered the same.
                    Some(found)
                        if wanted.attributes.0.is_empty() || found.attributes == wanted.attributes =>
                    {
                        found
                    }
                    Some(_) => {
                        let reason =
                            "Attributes Reason: Subscription already exists with different attributes";
                        return Err(invalid(reason));
                    }
                };
                if !subscription.confirmed {
                    transaction
                        .execute("UPDATE subscription SET deleted = 0 WHERE arn = ?1", [&subscription.arn])?;
                    ask(&transaction, &subscription, Kind::SubscriptionConfirmation)?;
                }
                transaction.commit()?;
                Ok(subscription)
            })
            .await??;
        self.queue.wake();
        let shown = found.confirmed || form.get("ReturnSubscriptionArn") == Some("true");
        Ok(vec![Element::text("SubscriptionArn", if shown { &found.arn } else { PENDING })])
    }

    /// `Unsubscribe`; the subscriber is told of it. A subscription that is not there is no more.
    pub(super) async fn unsubscribe(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only("Unsubscribe", &["SubscriptionArn"])?;
        let arn = form.need("SubscriptionArn")?.to_owned();
        check_arn(&arn)?;
        self.worker
            .run(move |db| {
                let transaction = db.transaction()?;
                if let Some(found) = find(&transaction, "arn = ?1 AND NOT deleted", [&arn])? {
                    transaction.execute(
                        "UPDATE subscription SET confirmed = 0, deleted = 1 WHERE arn = ?1",
                        [&arn],
                    )?;
                    ask(&transaction, &found, Kind::UnsubscribeConfirmation)?;
                }
                transaction.commit()?;
                Ok::<_, AwsError>(())
            })
            .await??;
        self.queue.wake();
        Ok(Vec::new())
    }

    pub(super) async fn get_subscription_attributes(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only("GetSubscriptionAttributes", &["SubscriptionArn"])?;
        let arn = form.need("SubscriptionArn")?.to_owned();
        let found = self.worker.run(move |db| need(db, &arn)).await??;
        let pending = (!found.confirmed).to_string();
        let mut shown = found.attributes.0.clone();
        for (name, value) in [
            ("SubscriptionArn", found.arn.as_str()),
            ("TopicArn", &found.topic_arn),
            ("Protocol", "http"),
            ("Endpoint", &found.endpoint),
            ("Owner", place::ACCOUNT),
            ("PendingConfirmation", &pending),
            ("ConfirmationWasAuthenticated", "false"),
        ] {
            shown.insert(name.to_owned(), value.to_owned());
        }
        shown.entry("RawMessageDelivery".to_owned()).or_insert_with(|| "false".to_owned());
        let shown = shown.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(vec![topics::entries("Attributes", shown)])
    }

    pub(super) async fn set_subscription_attributes(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only(
            "SetSubscriptionAttributes",
            &["SubscriptionArn", "AttributeName", "AttributeValue"],
        )?;
        let arn = form.need("SubscriptionArn")?.to_owned();
        let name = form.need("AttributeName")?.to_owned();
        let value = form.get("AttributeValue").unwrap_or_default().to_owned();
        self.worker
            .run(move |db| {
                let mut found = need(db, &arn)?;
                found.attributes.set(&name, &value)?;
                let attributes = serde_json::to_string(&found.attributes).map_err(AwsError::internal)?;
                db.execute("UPDATE subscription SET attributes = ?2 WHERE arn = ?1", (arn, attributes))?;
                Ok::<_, AwsError>(())
            })
            .await??;
        Ok(Vec::new())
    }
}

/// `Attributes.entry.1.key` and its like.
fn attributes(form: &Form) -> Result<SubscriptionAttributes, AwsError> {
    let mut attributes = SubscriptionAttributes::default();
    for (field, name) in form.below("Attributes.entry.") {
        if let Some(number) = field.strip_suffix(".key") {
            let value = form.get(&format!("Attributes.entry.{number}.value")).unwrap_or_default();
            attributes.set(name, value)?;
        }
    }
    Ok(attributes)
}

/// Asks a subscriber to confirm, or tells that it was unsubscribed and how to come back.
fn ask(db: &Connection, subscription: &Subscription, kind: Kind) -> Result<(), AwsError> {
    let Subscription { arn, topic_arn, endpoint, token, .. } = subscription;
    let text = match kind {
        Kind::UnsubscribeConfirmation => format!(
            "You have chosen to deactivate subscription {arn}.\nTo cancel this operation and restore the \
             subscription, visit the SubscribeURL included in this message."
        ),
        Kind::SubscriptionConfirmation | Kind::Notification => format!(
            "You have chosen to subscribe to the topic {topic_arn}.\nTo confirm the subscription, visit the \
             SubscribeURL included in this message."
        ),
    };
    let message_id = uuid::Uuid::new_v4().to_string();
    let mut members = Map::from_iter([
        ("Type".to_owned(), json!(kind.name())),
        ("MessageId".to_owned(), json!(message_id)),
        ("Token".to_owned(), json!(token)),
        ("TopicArn".to_owned(), json!(topic_arn)),
        ("Message".to_owned(), json!(text)),
        ("Timestamp".to_owned(), json!(moment(place::now_ms()))),
    ]);
    members.extend(unsigned());
    let address = Address {
        endpoint: endpoint.clone(),
        kind,
        message_id,
        topic_arn: topic_arn.clone(),
        subscription_arn: (kind == Kind::UnsubscribeConfirmation).then(|| arn.clone()),
        raw: false,
        policy: DeliveryPolicy::default(),
    };
    let address = serde_json::to_string(&address).map_err(AwsError::internal)?;
    delivery::add(db, &address, &Value::Object(members).to_string(), place::now_ms())?;
    Ok(())
}

/// Nobody can guess it: the bits of two UUIDs of the system's generator.
fn token() -> String {
    [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(|id| id.simple().to_string()).concat()
}

fn insert(db: &Connection, subscription: &Subscription) -> Result<(), AwsError> {
    let attributes = serde_json::to_string(&subscription.attributes).map_err(AwsError::internal)?;
    db.execute(
        "INSERT INTO subscription (arn, topic_arn, endpoint, token, confirmed, attributes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            &subscription.arn,
            &subscription.topic_arn,
            &subscription.endpoint,
            &subscription.token,
            subscription.confirmed,
            attributes,
        ),
    )?;
    Ok(())
}

/// The subscription that a condition finds.
pub(super) fn find(
    db: &Connection,
    condition: &str,
    values: impl rusqlite::Params,
) -> Result<Option<Subscription>, AwsError> {
    let sql = format!(
        "SELECT arn, topic_arn, endpoint, token, confirmed, attributes FROM subscription WHERE {condition}"
    );
    let found = db
        .prepare_cached(&sql)?
        .query_row(values, |row| {
            let attributes: String = row.get(5)?;
            Ok((
                Subscription {
                    arn: row.get(0)?,
                    topic_arn: row.get(1)?,
                    endpoint: row.get(2)?,
                    token: row.get(3)?,
                    confirmed: row.get(4)?,
                    attributes: SubscriptionAttributes::default(),
                },
                attributes,
            ))
        })
        .optional()?;
    let Some((subscription, attributes)) = found else { return Ok(None) };
    let attributes = serde_json::from_str(&attributes).map_err(AwsError::internal)?;
    Ok(Some(Subscription { attributes, ..subscription }))
}

/// Refuses what is no ARN of a subscription.
fn check_arn(arn: &str) -> Result<(), AwsError> {
    if arn.starts_with("arn:aws:sns:") && arn.split(':').count() == 7 {
        return Ok(());
    }
    Err(invalid(format_args!(
        "SubscriptionArn Reason: An ARN must have at least 6 elements, not {}",
        arn.split(':').count()
    )))
}

fn need(db: &Connection, arn: &str) -> Result<Subscription, AwsError> {
    check_arn(arn)?;
    find(db, "arn = ?1 AND NOT deleted", [arn])?
        .ok_or_else(|| AwsError::client("NotFound", "Subscription does not exist").with_status(404))
}
