//! Names of members: an integration's start in upper case, whatever the service's own do.

use jiff::Timestamp;
use serde_json::Value;

/// Members with names that are the user's, not the service's.
const OWN_NAMES: [&str; 2] = ["Tags", "tags"];

/// Members that are moments. Services answer seconds since 1970, integrations RFC 3339.
const MOMENTS: [&str; 16] = [
    "CreatedDate",
    "CreationDate",
    "CreationDateTime",
    "DeletedDate",
    "ExpiresAfter",
    "LastAccessedDate",
    "LastChangedDate",
    "LastPingDateTime",
    "LastRotatedDate",
    "RedriveDate",
    "RegistrationDate",
    "RequestedDateTime",
    "StartDate",
    "StopDate",
    "Timestamp",
    "UpdateDate",
];

/// A request in the service's own names.
pub(super) fn to_service(parameters: &Value) -> Value {
    rename(parameters, &|name| recase(name, char::to_ascii_lowercase), false)
}

/// An answer in the integration's names.
pub(super) fn to_integration(answer: &Value) -> Value {
    rename(answer, &|name| recase(name, char::to_ascii_uppercase), false)
}

/// An answer with its moments as texts.
pub(super) fn with_moments(answer: Value) -> Value {
    match answer {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let moment = value.as_f64().filter(|_| MOMENTS.contains(&name.as_str())).and_then(moment);
                (name, moment.unwrap_or_else(|| with_moments(value)))
            })
            .collect(),
        Value::Array(elements) => elements.into_iter().map(with_moments).collect(),
        other => other,
    }
}

fn moment(seconds: f64) -> Option<Value> {
    let milliseconds = (seconds * 1000.0).round() as i64;
    Timestamp::from_millisecond(milliseconds).ok().map(|moment| moment.to_string().into())
}

fn rename(value: &Value, name_of: &impl Fn(&str) -> String, keep: bool) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let renamed = if keep { name.clone() } else { name_of(name) };
                // A list of tags has the service's names, a map of tags the user's.
                let own = OWN_NAMES.contains(&name.as_str()) && value.is_object();
                (renamed, rename(value, name_of, own))
            })
            .collect(),
        Value::Array(elements) => elements.iter().map(|element| rename(element, name_of, keep)).collect(),
        other => other.clone(),
    }
}

fn recase(name: &str, change: impl Fn(&char) -> char) -> String {
    let mut characters = name.chars();
    characters.next().iter().map(change).chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_go_both_ways_but_not_the_users() {
        let given = json!({"StateMachineArn": "a", "Tags": [{"Key": "k", "Value": "v"}]});
        let sent = json!({"stateMachineArn": "a", "tags": [{"key": "k", "value": "v"}]});
        assert_eq!(to_service(&given), sent);
        assert_eq!(to_integration(&sent), given);
        assert_eq!(to_service(&json!({"Tags": {"Team": "x"}})), json!({"tags": {"Team": "x"}}));
    }

    #[test]
    fn only_moments_become_texts() {
        let answer = json!({"StartDate": 1_700_000_000.5, "Count": 3, "Item": {"StartDate": {"N": "5"}}});
        assert_eq!(
            with_moments(answer),
            json!({"StartDate": "2023-11-14T22:13:20.5Z", "Count": 3, "Item": {"StartDate": {"N": "5"}}})
        );
    }
}
