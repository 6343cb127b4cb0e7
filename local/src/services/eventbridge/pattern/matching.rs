//! Applying a pattern to an event.

use serde_json::{Map, Value};

use super::{Field, Fields, Pattern};

impl Pattern {
    /// Whether an event fulfils the pattern.
    pub(crate) fn matches(&self, event: &Value) -> bool {
        self.0.match_value(Some(event))
    }
}

impl Fields {
    /// Whether a value fulfils all fields. In an array at least one element must fulfil them all.
    fn match_value(&self, value: Option<&Value>) -> bool {
        match value {
            Some(Value::Object(object)) => self.match_object(Some(object)),
            Some(Value::Array(elements)) if !elements.is_empty() => {
                elements.iter().any(|element| self.match_value(Some(element)))
            }
            // Nothing is below it: only what must not exist can be fulfilled.
            _ => self.match_object(None),
        }
    }

    fn match_object(&self, object: Option<&Map<String, Value>>) -> bool {
        let fields = self.fields.iter().all(|(name, field)| {
            let value = object.and_then(|object| object.get(name));
            match field {
                Field::Object(fields) => fields.match_value(value),
                Field::Leaf(tests) => {
                    let mut leaves = Vec::new();
                    if let Some(value) = value {
                        collect_leaves(value, &mut leaves);
                    }
                    if leaves.is_empty() {
                        tests.iter().any(|test| test.passes(None))
                    } else {
                        leaves.iter().any(|leaf| tests.iter().any(|test| test.passes(Some(leaf))))
                    }
                }
            }
        });
        fields && self.alternatives.iter().all(|any| any.iter().any(|fields| fields.match_object(object)))
    }
}

/// The leaves of a value: objects have none, arrays those of their elements.
fn collect_leaves<'a>(value: &'a Value, leaves: &mut Vec<&'a Value>) {
    match value {
        Value::Object(_) => {}
        Value::Array(elements) => elements.iter().for_each(|element| collect_leaves(element, leaves)),
        leaf => leaves.push(leaf),
    }
}
