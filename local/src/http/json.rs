//! Requests and answers of the JSON protocols.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::AwsError;
use crate::http::constraints::validation_errors;

/// Reads a request. Request types have `deny_unknown_fields`: a member of the real service that this endpoint would
/// ignore is refused by name.
///
/// # Errors
/// `SerializationException` for malformed JSON and wrong types, `ValidationException` for a missing member, 501
/// for a member that is not supported.
pub(crate) fn parse<T: DeserializeOwned>(operation: &str, body: &[u8]) -> Result<T, AwsError> {
    // AWS clients send `{}`, but the services also accept an empty body.
    let body = if body.is_empty() { b"{}" } else { body };
    let value: Value = serde_json::from_slice(body)
        .map_err(|e| AwsError::client("SerializationException", format!("malformed JSON: {e}")))?;
    if !value.is_object() {
        return Err(AwsError::client("SerializationException", "the request is not a JSON object"));
    }
    // Clients may write null for an absent member.
    let value = match value {
        Value::Object(members) => Value::Object(members.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    };
    T::deserialize(value).map_err(|e| {
        let reason = e.to_string();
        // serde has no kinds of errors. The tests below fix the form of its messages.
        if let Some(member) = reason.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
            AwsError::not_implemented(format_args!("member {member} of {operation}"))
        } else if let Some(member) = reason.strip_prefix("missing field `").and_then(|r| r.split('`').next())
        {
            let failed = format!(
                "Value null at '{}' failed to satisfy constraint: Member must not be null",
                shown(member)
            );
            AwsError::client("ValidationException", validation_errors(&[failed]))
        } else {
            AwsError::client("SerializationException", format!("{operation}: {reason}"))
        }
    })
}

/// The name of a member in the services' messages: the first letter is lower case, whatever the protocol uses.
fn shown(member: &str) -> String {
    let mut letters = member.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Writes an answer.
pub(crate) fn answer<T: Serialize>(value: &T) -> Result<Vec<u8>, AwsError> {
    serde_json::to_vec(value).map_err(AwsError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Request {
        #[expect(dead_code, reason = "only its presence is tested")]
        name: String,
        count: Option<u32>,
    }

    fn refused(body: &str) -> (u16, String, String) {
        let e = parse::<Request>("DoIt", body.as_bytes()).unwrap_err();
        (e.status, e.code.into_owned(), e.message)
    }

    #[test]
    fn each_mistake_has_its_code() {
        assert_eq!(refused("{").1, "SerializationException");
        assert_eq!(refused("[]").1, "SerializationException");
        assert_eq!(refused(r#"{"Name": 1}"#).1, "SerializationException");
        let missing = "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must \
            not be null";
        assert_eq!(refused(""), (400, "ValidationException".to_owned(), missing.to_owned()));
        let (status, code, message) = refused(r#"{"Name": "a", "Colour": "red"}"#);
        assert_eq!((status, code.as_str()), (501, "NotImplemented"));
        assert!(message.contains("member Colour of DoIt"), "{message}");
        assert_eq!(parse::<Request>("DoIt", br#"{"Name":"a","Count":null}"#).unwrap().count, None);
    }
}
