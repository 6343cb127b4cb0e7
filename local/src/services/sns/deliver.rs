//! One try of one delivery to a subscriber.
//!
//! <https://docs.aws.amazon.com/sns/latest/dg/http-header.html>

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::http::LoopbackUrl;
use super::policy::DeliveryPolicy;
use crate::services::delivery::{Delivery, Outcome};

/// Whom a delivery is for, and what stands in its headers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Address {
    pub(super) endpoint: String,
    pub(super) kind: Kind,
    pub(super) message_id: String,
    pub(super) topic_arn: String,
    /// A pending subscription has none that its subscriber may know.
    pub(super) subscription_arn: Option<String>,
    pub(super) raw: bool,
    pub(super) policy: DeliveryPolicy,
}

/// `x-amz-sns-message-type`, and `Type` in the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }
}

pub(super) async fn deliver(url: &str, delivery: Delivery) -> Outcome {
    let address: Address = match serde_json::from_str(&delivery.target) {
        Ok(address) => address,
        Err(e) => return Outcome::Dropped { reason: format!("its address cannot be read: {e}") },
    };
    let endpoint = match LoopbackUrl::parse(&address.endpoint) {
        Ok(endpoint) => endpoint,
        Err(reason) => return Outcome::Dropped { reason },
    };
    let mut headers = vec![
        ("x-amz-sns-message-type", address.kind.name()),
        ("x-amz-sns-message-id", &address.message_id),
        ("x-amz-sns-topic-arn", &address.topic_arn),
        ("content-type", address.policy.content_type()),
        ("user-agent", "Amazon Simple Notification Service Agent"),
    ];
    if let Some(arn) = &address.subscription_arn {
        headers.push(("x-amz-sns-subscription-arn", arn));
    }
    let body = if address.raw {
        headers.push(("x-amz-sns-rawdelivery", "true"));
        delivery.payload.clone()
    } else {
        with_links(&delivery.payload, &address, url)
    };
    match endpoint.post(&headers, body).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            let reason = format!("{}: {error}", address.endpoint);
            match address.policy.pause(delivery.tries + 1).filter(|_| error.may_pass()) {
                Some(after) => Outcome::Again { after, counts: true, reason },
                None => Outcome::Dropped { reason },
            }
        }
    }
}

/// The envelope with its links. They are added now, because the endpoint's port may have changed since the message
/// was accepted.
fn with_links(envelope: &str, address: &Address, url: &str) -> String {
    let Ok(mut members) = serde_json::from_str::<Map<String, Value>>(envelope) else {
        return envelope.to_owned();
    };
    let token = members.get("Token").and_then(Value::as_str);
    let (name, query) = match (address.kind, token) {
        (Kind::Notification, _) => {
            let arn = address.subscription_arn.as_deref().unwrap_or_default();
            ("UnsubscribeURL", vec![("Action", "Unsubscribe"), ("SubscriptionArn", arn)])
        }
        (_, token) => {
            let arn = address.topic_arn.as_str();
            let token = token.unwrap_or_default();
            ("SubscribeURL", vec![("Action", "ConfirmSubscription"), ("TopicArn", arn), ("Token", token)])
        }
    };
    let query = serde_urlencoded::to_string(query).unwrap_or_default();
    members.insert(name.to_owned(), format!("{url}/?{query}").into());
    Value::Object(members).to_string()
}
