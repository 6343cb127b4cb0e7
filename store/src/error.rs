//! What can go wrong between a program and its tables.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use rsqlflow_core::protocol::Incompatible;

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
        /// HTTP status, where it answered.
        status: Option<u16>,
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
    /// An item was written under a contract that this program does not know.
    #[error("the item {key} in table {table} cannot be read: {reason}")]
    Incompatible {
        /// Which table.
        table: String,
        /// Which item.
        key: String,
        /// On which side it is out of what this program knows.
        reason: Incompatible,
    },
}

/// An error with all its causes, as they describe themselves.
///
/// Not the SDK's `DisplayErrorContext`: that adds each error's `Debug`, which shows the raw answer, and an answer
/// may hold a task token or a password.
#[must_use]
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        // Some wrappers repeat what they wrap.
        if !text.ends_with(&part) {
            text = format!("{text}: {part}");
        }
        next = cause.source();
    }
    text
}

/// Whether a call that a service answered with this error code and HTTP status, or did not answer at all, may succeed
/// later: the service was busy or out of reach, or does not accept credentials that are renewed from time to time,
/// rather than unwilling.
#[must_use]
pub fn is_transient(code: Option<&str>, status: Option<u16>) -> bool {
    match (code, status) {
        (None, _) | (_, Some(500..)) => true,
        (Some(code), _) => matches!(
            code.strip_suffix("Exception").unwrap_or(code),
            "ExpiredToken"
                | "InternalFailure"
                | "InternalServerError"
                | "ProvisionedThroughputExceeded"
                | "ReplicatedWriteConflict"
                | "RequestExpired"
                | "RequestLimitExceeded"
                | "ServiceUnavailable"
                | "Throttling"
                | "TransactionConflict"
                | "UnrecognizedClient"
        ),
    }
}

impl StoreError {
    pub(crate) fn service<E>(action: &'static str, table: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let code = error.as_service_error().and_then(|e| e.code()).map(str::to_owned);
        let reason = match error.as_service_error() {
            Some(e) => match (e.code(), e.message()) {
                (Some(code), Some(message)) => format!("{code}: {message}"),
                (Some(code), None) => code.to_owned(),
                _ => causes(e),
            },
            None => causes(error),
        };
        let status = error.raw_response().map(|response| response.status().as_u16());
        Self::Service { action, table: table.to_owned(), code, status, reason }
    }

    pub(crate) fn corrupt(table: &str, key: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { table: table.to_owned(), key: key.into(), reason: reason.to_string() }
    }

    /// Whether the same call may succeed later; see [`is_transient`].
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Service { code, status, .. } => is_transient(code.as_deref(), *status),
            Self::Corrupt { .. } | Self::Incompatible { .. } => false,
        }
    }

    /// Whether the table does not exist, so the deployment or the region is the wrong one.
    #[must_use]
    pub fn is_missing_table(&self) -> bool {
        matches!(self, Self::Service { code: Some(code), .. } if code == "ResourceNotFoundException")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner {
        answer: &'static str,
    }

    #[test]
    fn causes_are_told_without_what_they_hold() {
        assert!(format!("{:?}", Inner { answer: "secret" }).contains("secret"));
        assert_eq!(causes(&Outer(Inner { answer: "secret" })), "outer: inner");
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        let service = |code: Option<&str>, status| StoreError::Service {
            action: "UpdateItem",
            table: "t".to_owned(),
            code: code.map(str::to_owned),
            status,
            reason: String::new(),
        };
        for code in
            ["ThrottlingException", "ExpiredTokenException", "InternalFailure", "UnrecognizedClientException"]
        {
            assert!(service(Some(code), Some(400)).is_transient(), "{code}");
        }
        assert!(service(None, None).is_transient(), "no answer at all");
        assert!(service(Some("Unheard"), Some(503)).is_transient());
        for code in ["AccessDeniedException", "ValidationException", "ResourceNotFoundException"] {
            assert!(!service(Some(code), Some(400)).is_transient(), "{code}");
        }
    }
}
