//! Message attributes, and attributes of a subscription.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::invalid;
use super::policy::DeliveryPolicy;
use crate::http::{AwsError, Form};
use crate::services::eventbridge::Pattern;

/// The attributes of a message, by name, as the API has them: `DataType` with `StringValue` or `BinaryValue`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MessageAttributes(BTreeMap<String, MessageAttribute>);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MessageAttribute {
    data_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<String>,
    /// Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
}

impl MessageAttributes {
    /// Reads `<start>entry.1.Name` and its like.
    pub(super) fn from_form(form: &Form, start: &str) -> Result<Self, AwsError> {
        let mut entries: BTreeMap<&str, (Option<&str>, MessageAttribute)> = BTreeMap::new();
        for (field, value) in form.below(start) {
            let Some((number, member)) = field.strip_prefix("entry.").and_then(|rest| rest.split_once('.'))
            else {
                return Err(AwsError::not_implemented(format_args!("parameter {start}{field}")));
            };
            let (name, attribute) = entries.entry(number).or_default();
            match member {
                "Name" => *name = Some(value),
                "Value.DataType" => value.clone_into(&mut attribute.data_type),
                "Value.StringValue" => attribute.string_value = Some(value.to_owned()),
                "Value.BinaryValue" => attribute.binary_value = Some(value.to_owned()),
                _ => return Err(AwsError::not_implemented(format_args!("parameter {start}{field}"))),
            }
        }
        let named = entries.into_values().map(|(name, attribute)| {
            let name = name.ok_or_else(|| invalid("a message attribute has no name"))?;
            Ok((name.to_owned(), attribute))
        });
        let attributes = Self(named.collect::<Result<_, AwsError>>()?);
        attributes.check()?;
        Ok(attributes)
    }

    /// Reads what was stored, or what a state machine gave.
    pub(super) fn from_json(text: &str) -> Result<Self, AwsError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let attributes: Self =
            serde_json::from_str(text).map_err(|e| invalid(format_args!("MessageAttributes: {e}")))?;
        attributes.check()?;
        Ok(attributes)
    }

    /// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html>
    fn check(&self) -> Result<(), AwsError> {
        for (name, attribute) in &self.0 {
            let problem = |reason: &str| Err(invalid(format_args!("Message attribute {name}: {reason}")));
            let kind = attribute.data_type.split('.').next().unwrap_or_default();
            match (kind, &attribute.string_value, &attribute.binary_value) {
                ("String", Some(text), None) if !text.is_empty() => {}
                ("Number", Some(text), None) if text.trim().parse::<f64>().is_ok() => {}
                ("Binary", None, Some(_)) => {}
                ("String" | "Number" | "Binary", ..) => {
                    return problem("the value does not fit to its DataType");
                }
                _ => return problem("DataType must be String, Number or Binary"),
            }
        }
        Ok(())
    }

    /// As filter policies see them: texts, numbers, and lists of them.
    fn to_filtered(&self) -> Value {
        let values = self.0.iter().filter_map(|(name, attribute)| {
            let text = attribute.string_value.as_deref()?;
            let value = match attribute.data_type.as_str() {
                "String.Array" => serde_json::from_str(text).ok().filter(Value::is_array)?,
                kind if kind.starts_with("Number") => serde_json::from_str(text.trim()).ok()?,
                _ => Value::from(text),
            };
            Some((name.clone(), value))
        });
        Value::Object(values.collect())
    }

    /// As subscribers see them.
    pub(super) fn to_envelope(&self) -> Option<Value> {
        let values = self.0.iter().map(|(name, attribute)| {
            let value = attribute.string_value.as_ref().or(attribute.binary_value.as_ref());
            (name.clone(), json!({"Type": attribute.data_type, "Value": value}))
        });
        (!self.0.is_empty()).then(|| Value::Object(values.collect::<Map<_, _>>()))
    }
}

/// What a subscription was told beside its endpoint, as texts by the API's names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SubscriptionAttributes(pub(super) BTreeMap<String, String>);

impl SubscriptionAttributes {
    /// Sets one.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), AwsError> {
        let problem = |reason: &dyn std::fmt::Display| invalid(format_args!("{name}: {reason}"));
        match name {
            "RawMessageDelivery" if !matches!(value, "true" | "false") => {
                return Err(problem(&"Invalid value. Must be true or false."));
            }
            "FilterPolicyScope" if !matches!(value, "MessageAttributes" | "MessageBody") => {
                return Err(problem(&"Invalid value. Please use either MessageBody or MessageAttributes"));
            }
            "RawMessageDelivery" | "FilterPolicyScope" => {}
            // An empty policy takes the filter away.
            "FilterPolicy" if matches!(value.trim(), "" | "{}") => {
                self.0.remove(name);
                return Ok(());
            }
            "FilterPolicy" => {
                Pattern::parse(value).map_err(|e| problem(&e))?;
            }
            "DeliveryPolicy" => {
                DeliveryPolicy::parse(value).map_err(|reason| problem(&reason))?;
            }
            _ => return Err(AwsError::not_implemented(format_args!("attribute {name} of a subscription"))),
        }
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    pub(super) fn is_raw(&self) -> bool {
        self.0.get("RawMessageDelivery").is_some_and(|value| value == "true")
    }

    pub(super) fn policy(&self) -> DeliveryPolicy {
        self.0.get("DeliveryPolicy").and_then(|text| DeliveryPolicy::parse(text).ok()).unwrap_or_default()
    }

    /// Whether a message passes the filter.
    pub(super) fn wants(&self, attributes: &MessageAttributes, message: &str) -> bool {
        let Some(policy) = self.0.get("FilterPolicy") else { return true };
        let Ok(policy) = Pattern::parse(policy) else { return false };
        if self.0.get("FilterPolicyScope").is_some_and(|scope| scope == "MessageBody") {
            // What is no JSON object passes no policy on the body.
            return serde_json::from_str(message)
                .is_ok_and(|body: Value| body.is_object() && policy.matches(&body));
        }
        policy.matches(&attributes.to_filtered())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "cases are written as they are")]
    fn attributes(json: Value) -> MessageAttributes {
        MessageAttributes::from_json(&json.to_string()).unwrap()
    }

    #[test]
    fn filters_see_texts_numbers_and_lists() {
        let message = attributes(json!({
            "store": {"DataType": "String", "StringValue": "example"},
            "price": {"DataType": "Number", "StringValue": "210.75"},
            "interests": {"DataType": "String.Array", "StringValue": "[\"soccer\", \"rugby\"]"},
        }));
        let wants = |policy: Value| {
            let mut subscription = SubscriptionAttributes::default();
            subscription.set("FilterPolicy", &policy.to_string()).unwrap();
            subscription.wants(&message, "")
        };
        assert!(wants(json!({"store": ["example"], "price": [{"numeric": [">", 100]}]})));
        assert!(wants(json!({"interests": ["rugby", "football"]})));
        assert!(wants(json!({"encrypted": [{"exists": false}]})));
        assert!(!wants(json!({"store": [{"anything-but": "example"}]})));
        assert!(!wants(json!({"encrypted": ["yes"]})));
        assert!(SubscriptionAttributes::default().wants(&message, ""));
    }

    #[test]
    fn filters_may_see_the_body() {
        let mut subscription = SubscriptionAttributes::default();
        subscription.set("FilterPolicyScope", "MessageBody").unwrap();
        subscription.set("FilterPolicy", r#"{"a": {"b": [1]}}"#).unwrap();
        let none = MessageAttributes::default();
        assert!(subscription.wants(&none, r#"{"a": {"b": 1}}"#));
        assert!(!subscription.wants(&none, r#"{"a": {"b": 2}}"#));
        assert!(!subscription.wants(&none, "text"));
        subscription.set("FilterPolicy", "{}").unwrap();
        assert!(subscription.wants(&none, "text"));
    }

    #[test]
    fn values_fit_their_types() {
        for bad in [
            json!({"a": {"DataType": "Number", "StringValue": "x"}}),
            json!({"a": {"DataType": "Date", "StringValue": "x"}}),
            json!({"a": {"DataType": "Binary", "StringValue": "x"}}),
            json!({"a": {"DataType": "String", "StringValue": ""}}),
        ] {
            assert!(MessageAttributes::from_json(&bad.to_string()).is_err(), "{bad}");
        }
    }
}
