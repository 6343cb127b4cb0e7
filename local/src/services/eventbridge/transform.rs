//! What a target gets of an event: all of it, a part, a constant, or a filled template.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::path::Path;

/// `InputTransformer` of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct InputTransformer {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    input_paths_map: BTreeMap<String, String>,
    input_template: String,
}

/// Variables that nobody may define.
const RESERVED: &str = "aws.events.";

/// Bounds of the service model.
const PATHS: usize = 100;
const LONGEST_TEMPLATE: usize = 8_192;

/// What the predefined variables tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) rule_arn: &'a str,
    pub(super) rule_name: &'a str,
    /// RFC 3339.
    pub(super) ingested: &'a str,
}

impl InputTransformer {
    /// Says what is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.input_paths_map.len() > PATHS {
            return Err(format!("InputPathsMap has more than {PATHS} entries"));
        }
        if self.input_template.is_empty() || self.input_template.len() > LONGEST_TEMPLATE {
            return Err(format!("InputTemplate must have 1 to {LONGEST_TEMPLATE} characters"));
        }
        for (name, path) in &self.input_paths_map {
            if name.to_ascii_lowercase().starts_with("aws.") {
                return Err(format!("InputPathsMap may not define {name}: names with AWS. are reserved"));
            }
            if Path::parse(path).is_none() {
                return Err(format!("InputPathsMap: {path} is not a valid JSON path"));
            }
        }
        match variables(&self.input_template).into_iter().find(|name| !self.knows(name)) {
            Some(name) => Err(format!("InputTemplate uses <{name}>, which InputPathsMap does not define")),
            None => Ok(()),
        }
    }

    fn knows(&self, name: &str) -> bool {
        let predefined = name.strip_prefix(RESERVED).is_some_and(|rest| {
            matches!(rest, "rule-arn" | "rule-name" | "event" | "event.json" | "event.ingestion-time")
        });
        predefined || self.input_paths_map.contains_key(name)
    }

    /// The filled template. Inside of a JSON string a variable's text is put, outside its JSON. A variable whose
    /// path leads nowhere is empty.
    pub(super) fn apply(&self, event: &Value, context: Context<'_>) -> String {
        let mut filled = String::with_capacity(self.input_template.len());
        let mut rest = self.input_template.as_str();
        let mut in_string = false;
        while let Some(c) = rest.chars().next() {
            if c == '<'
                && let Some((name, after)) = variable(rest)
                && self.knows(name)
            {
                match (self.value(name, event, context), in_string) {
                    (Some(Value::String(text)), true) => filled.push_str(&escaped(&text)),
                    (Some(value), true) => filled.push_str(&escaped(&value.to_string())),
                    (Some(value), false) => filled.push_str(&value.to_string()),
                    (None, true) => {}
                    (None, false) => filled.push_str("\"\""),
                }
                rest = after;
                continue;
            }
            // An escaped character never ends a string.
            let length = if in_string && c == '\\' {
                c.len_utf8() + rest.chars().nth(1).map_or(0, char::len_utf8)
            } else {
                in_string ^= c == '"';
                c.len_utf8()
            };
            let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            filled.push_str(text);
            rest = after;
        }
        filled
    }

    fn value(&self, name: &str, event: &Value, context: Context<'_>) -> Option<Value> {
        match name.strip_prefix(RESERVED) {
            Some("rule-arn") => Some(context.rule_arn.into()),
            Some("rule-name") => Some(context.rule_name.into()),
            Some("event.ingestion-time") => Some(context.ingested.into()),
            Some("event.json") => Some(event.clone()),
            Some("event") => {
                let mut event = event.clone();
                if let Some(members) = event.as_object_mut() {
                    members.remove("detail");
                }
                Some(event)
            }
            _ => Path::parse(self.input_paths_map.get(name)?)?.find(event),
        }
    }
}

/// The text as it stands inside of a JSON string.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// The variable at the start of a text, and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('<')?.split_once('>')?;
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!name.is_empty() && name.chars().all(valid)).then_some((name, after))
}

fn variables(template: &str) -> Vec<&str> {
    template
        .match_indices('<')
        .filter_map(|(at, _)| variable(template.get(at..)?))
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const CONTEXT: Context<'static> =
        Context { rule_arn: "arn:rule", rule_name: "rule", ingested: "2026-01-01T00:00:00Z" };

    #[expect(clippy::needless_pass_by_value, reason = "cases are written as they are")]
    fn transformer(paths: Value, template: &str) -> InputTransformer {
        serde_json::from_value(json!({"InputPathsMap": paths, "InputTemplate": template})).unwrap()
    }

    fn event() -> Value {
        json!({"source": "s", "detail": {"state": "RUNNING", "n": 3, "list": ["a", "b"], "text": "say \"hi\""}})
    }

    #[test]
    fn templates_are_filled() {
        let paths = json!({
            "state": "$.detail.state", "n": "$.detail.n", "list": "$.detail.list", "text": "$.detail.text",
            "none": "$.detail.none",
        });
        for (template, wanted) in [
            ("\"state is <state>, <n>\"", json!("state is RUNNING, 3")),
            (
                r#"{"s": <state>, "n": <n>, "l": <list>, "t": "<text>!"}"#,
                json!({"s": "RUNNING", "n": 3, "l": ["a", "b"], "t": "say \"hi\"!"}),
            ),
            (r#"{"a": <none>, "b": "x<none>"}"#, json!({"a": "", "b": "x"})),
            (r#"["<aws.events.rule-name>", <aws.events.rule-arn>]"#, json!(["rule", "arn:rule"])),
            (r#"{"e": <aws.events.event>}"#, json!({"e": {"source": "s"}})),
            (r#"{"e": <aws.events.event.json>}"#, json!({"e": event()})),
            (r#"{"a": "\"<n>", "b": <n>}"#, json!({"a": "\"3", "b": 3})),
            ("<aws.events.event.ingestion-time>", json!("2026-01-01T00:00:00Z")),
        ] {
            let transformer = transformer(paths.clone(), template);
            assert_eq!(transformer.check(), Ok(()), "{template}");
            let filled = transformer.apply(&event(), CONTEXT);
            assert_eq!(serde_json::from_str::<Value>(&filled).unwrap(), wanted, "{filled}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        assert!(transformer(json!({}), "<x>").check().unwrap_err().contains("<x>"));
        assert!(transformer(json!({"x": "detail"}), "<x>").check().unwrap_err().contains("JSON path"));
        assert!(transformer(json!({"aws.events.x": "$"}), "a").check().unwrap_err().contains("reserved"));
        assert!(transformer(json!({}), "").check().is_err());
    }

    proptest! {
        #[test]
        fn no_event_breaks_out_of_its_place(text in "\\PC{0,30}") {
            let transformer = transformer(json!({"x": "$.x"}), r#"{"in": "<x>", "out": <x>}"#);
            let filled: Value = serde_json::from_str(&transformer.apply(&json!({"x": text}), CONTEXT)).unwrap();
            prop_assert_eq!(filled, json!({"in": text, "out": text}));
        }
    }
}
