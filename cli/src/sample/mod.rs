//! What AWS's public sample of an RSQL orchestration framework keeps in its tables, as ours
//! (<https://github.com/aws-samples/amazon-redshift-rsql-orchestration-framework>). Pure.
//!
//! [`workflow`] takes an item of its config table, [`past_runs`] the rows of its two audit tables, [`time`] its two ways to
//! write a moment.

pub(crate) mod past_runs;
mod time;
pub(crate) mod workflow;

use serde_json::Value;

/// A row as JSON.
pub(crate) type Row = serde_json::Map<String, Value>;

/// A column that is a text.
fn text<'r>(row: &'r Row, column: &str) -> Option<&'r str> {
    row.get(column).and_then(Value::as_str)
}

/// A column that must be a text.
fn needed<'r>(row: &'r Row, column: &str) -> Result<&'r str, String> {
    match row.get(column) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("{column} is no text")),
        None => Err(format!("{column} is missing")),
    }
}
