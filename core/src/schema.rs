//! The JSON Schema of the workflow item, made from the types that the reader fills.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::Seconds;
use crate::config::Workflow;

/// The JSON Schema (2020-12) of a workflow item.
///
/// An editor that knows it finds most mistakes while one types. Rules that a schema cannot state (times that fit
/// together, names in templates, limits in bytes) are found by [`Workflow::from_json`].
#[must_use]
pub fn workflow_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(NoNull));
    settings.into_generator().into_root_schema_for::<Workflow>().to_value()
}

/// Takes `null` out of optional fields: the reader refuses it, since `"timeout": null` reads as "no timeout".
#[derive(Debug, Clone)]
struct NoNull;

impl Transform for NoNull {
    fn transform(&mut self, schema: &mut Schema) {
        let null = serde_json::json!({ "type": "null" });
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        let alternatives = match schema.get_mut("anyOf") {
            Some(Value::Array(alternatives)) if alternatives.contains(&null) => alternatives,
            _ => return,
        };
        alternatives.retain(|alternative| *alternative != null);
        if let [Value::Object(only)] = alternatives.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
        }
    }
}

impl JsonSchema for Seconds {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let part = |unit: &str| format!("(?:[0-9]+ *(?:{unit}) *)?");
        let units =
            [part("d|days?"), part("h|hrs?|hours?"), part("m|mins?|minutes?"), part("s|secs?|seconds?")]
                .concat();
        json_schema!({
            "description": "A whole number of seconds, or a text such as \"90s\", \"3 min\", \"1h30m\", \"24h\", \"1d\".",
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": Seconds::MAX.get() },
                { "type": "string", "pattern": format!("^ *(?:[0-9]+|(?=[0-9]){units}) *$") },
            ],
        })
    }
}
