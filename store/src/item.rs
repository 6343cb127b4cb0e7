//! Between items and our types.

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

/// An item as one of our types.
pub(crate) fn read<T: DeserializeOwned>(table: &str, key: &str, item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|e| StoreError::corrupt(table, key, e))
}

/// One of our types as an item. Fields that are `None` are left out, as keys of an index must be.
pub(crate) fn write<T: Serialize>(table: &str, key: &str, value: &T) -> Result<Item, StoreError> {
    serde_dynamo::to_item(value).map_err(|e| StoreError::corrupt(table, key, e))
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
