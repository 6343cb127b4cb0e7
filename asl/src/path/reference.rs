//! Reference paths, as in `ResultPath`.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::ast::{Path, Root, Step};

/// A path that selects exactly one location. `steps` are fields and indexes only.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReferencePath {
    text: Arc<str>,
    steps: Vec<Step>,
}

impl ReferencePath {
    /// Parses a `ResultPath`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let path = Path::parse(text).map_err(|e| e.to_string())?;
        if path.root != Root::Input {
            return Err("a reference path must begin with $ and select a location in the input".to_owned());
        }
        if !path.steps.iter().all(|s| matches!(s, Step::Child(_)) || matches!(s, Step::Index(i) if *i >= 0)) {
            return Err("a reference path must select one location: use fields and indexes only".to_owned());
        }
        Ok(Self { text: path.text, steps: path.steps })
    }

    /// `$`.
    pub(crate) fn root() -> Self {
        Self { text: Arc::from("$"), steps: Vec::new() }
    }

    /// Whether it is `$`: the result replaces the input.
    pub(crate) fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// Stores `result` in `target`, and creates missing objects on the path.
    ///
    /// # Errors
    /// A message: a value on the path is neither an object nor an array with this index.
    pub(crate) fn put(&self, mut target: &mut Value, result: Value) -> Result<(), String> {
        for step in &self.steps {
            target = match step {
                Step::Child(name) => {
                    if target.is_null() {
                        *target = Value::Object(Map::new());
                    }
                    match target {
                        Value::Object(map) => map.entry(name.as_str()).or_insert(Value::Null),
                        other => return Err(self.message(other)),
                    }
                }
                Step::Index(index) => {
                    let index = usize::try_from(*index).unwrap_or(usize::MAX);
                    let found = match target {
                        Value::Array(items) if index < items.len() => items.get_mut(index),
                        _ => None,
                    };
                    match found {
                        Some(item) => item,
                        None => {
                            return Err(format!("Unable to apply ReferencePath {} to the input", self.text));
                        }
                    }
                }
                _ => return Err(self.message(target)),
            };
        }
        *target = result;
        Ok(())
    }

    fn message(&self, found: &Value) -> String {
        format!("Unable to apply ReferencePath {} to input {found}", self.text)
    }
}
