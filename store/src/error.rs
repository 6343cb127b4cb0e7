//! What can go wrong between a program and its tables.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// A table could not be read or written, or holds what nothing of ours has written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The service refused or could not be reached.
    #[error("{action} in table {table}: {reason}")]
    Service {
        /// What was tried, such as `PutItem`.
        action: &'static str,
        /// Which table.
        table: String,
        /// The service's error code, where it answered.
        code: Option<String>,
        /// The whole chain of causes, as text: the SDK's own errors are generic over each operation.
        reason: String,
    },
    /// An item does not have the columns, or the types, that it should have.
    #[error("the item {key} in table {table} cannot be read: {reason}")]
    Corrupt {
        /// Which table.
        table: String,
        /// Which item.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl StoreError {
    pub(crate) fn service<E, R>(action: &'static str, table: &str, error: &SdkError<E, R>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        let code = error.as_service_error().and_then(|e| e.code()).map(str::to_owned);
        let reason = match error.as_service_error() {
            Some(e) => match (e.code(), e.message()) {
                (Some(code), Some(message)) => format!("{code}: {message}"),
                (Some(code), None) => code.to_owned(),
                _ => DisplayErrorContext(e).to_string(),
            },
            None => DisplayErrorContext(error).to_string(),
        };
        Self::Service { action, table: table.to_owned(), code, reason }
    }

    pub(crate) fn corrupt(table: &str, key: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { table: table.to_owned(), key: key.into(), reason: reason.to_string() }
    }

    /// Whether the same call may succeed later: the service was busy or out of reach, rather than unwilling.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Service { code: None, .. } => true,
            Self::Service { code: Some(code), .. } => matches!(
                code.as_str(),
                "InternalServerError"
                    | "ProvisionedThroughputExceededException"
                    | "RequestLimitExceeded"
                    | "ServiceUnavailable"
                    | "ThrottlingException"
                    | "TransactionConflictException"
            ),
            Self::Corrupt { .. } => false,
        }
    }

    /// Whether the table does not exist, so the deployment or the region is the wrong one.
    #[must_use]
    pub fn is_missing_table(&self) -> bool {
        matches!(self, Self::Service { code: Some(code), .. } if code == "ResourceNotFoundException")
    }
}
