//! Conversion between items and types.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The item of a key, read consistently.
pub(crate) async fn get(client: &Client, table: &str, key: Item) -> Result<Option<Item>, StoreError> {
    let answer = client
        .get_item()
        .table_name(table)
        .set_key(Some(key))
        .consistent_read(true)
        .send()
        .await
        .map_err(|e| StoreError::service("GetItem", table, &e))?;
    Ok(answer.item)
}

/// An item as a type.
pub(crate) fn read<T: DeserializeOwned>(table: &str, key: &str, item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|e| StoreError::corrupt(table, key, e))
}

/// The readable part of an item, to close a damaged row: a column that cannot be read has the value of `defaults`, or none.
/// Also returns these columns. `None` if one of the `required` columns cannot be read.
pub(crate) fn read_partly<T: DeserializeOwned>(
    mut item: Item,
    required: &[&str],
    defaults: &[(&str, AttributeValue)],
) -> Option<(T, Vec<String>)> {
    if let Ok(whole) = serde_dynamo::from_item(item.clone()) {
        return Some((whole, Vec::new()));
    }
    let mut readable: Item =
        defaults.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let mut unreadable: Vec<String> =
        readable.keys().filter(|name| !item.contains_key(*name)).cloned().collect();
    for name in required {
        readable.extend(item.remove_entry(*name));
    }
    for (name, value) in item {
        let before = readable.insert(name.clone(), value);
        if serde_dynamo::from_item::<_, T>(readable.clone()).is_err() {
            match before {
                Some(default) => readable.insert(name.clone(), default),
                None => readable.remove(&name),
            };
            unreadable.push(name);
        }
    }
    unreadable.sort();
    serde_dynamo::from_item(readable).ok().map(|value| (value, unreadable))
}

/// A type as an item. Fields that are `None` are omitted, as keys of an index must be.
pub(crate) fn write<T: Serialize>(table: &str, key: &str, value: &T) -> Result<Item, StoreError> {
    serde_dynamo::to_item(value).map_err(|e| StoreError::corrupt(table, key, e))
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        name: String,
        count: u32,
        #[serde(default)]
        note: Option<String>,
    }

    fn item(columns: &[(&str, AttributeValue)]) -> Item {
        columns.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn a_column_that_cannot_be_read_costs_no_other() {
        let defaults = [("name", text("?")), ("count", number(0))];
        let damaged = item(&[("name", text("a")), ("count", text("many")), ("note", number(1))]);
        let (row, unreadable) = read_partly::<Row>(damaged, &[], &defaults).unwrap();
        assert_eq!(row, Row { name: "a".to_owned(), count: 0, note: None });
        assert_eq!(unreadable, ["count", "note"]);
        let missing = item(&[("count", number(3))]);
        let (row, unreadable) = read_partly::<Row>(missing, &[], &defaults).unwrap();
        assert_eq!((row.name.as_str(), row.count), ("?", 3));
        assert_eq!(unreadable, ["name"]);
        let whole = item(&[("name", text("a")), ("count", number(3))]);
        assert_eq!(read_partly::<Row>(whole, &[], &defaults).unwrap().1, Vec::<String>::new());
        let required = item(&[("name", number(1)), ("count", number(3))]);
        assert_eq!(read_partly::<Row>(required, &["name"], &defaults), None);
        let required = item(&[("name", text("a")), ("count", text("many"))]);
        let (row, unreadable) = read_partly::<Row>(required, &["name"], &[("count", number(7))]).unwrap();
        assert_eq!((row.name.as_str(), row.count, unreadable), ("a", 7, vec!["count".to_owned()]));
    }
}
