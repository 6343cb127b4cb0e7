//! `PublishBatch`.

use std::collections::{BTreeMap, HashSet};

use super::Sns;
use super::attributes::MessageAttributes;
use super::publish::{Message, structure};
use crate::http::{AwsError, Element, Form};

/// Messages of one batch (SNS API reference, `PublishBatch`).
const ENTRIES: usize = 10;

/// Bytes of all messages together.
const LARGEST: usize = 262_144;

const START: &str = "PublishBatchRequestEntries.member.";

impl Sns {
    pub(super) async fn publish_batch(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only("PublishBatch", &["TopicArn", "PublishBatchRequestEntries."])?;
        let topic_arn = form.need("TopicArn")?;
        let numbers = numbers(form)?;
        let ids: Vec<&str> = numbers
            .iter()
            .map(|number| form.need(&format!("{START}{number}.Id")))
            .collect::<Result<_, _>>()?;
        check(&ids)?;
        let sizes = numbers.iter().filter_map(|number| form.get(&format!("{START}{number}.Message")));
        if sizes.map(str::len).sum::<usize>() > LARGEST {
            return Err(AwsError::client(
                "BatchRequestTooLong",
                "The length of all the messages is too long.",
            ));
        }
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (number, id) in numbers.iter().zip(ids) {
            match self.publish_entry(form, topic_arn, number).await {
                Ok(message_id) => successful.push(Element::list(
                    "member",
                    [Element::text("Id", id), Element::text("MessageId", &message_id)],
                )),
                // Without the topic nothing of the batch can be published.
                Err(error) if error.code == "NotFound" => return Err(error),
                Err(error) => failed.push(Element::list(
                    "member",
                    [
                        Element::text("Id", id),
                        Element::text("Code", &error.code),
                        Element::text("Message", &error.message),
                        Element::text("SenderFault", if error.status < 500 { "true" } else { "false" }),
                    ],
                )),
            }
        }
        Ok(vec![Element::list("Successful", successful), Element::list("Failed", failed)])
    }

    async fn publish_entry(&self, form: &Form, topic_arn: &str, number: &str) -> Result<String, AwsError> {
        let field = |name: &str| form.get(&format!("{START}{number}.{name}"));
        let attributes = MessageAttributes::from_form(form, &format!("{START}{number}.MessageAttributes."))?;
        let message = Message {
            topic_arn: topic_arn.to_owned(),
            subject: field("Subject").map(str::to_owned),
            message: field("Message").unwrap_or_default().to_owned(),
            attributes: serde_json::to_string(&attributes).map_err(AwsError::internal)?,
        };
        self.accept(message, structure(field("MessageStructure"))?).await
    }
}

/// The entries' numbers, in order.
fn numbers(form: &Form) -> Result<Vec<String>, AwsError> {
    let mut numbers = BTreeMap::new();
    for (field, _) in form.below(START) {
        let (number, member) = field.split_once('.').unwrap_or((field, ""));
        let known = ["Id", "Message", "Subject", "MessageStructure"].contains(&member)
            || member.starts_with("MessageAttributes.");
        if !known {
            return Err(AwsError::not_implemented(format_args!("parameter {START}{field} of PublishBatch")));
        }
        let order: u32 = number
            .parse()
            .map_err(|_| AwsError::client("MalformedQueryString", format!("{START}{field} has no number")))?;
        numbers.insert(order, number.to_owned());
    }
    Ok(numbers.into_values().collect())
}

fn check(ids: &[&str]) -> Result<(), AwsError> {
    let refused = |code: &'static str, message: &str| Err(AwsError::client(code, message));
    if ids.is_empty() {
        return refused("EmptyBatchRequest", "The batch request doesn't contain any entries.");
    }
    if ids.len() > ENTRIES {
        return refused(
            "TooManyEntriesInBatchRequest",
            "The batch request contains more entries than permissible (more than 10).",
        );
    }
    let valid = |id: &&&str| {
        (1..=80).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if ids.iter().filter(valid).count() < ids.len() {
        return refused(
            "InvalidBatchEntryId",
            "The Id of a batch entry in a batch request doesn't abide by the specification.",
        );
    }
    if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
        return refused(
            "BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
        );
    }
    Ok(())
}
