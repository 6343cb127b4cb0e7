//! Message attributes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::invalid;
use crate::http::{AwsError, Form};

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
    /// Reads `<start>entry.1.Name` and so on.
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
                    return problem("the value does not match its DataType");
                }
                _ => return problem("DataType must be String, Number or Binary"),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_types() {
        let attributes = |kind: &str, text: Option<&str>| {
            let attribute = MessageAttribute {
                data_type: kind.to_owned(),
                string_value: text.map(str::to_owned),
                binary_value: None,
            };
            MessageAttributes(BTreeMap::from([("a".to_owned(), attribute)]))
        };
        assert!(attributes("String", Some("x")).check().is_ok());
        assert!(attributes("Number.int", Some("1")).check().is_ok());
        for (kind, text) in [("Number", "x"), ("Date", "x"), ("Binary", "x"), ("String", "")] {
            assert!(attributes(kind, Some(text)).check().is_err(), "{kind}");
        }
    }
}
