//! The statuses of statements.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use serde::Serialize;

/// The status of a statement or of a part of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    /// Accepted; waits for a place on its warehouse.
    Submitted,
    /// Has a place; a connection is being opened.
    Picked,
    /// Runs.
    Started,
    /// Ended without an error.
    Finished,
    /// Was cancelled, or never started because the statement before it in a transaction did not finish.
    Aborted,
    /// Ended with an error.
    Failed,
}

impl Status {
    pub(super) const ALL: [Self; 6] =
        [Self::Submitted, Self::Picked, Self::Started, Self::Finished, Self::Aborted, Self::Failed];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Picked => "PICKED",
            Self::Started => "STARTED",
            Self::Finished => "FINISHED",
            Self::Aborted => "ABORTED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether nothing changes any more.
    pub(super) const fn has_ended(self) -> bool {
        matches!(self, Self::Finished | Self::Aborted | Self::Failed)
    }

    pub(super) fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl ToSql for Status {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for Status {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::of(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}
