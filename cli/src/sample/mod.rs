//! Converts the tables of AWS's public sample of an RSQL orchestration framework
//! (<https://github.com/aws-samples/amazon-redshift-rsql-orchestration-framework>). Pure.
//!
//! [`workflow`] converts an item of its config table, [`past_runs`] the rows of its two audit tables, and [`time`] parses
//! its two formats of times.

pub(crate) mod past_runs;
mod time;
pub(crate) mod workflow;

use serde_json::Value;

/// A row as JSON.
pub(crate) type Row = serde_json::Map<String, Value>;

/// The string in a column.
fn text<'r>(row: &'r Row, column: &str) -> Option<&'r str> {
    row.get(column).and_then(Value::as_str)
}

/// The string in a required column.
fn needed<'r>(row: &'r Row, column: &str) -> Result<&'r str, String> {
    match row.get(column) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("{column} must be a string")),
        None => Err(format!("{column} is missing")),
    }
}
