//! Workflow files.

use std::path::Path;

use rsqlflow_core::Problems;
use rsqlflow_core::config::Workflow;
use rsqlflow_core::timing::Timing;
use serde_json::Value;

use crate::error::Failure;
use crate::unique::Unique;

/// Reads a file as JSON.
///
/// # Errors
/// With line and column, where it is not JSON.
pub(crate) fn read(path: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::input(
            format!("{} cannot be read: {error}", path.display()),
            "name a readable file, in UTF-8",
        )
    })?;
    // Windows editors put a byte order mark first.
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Unique(value)) => Ok(value),
        Err(error) if error.is_data() => Err(Failure::input(
            format!("{}: {error}", path.display()),
            "rename one of them, or take one away: only the last would count",
        )),
        Err(error) => Err(Failure::input(
            format!("{} is not JSON: {error}", path.display()),
            "the place is where the reader gave up; the mistake is often just before it",
        )),
    }
}

/// Reads and validates a file.
///
/// # Errors
/// Every problem at once.
pub(crate) fn read_workflow(path: &Path, timing: &Timing) -> Result<(Value, Workflow), Failure> {
    let value = read(path)?;
    let invalid = |problems: Problems| Failure::Workflow { what: path.display().to_string(), problems };
    let workflow = Workflow::from_json(&value, timing).map_err(invalid)?;
    Ok((value, workflow))
}
