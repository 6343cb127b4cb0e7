//! Errors of the tables.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use rsqlflow_core::protocol::Incompatible;

use crate::ServiceError;

/// A table could not be read or written, or contains an item that this program cannot read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The service refused or could not be reached.
    #[error("{0}")]
    Service(ServiceError),
    /// An item lacks columns, or they have wrong types.
    #[error("the item {key} in table {table} cannot be read: {reason}")]
    Corrupt {
        /// The table.
        table: String,
        /// The item.
        key: String,
        /// The problem.
        reason: String,
    },
    /// An item has a contract that this program does not support.
    #[error("the item {key} in table {table} cannot be read: {reason}")]
    Incompatible {
        /// The table.
        table: String,
        /// The item.
        key: String,
        /// Whether the contract is too old or too new.
        reason: Incompatible,
    },
}

impl StoreError {
    pub(crate) fn service<E>(action: &'static str, table: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        Self::Service(ServiceError::of(action, format!("in table {table}"), error))
    }

    pub(crate) fn corrupt(table: &str, key: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { table: table.to_owned(), key: key.into(), reason: reason.to_string() }
    }

    /// Whether the same call may succeed later; see [`ErrorClass::is_transient`](crate::ErrorClass::is_transient).
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Service(error) if error.is_transient())
    }

    /// Whether the table does not exist. Then the deployment or the region is wrong.
    #[must_use]
    pub fn is_missing_table(&self) -> bool {
        matches!(self, Self::Service(error) if error.has_code("ResourceNotFound"))
    }

    /// Whether a write was refused because the item would be too large.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Service(error) if error.has_code("Validation")
            && error.reason.to_ascii_lowercase().contains("size"))
    }

    /// Whether the request is not valid, for example because the item would be too large.
    #[must_use]
    pub fn is_invalid_request(&self) -> bool {
        matches!(self, Self::Service(error) if error.has_code("Validation"))
    }
}
