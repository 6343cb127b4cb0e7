//! Reads the sample's tables.

use aws_sdk_dynamodb::Client;
use serde_json::Value;

use crate::error::Failure;
use crate::sample::Row;

/// Every item of a table.
///
/// # Errors
/// Where there is no such table, or it cannot be read.
pub(super) async fn rows(client: &Client, table: &str, option: &str) -> Result<Vec<Row>, Failure> {
    let mut items = client.scan().table_name(table).consistent_read(true).into_paginator().items().send();
    let mut rows = Vec::new();
    while let Some(item) = items.next().await {
        let item = item.map_err(|error| {
            let failed = Failure::of_sdk(&error, format!("reading the table {table} of AWS's sample"));
            let missing = error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception());
            match failed {
                Failure::Environment { error, .. } if missing => Failure::environment(
                    error,
                    format!("name its table with {option}, and check --region and --profile"),
                ),
                other => other,
            }
        })?;
        let value: Value = serde_dynamo::from_item(item).map_err(|error| {
            anyhow::Error::new(error).context(format!("an item of {table} cannot be read"))
        })?;
        if let Value::Object(row) = value {
            rows.push(row);
        }
    }
    Ok(rows)
}
