//! Errors in the shape that AWS clients expect.

use std::borrow::Cow;

use crate::storage::WorkerGone;

/// An error answer. Clients depend on its code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AwsError {
    /// HTTP status: 4xx for errors of the caller, 5xx for errors of the endpoint.
    pub(crate) status: u16,
    /// Error code, such as `ResourceNotFoundException`.
    pub(crate) code: Cow<'static, str>,
    /// Message for people.
    pub(crate) message: String,
    /// Further members of the error's shape in the service's model.
    pub(crate) members: Vec<(&'static str, String)>,
}

impl AwsError {
    /// An error of the caller, HTTP 400.
    pub(crate) fn client(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into(), members: Vec::new() }
    }

    /// An error of the endpoint, HTTP 500. Clients retry it.
    pub(crate) fn internal(reason: impl std::fmt::Display) -> Self {
        Self { status: 500, ..Self::client("InternalFailure", reason.to_string()) }
    }

    /// An unsupported feature, HTTP 501. Clients do not retry it.
    pub(crate) fn not_implemented(what: impl std::fmt::Display) -> Self {
        let message = format!("{what} is not supported by the embedded endpoint");
        Self { status: 501, ..Self::client("NotImplemented", message) }
    }

    /// An unsupported operation.
    pub(crate) fn unknown_operation(service: &str, operation: &str) -> Self {
        Self::not_implemented(format_args!("operation {operation} of {service}"))
    }

    /// The same, with a further member. The JSON protocols write it.
    pub(crate) fn with_member(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// The same, with another HTTP status.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

impl From<WorkerGone> for AwsError {
    fn from(e: WorkerGone) -> Self {
        Self::internal(e)
    }
}

impl From<rusqlite::Error> for AwsError {
    fn from(e: rusqlite::Error) -> Self {
        // The transaction was rolled back, so a client may send the same request again.
        match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => {
                Self::internal("the disk of the endpoint's state directory is full; nothing was changed")
            }
            Some(rusqlite::ErrorCode::ReadOnly) => {
                Self::internal("the endpoint's state directory is read-only; nothing was changed")
            }
            _ => Self::internal(e),
        }
    }
}
