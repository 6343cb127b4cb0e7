//! Reads workflow files: JSON objects without duplicate keys.

use std::fmt;
use std::path::{Path, PathBuf};

use rsqlflow_core::Problems;
use rsqlflow_core::config::Workflow;
use rsqlflow_core::timing::Timing;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::input::sql_files;

/// Reads a file as JSON.
///
/// # Errors
/// The file is not JSON. The error has line and column.
pub(crate) fn read(path: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::input(
            format!("{} cannot be read: {error}", path.display()),
            "check that the file exists, is readable, and is UTF-8",
        )
    })?;
    // Windows editors write a byte order mark.
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Unique(value)) => Ok(value),
        Err(error) if error.is_data() => {
            Err(Failure::input(format!("{}: {error}", path.display()), "rename or remove one of them"))
        }
        Err(error) => Err(Failure::input(
            format!("{} is not JSON: {error}", path.display()),
            "check the line and the text just before it",
        )),
    }
}

/// Reads and validates a file. The text of SQL files that it names takes their place.
///
/// # Errors
/// Every problem at once.
pub(crate) fn read_workflow(path: &Path, timing: &Timing) -> Result<(Value, Workflow), Failure> {
    let mut value = read(path)?;
    let invalid = |problems: Problems| Failure::Workflow { what: path.display().to_string(), problems };
    let workflow = Workflow::from_json(&value, timing).map_err(invalid)?;
    if sql_files::put_in(&mut value, &scripts_beside(path)).map_err(invalid)? == 0 {
        return Ok((value, workflow));
    }
    let workflow = Workflow::from_json(&value, timing).map_err(invalid)?;
    Ok((value, workflow))
}

/// Where the scripts of a workflow file are: `scripts` beside the file if there is such a directory, else the file's own.
pub(crate) fn scripts_beside(file: &Path) -> PathBuf {
    let beside = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let scripts = beside.join("scripts");
    if scripts.is_dir() { scripts } else { beside }
}

/// A value, read strictly: JSON readers take the last of two equal keys, and a stage that was copied and half renamed
/// would lose its scripts without a word (RFC 8259, section 4: names within an object SHOULD be unique).
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Strict).map(Self)
    }
}

struct Strict;

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("duplicate key {key:?} in an object")));
            }
            let Unique(value) = fields.next_value()?;
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_told_with_its_place() {
        let text = "{\"stages\": [{\"scripts\": [\"a\"],\n \"scripts\": [\"b\"]}]}";
        let error = serde_json::from_str::<Unique>(text).err().unwrap().to_string();
        assert_eq!(error, "duplicate key \"scripts\" in an object at line 2 column 10");
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9f64).prop_map(|number| json!(number)),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-d]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn everything_else_is_read_as_ever(value in value()) {
            let text = value.to_string();
            let Unique(read) = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read, serde_json::from_str::<Value>(&text).unwrap());
        }
    }
}
