//! Shared by the operations: finding groups and streams, and the service's errors.

use rusqlite::{Connection, OptionalExtension};

use crate::http::{AwsError, Constraints};

/// Size of an event in addition to its message, in bytes (`PutLogEvents` API reference).
pub(super) const EVENT_OVERHEAD: usize = 26;

/// The largest answer, and the largest batch, in bytes.
pub(super) const LARGEST_PAGE: usize = 1_048_576;

/// Events of one answer at most (`GetLogEvents`, `FilterLogEvents`).
pub(super) const EVENTS_A_PAGE: usize = 10_000;

pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidParameterException", message)
}

pub(super) fn exists(what: &str) -> AwsError {
    AwsError::client("ResourceAlreadyExistsException", format!("The specified log {what} already exists"))
}

fn missing(what: &str) -> AwsError {
    AwsError::client("ResourceNotFoundException", format!("The specified log {what} does not exist."))
}

/// The group's name from the two members that may name it: its name, or its name or ARN.
pub(super) fn group_name(name: Option<String>, identifier: Option<String>) -> Result<String, AwsError> {
    match (name, identifier) {
        (Some(name), None) => Ok(name),
        (None, Some(identifier)) => Ok(match identifier.split_once(":log-group:") {
            Some((_, name)) => name.strip_suffix(":*").unwrap_or(name).to_owned(),
            None => identifier,
        }),
        _ => Err(invalid("exactly one of logGroupName and logGroupIdentifier must be given")),
    }
}

/// Refuses names that are not allowed for a stream.
pub(super) fn check_stream_name(name: &str) -> Result<(), AwsError> {
    let mut constraints = Constraints::default();
    constraints.length("logStreamName", Some(name), 1..=512);
    constraints.pattern("logStreamName", Some(name), "[^:*]*", |name| !name.contains([':', '*']));
    constraints.check("InvalidParameterException")
}

/// Refuses `unmask`: there are no data protection policies.
pub(super) fn refuse_unmask(unmask: Option<bool>) -> Result<(), AwsError> {
    match unmask {
        Some(true) => Err(AwsError::not_implemented("unmask (there are no data protection policies)")),
        _ => Ok(()),
    }
}

pub(super) fn group_id(db: &Connection, name: &str) -> Result<i64, AwsError> {
    db.prepare_cached("SELECT id FROM log_group WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?
        .ok_or_else(|| missing("group"))
}

pub(super) fn stream_id(db: &Connection, group: i64, name: &str) -> Result<i64, AwsError> {
    db.prepare_cached("SELECT id FROM log_stream WHERE group_id = ?1 AND name = ?2")?
        .query_row((group, name), |row| row.get(0))
        .optional()?
        .ok_or_else(|| missing("stream"))
}

/// Refuses a limit outside 1 to `most`. Returns the default without a limit.
pub(super) fn limit(given: Option<usize>, default: usize, most: usize) -> Result<usize, AwsError> {
    let mut constraints = Constraints::default();
    constraints.range("limit", given, 1..=most);
    constraints.check("InvalidParameterException")?;
    Ok(given.unwrap_or(default))
}

/// The upper bound of a range scan for texts with this prefix. `None` if there is no bound.
pub(super) fn prefix_end(prefix: &str) -> Option<String> {
    // U+10FFFF is a noncharacter, so no name contains it.
    (!prefix.is_empty()).then(|| format!("{prefix}\u{10FFFF}"))
}
