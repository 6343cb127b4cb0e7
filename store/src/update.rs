//! Builds a conditional `UpdateItem`.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};

use crate::StoreError;
use crate::item::Item;

/// The result of a conditional write.
pub(crate) enum Sent {
    /// It was made. The whole item after it.
    Made(Item),
    /// The condition is false. The whole item as it is, empty if it does not exist.
    Refused(Item),
}

/// Puts an item unless its key exists: `None` if it was put, else the existing item.
pub(crate) async fn put_if_absent(
    client: &Client,
    table: &str,
    key: &str,
    item: Item,
) -> Result<Option<Item>, StoreError> {
    let sent = client
        .put_item()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(#key)")
        .expression_attribute_names("#key", key)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await;
    match sent {
        Ok(_) => Ok(None),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                Ok(Some(refusal.item.clone().unwrap_or_default()))
            }
            _ => Err(StoreError::service("PutItem", table, &error)),
        },
    }
}

/// Sets, removals and conditions. Every name goes through a placeholder, because DynamoDB reserves many
/// (developer guide, "Reserved words in DynamoDB").
#[derive(Default)]
pub(crate) struct Update {
    sets: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Update {
    /// `column = value` after the write.
    pub(crate) fn set(&mut self, column: &str, value: AttributeValue) {
        let (name, value) = (self.name(column), self.value(value));
        self.sets.push(format!("{name} = {value}"));
    }

    /// `column = column + 1` after the write.
    pub(crate) fn increment(&mut self, column: &str) {
        let (name, one) = (self.name(column), self.value(AttributeValue::N("1".to_owned())));
        self.sets.push(format!("{name} = {name} + {one}"));
    }

    /// `column` is gone after the write.
    pub(crate) fn remove(&mut self, column: &str) {
        let name = self.name(column);
        self.removes.push(name);
    }

    /// Only if `column OPERATOR value`.
    pub(crate) fn only_if(&mut self, column: &str, operator: &str, value: AttributeValue) {
        let (name, value) = (self.name(column), self.value(value));
        self.conditions.push(format!("{name} {operator} {value}"));
    }

    /// Only if `column` is absent or at most `value`.
    pub(crate) fn only_if_absent_or_at_most(&mut self, column: &str, value: AttributeValue) {
        let (name, value) = (self.name(column), self.value(value));
        self.conditions.push(format!("(attribute_not_exists({name}) OR {name} <= {value})"));
    }

    /// Only if there is no `column`.
    pub(crate) fn only_if_absent(&mut self, column: &str) {
        let name = self.name(column);
        self.conditions.push(format!("attribute_not_exists({name})"));
    }

    /// Only if `column` has one of these values.
    pub(crate) fn only_if_in(&mut self, column: &str, values: impl IntoIterator<Item = AttributeValue>) {
        let name = self.name(column);
        let values: Vec<String> = values.into_iter().map(|v| self.value(v)).collect();
        self.conditions.push(format!("{name} IN ({})", values.join(", ")));
    }

    /// The attributes that its expressions name.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &str> {
        self.names.values().map(String::as_str)
    }

    /// Sends it, asking for the whole item either way.
    pub(crate) async fn send(self, client: &Client, table: &str, key: Item) -> Result<Sent, StoreError> {
        let mut expression = Vec::new();
        if !self.sets.is_empty() {
            expression.push(format!("SET {}", self.sets.join(", ")));
        }
        if !self.removes.is_empty() {
            expression.push(format!("REMOVE {}", self.removes.join(", ")));
        }
        let sent = client
            .update_item()
            .table_name(table)
            .set_key(Some(key))
            .update_expression(expression.join(" "))
            .condition_expression(self.conditions.join(" AND "))
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values(Some(self.values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(Sent::Made(answer.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                    Ok(Sent::Refused(refusal.item.clone().unwrap_or_default()))
                }
                _ => Err(StoreError::service("UpdateItem", table, &error)),
            },
        }
    }

    fn name(&mut self, column: &str) -> String {
        let name = format!("#{column}");
        self.names.insert(name.clone(), column.to_owned());
        name
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let name = format!(":v{}", self.values.len());
        self.values.insert(name.clone(), value);
        name
    }
}
