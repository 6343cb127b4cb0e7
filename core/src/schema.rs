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
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(Plain));
    settings.into_generator().into_root_schema_for::<Workflow>().to_value()
}

/// What the types say beyond the item: `null` of optional fields, which the reader refuses, since
/// `"timeout": null` reads as "no timeout"; Rust's integer formats, which strict validators do not know; line breaks
/// of the source in descriptions.
#[derive(Debug, Clone)]
struct Plain;

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        if schema
            .get("format")
            .and_then(Value::as_str)
            .is_some_and(|format| format.starts_with("uint") || format == "double")
        {
            schema.remove("format");
        }
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text
                .split("\n\n")
                .map(|paragraph| paragraph.replace('\n', " "))
                .collect::<Vec<_>>()
                .join("\n\n");
        }
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::config::arbitrary::{nearly_valid, workflow};
    use crate::config::gallery::{Sees, excesses, mistakes, sorted};
    use crate::{ProblemKind, Timing};

    fn validator() -> jsonschema::Validator {
        jsonschema::draft202012::new(&workflow_schema()).unwrap()
    }

    /// The committed file is the generated one. To write it anew: `UPDATE_SCHEMA=1 cargo test -p rsqlflow-core`.
    #[test]
    fn the_committed_schema_is_this_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/workflow.schema.json");
        let generated = workflow_schema();
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, format!("{:#}\n", sorted(&generated))).unwrap();
        }
        // Compared as values: the order of keys depends on the features that other crates give serde_json.
        let committed: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert!(
            committed == generated,
            "docs/workflow.schema.json is not up to date: run with UPDATE_SCHEMA=1"
        );
    }

    #[test]
    fn schema_and_reader_refuse_the_same() {
        let validator = validator();
        for (name, sees, item) in mistakes().into_iter().chain(excesses()) {
            assert_eq!(!validator.is_valid(&item), sees == Sees::Both, "{name}");
        }
    }

    #[test]
    fn schema_and_reader_know_the_same_fields() {
        let schema = workflow_schema();
        let fields = |object: &Value| -> Vec<String> {
            object["properties"].as_object().unwrap().keys().cloned().collect()
        };
        type InItem = fn(Value) -> Value;
        let items: Vec<(Vec<String>, InItem)> = vec![
            (fields(&schema), |fields| fields),
            (
                fields(&schema["$defs"]["Settings"]),
                |fields| json!({ "workflow_id": "w", "defaults": fields }),
            ),
            (fields(&schema["$defs"]["Notify"]), |fields| json!({ "workflow_id": "w", "notify": fields })),
            (
                fields(&schema["$defs"]["Stage"]),
                |fields| json!({ "workflow_id": "w", "workflow_stages": [fields] }),
            ),
            (
                fields(&schema["$defs"]["Job"]),
                |fields| json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": [fields] }] }),
            ),
        ];
        for (fields, item) in items {
            assert!(!fields.is_empty());
            // The wrong type for every field: what the reader knows is of the wrong type, what not is unknown.
            let of_wrong_type = fields.iter().map(|field| (field.clone(), json!(null))).collect();
            let problems =
                Workflow::from_json(&item(Value::Object(of_wrong_type)), &Timing::default()).unwrap_err();
            let unknown: Vec<_> =
                problems.iter().filter(|problem| problem.kind == ProblemKind::UnknownField).collect();
            assert!(unknown.is_empty(), "{unknown:?}");
        }
    }

    #[test]
    fn durations_agree() {
        let validator = jsonschema::draft202012::new(&schemars::schema_for!(Seconds).to_value()).unwrap();
        for value in [
            json!(0),
            json!(3.0),
            json!(2.5),
            json!(-1),
            json!(99_999_999),
            json!(100_000_000),
            json!("90"),
            json!("90s"),
            json!("3 min"),
            json!(" 1 hour 30 minutes "),
            json!("1d2h3m4s"),
            json!("2 days 1 sec"),
            json!(""),
            json!(" "),
            json!("h"),
            json!("1h30"),
            json!("1.5h"),
            json!("-1s"),
            json!("5 weeks"),
            json!("5M"),
            json!("30s5m"),
            json!("1h1h"),
            json!("1h\n"),
            json!("1500ms"),
            json!(null),
            json!([]),
            json!("1\u{a0}h"),
            json!("٣s"),
        ] {
            assert_eq!(
                validator.is_valid(&value),
                serde_json::from_value::<Seconds>(value.clone()).is_ok(),
                "{value}"
            );
        }
    }

    #[test]
    fn optional_fields_take_no_null() {
        assert!(!workflow_schema().to_string().contains(r#""null""#));
    }

    proptest! {
        #[test]
        fn the_schema_accepts_what_is_valid(workflow in workflow()) {
            let item = serde_json::to_value(&workflow).unwrap();
            let errors: Vec<_> = validator().iter_errors(&item).map(|error| error.to_string()).collect();
            prop_assert!(errors.is_empty(), "{errors:?}");
        }

        /// What the schema refuses the reader refuses. The other way round only for mistakes a schema can state.
        #[test]
        fn they_agree_on_damaged_items(item in nearly_valid()) {
            let read = Workflow::from_json(&item, &Timing::default());
            let accepted = validator().is_valid(&item);
            match read {
                Ok(_) => prop_assert!(accepted, "only the schema refuses {item}"),
                Err(problems) => {
                    let stated = problems.iter().any(|problem| matches!(
                        problem.kind,
                        ProblemKind::Missing | ProblemKind::UnknownField | ProblemKind::WrongType | ProblemKind::Fraction
                    ));
                    prop_assert!(!(stated && accepted), "only the reader refuses {item}: {problems}");
                }
            }
        }

        #[test]
        fn any_text_is_a_duration_for_both_or_neither(text in "[0-9dhms ]{0,8}") {
            let pattern = jsonschema::draft202012::new(&schemars::schema_for!(Seconds).to_value()).unwrap();
            // A schema cannot add up.
            let too_long = text.parse::<Seconds>() == Err(crate::InvalidDuration::TooLong);
            prop_assert!(too_long || pattern.is_valid(&json!(text)) == text.parse::<Seconds>().is_ok());
        }
    }
}
