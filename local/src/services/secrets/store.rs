//! Rows of secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::{Connection, OptionalExtension};

use crate::http::AwsError;
use crate::place;

/// The stage label of the current version.
pub(super) const CURRENT: &str = "AWSCURRENT";

/// The stage label of the previous version.
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// The largest value in bytes (Secrets Manager API reference, `PutSecretValue`).
const LARGEST: usize = 65_536;

/// A secret's name and ARN.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) arn: String,
    /// When it was deleted, if it can still be restored.
    pub(super) deleted: Option<i64>,
}

/// A secret value. `Debug` hides it.
#[derive(PartialEq, Eq)]
pub(super) enum SecretValue {
    Text(String),
    Binary(Vec<u8>),
}

impl SecretValue {
    /// Reads the value from the two members of a request. Exactly one is required.
    pub(super) fn read(text: Option<String>, binary: Option<&str>) -> Result<Option<Self>, AwsError> {
        let value = match (text, binary) {
            (None, None) => return Ok(None),
            (Some(text), None) => Self::Text(text),
            (None, Some(binary)) => Self::Binary(
                BASE64
                    .decode(binary)
                    .map_err(|_| AwsError::client("SerializationException", "SecretBinary is not base64"))?,
            ),
            (Some(_), Some(_)) => {
                let message = "You can't specify both SecretString and SecretBinary.";
                return Err(AwsError::client("InvalidParameterException", message));
            }
        };
        let length = match &value {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        };
        if length == 0 || length > LARGEST {
            let message = format!("The secret value must have 1 to {LARGEST} bytes.");
            return Err(AwsError::client("ValidationException", message));
        }
        Ok(Some(value))
    }

    pub(super) fn from_row(row: &rusqlite::Row<'_>, text: usize, binary: usize) -> rusqlite::Result<Self> {
        Ok(match row.get::<_, Option<String>>(text)? {
            Some(text) => Self::Text(text),
            None => Self::Binary(row.get(binary)?),
        })
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    pub(super) fn binary(&self) -> Option<&[u8]> {
        match self {
            Self::Text(_) => None,
            Self::Binary(bytes) => Some(bytes),
        }
    }

    /// Its members in an answer.
    pub(super) fn base64(&self) -> Option<String> {
        self.binary().map(|bytes| BASE64.encode(bytes))
    }
}

/// Finds a secret by name, by ARN, or by an ARN without the six random characters.
///
/// # Errors
/// `ResourceNotFoundException`, and `InvalidRequestException` for a secret that is scheduled for deletion.
pub(super) fn find(db: &Connection, id: &str) -> Result<Found, AwsError> {
    let found = find_any(db, id)?;
    if found.deleted.is_some() {
        let message = "You can't perform this operation on the secret because it was marked for deletion.";
        return Err(AwsError::client("InvalidRequestException", message));
    }
    Ok(found)
}

/// The same, including secrets that were deleted and can still be restored.
pub(super) fn find_any(db: &Connection, id: &str) -> Result<Found, AwsError> {
    let found =
        |row: &rusqlite::Row<'_>| Ok(Found { name: row.get(0)?, arn: row.get(1)?, deleted: row.get(2)? });
    db.prepare_cached(
        "SELECT name, arn, deleted FROM secret
         WHERE (name = ?1 OR arn = ?1 OR substr(arn, 1, length(arn) - 7) = ?1) AND (ends IS NULL OR ends > ?2)",
    )?
    .query_row((id, place::now_ms()), found)
    .optional()?
    .ok_or_else(|| {
        AwsError::client("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    })
}

/// Removes secrets whose recovery window has ended.
pub(super) fn remove_ended(db: &Connection) -> rusqlite::Result<()> {
    let now = place::now_ms();
    for statement in [
        "DELETE FROM stage WHERE name IN (SELECT name FROM secret WHERE ends <= ?1)",
        "DELETE FROM version WHERE name IN (SELECT name FROM secret WHERE ends <= ?1)",
        "DELETE FROM secret WHERE ends <= ?1",
    ] {
        db.prepare_cached(statement)?.execute([now])?;
    }
    Ok(())
}

/// The version that has a stage label.
pub(super) fn version_at(db: &Connection, name: &str, stage: &str) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT version_id FROM stage WHERE name = ?1 AND stage = ?2")?
        .query_row((name, stage), |row| row.get(0))
        .optional()
}

/// Labels of a version, in order.
pub(super) fn stages_of(db: &Connection, name: &str, version: &str) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached("SELECT stage FROM stage WHERE name = ?1 AND version_id = ?2 ORDER BY stage")?
        .query_map((name, version), |row| row.get(0))?
        .collect()
}

/// Gives a version a label, and removes the label from the version that had it.
pub(super) fn label(db: &Connection, name: &str, stage: &str, version: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO stage (name, stage, version_id) VALUES (?1, ?2, ?3)")?
        .execute((name, stage, version))?;
    Ok(())
}
