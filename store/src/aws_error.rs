//! Classifies errors of AWS services: what may be retried, what is throttled, what is denied, and what is permanent.
//!
//! This is the only place that classifies error codes. Functions, agents and commands use [`ErrorClass::of`], or create a
//! [`ServiceError`] from an error of the SDK.

use std::fmt;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// What a caller can do about an error of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The service requests fewer calls, and did not execute the call. Wait, with jitter, and retry.
    Throttled,
    /// The service was busy, failed, or did not answer. It is not known whether the call was executed. Retry.
    Unavailable,
    /// The credentials expired, or the service does not accept them. A process whose credentials are renewed may retry. A person
    /// has to sign in.
    Credentials,
    /// The caller lacks a permission. A retry does not help.
    Denied,
    /// The service refused the call for another reason, and will refuse it again.
    Refused,
}

/// One row of the table: a class and its codes, without the ending `Exception`.
const TABLE: [(ErrorClass, &[&str]); 4] = [
    // "Retry behavior" in the AWS SDKs and Tools Reference Guide lists the codes of all services; the rest are from the
    // API references of Step Functions (`ExecutionLimitExceeded`, `KmsThrottling`), SNS (`KMSThrottling`) and the
    // Redshift Data API (`Active…Exceeded`).
    (
        ErrorClass::Throttled,
        &[
            "ActiveSessionsExceeded",
            "ActiveStatementsExceeded",
            "ActiveWaitingRequestsExceeded",
            "BandwidthLimitExceeded",
            "EC2Throttled",
            "ExecutionLimitExceeded",
            "KMSThrottling",
            "KmsThrottling",
            "LimitExceeded",
            "PriorRequestNotComplete",
            "ProvisionedThroughputExceeded",
            "RequestLimitExceeded",
            "RequestThrottled",
            "SlowDown",
            "Throttled",
            "Throttling",
            "TooManyRequests",
            "TransactionInProgress",
        ],
    ),
    // "Common errors" of the API references; `OperationAborted` (CloudWatch Logs), `ReplicatedWriteConflict` and
    // `TransactionConflict` (DynamoDB) ask for a repetition.
    (
        ErrorClass::Unavailable,
        &[
            "DatabaseConnection",
            "InternalError",
            "InternalFailure",
            "InternalServer",
            "InternalServerError",
            "InternalService",
            "InternalServiceError",
            "InternalServiceFault",
            "OperationAborted",
            "ReplicatedWriteConflict",
            "RequestTimeout",
            "ServiceUnavailable",
            "TransactionConflict",
        ],
    ),
    (
        ErrorClass::Credentials,
        &[
            "ExpiredToken",
            "IncompleteSignature",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignature",
            "MissingAuthenticationToken",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "UnrecognizedClient",
        ],
    ),
    (
        ErrorClass::Denied,
        &[
            "AccessDenied",
            "AuthorizationError",
            "KMSAccessDenied",
            "KmsAccessDenied",
            "NotAuthorized",
            "OptInRequired",
            "UnauthorizedOperation",
        ],
    ),
];

impl ErrorClass {
    /// The class of an error code and an HTTP status, each if the service answered with one.
    #[must_use]
    pub fn of(code: Option<&str>, status: Option<u16>) -> Self {
        let listed = code
            .map(base)
            .and_then(|code| TABLE.iter().find(|(_, codes)| codes.contains(&code)).map(|(class, _)| *class));
        match (listed, status) {
            (Some(class), _) => class,
            (None, Some(429)) => Self::Throttled,
            (None, Some(408 | 500..)) => Self::Unavailable,
            (None, Some(401 | 403 | 407)) if code.is_none() => Self::Denied,
            // An answer that cannot be parsed says nothing about the call.
            (None, Some(..=399)) if code.is_none() => Self::Unavailable,
            // Without a status there was no answer.
            (None, None) if code.is_none() => Self::Unavailable,
            (None, _) => Self::Refused,
        }
    }

    /// Whether a process whose credentials are renewed may retry the call.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::Credentials)
    }

    /// Whether the same call may succeed soon without any action.
    #[must_use]
    pub const fn passes_by_itself(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }
}

/// A code without its suffix: some services use `Throttling`, others `ThrottlingException`, for the same error.
fn base(code: &str) -> &str {
    code.strip_suffix("Exception").unwrap_or(code)
}

/// Whether a code says that no task waits for a task token any more (Step Functions API reference, `SendTaskSuccess`).
#[must_use]
pub fn is_token_closed(code: &str) -> bool {
    matches!(code, "TaskTimedOut" | "TaskDoesNotExist" | "InvalidToken")
}

/// A call that a service refused, or whose result is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// The action, such as `SendCommand`.
    pub action: &'static str,
    /// The resource. Empty if the action is sufficient.
    pub subject: String,
    /// The service's error code, if it answered.
    pub code: Option<String>,
    /// HTTP status, if it answered.
    pub status: Option<u16>,
    /// Code and message, or the whole chain of causes.
    pub reason: String,
    /// The class.
    pub class: ErrorClass,
}

impl ServiceError {
    /// From an error of the SDK. Only code, message and status of the raw answer are kept, because it may contain a task token
    /// or a password.
    #[must_use]
    pub fn of<E>(action: &'static str, subject: impl Into<String>, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let service = error.as_service_error();
        let code = service.and_then(ProvideErrorMetadata::code).map(str::to_owned);
        let reason = match (&code, service.and_then(ProvideErrorMetadata::message)) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.clone(),
            (None, _) => causes(error),
        };
        let status = error.raw_response().map(|response| response.status().as_u16());
        let class = match error {
            // The request could not be built, so it was never sent.
            SdkError::ConstructionFailure(_) => ErrorClass::Refused,
            _ => ErrorClass::of(code.as_deref(), status),
        };
        Self { action, subject: subject.into(), code, status, reason, class }
    }

    /// A call that timed out.
    #[must_use]
    pub fn no_answer(action: &'static str, subject: impl Into<String>) -> Self {
        Self {
            action,
            subject: subject.into(),
            code: None,
            status: None,
            reason: "timeout: no answer".to_owned(),
            class: ErrorClass::Unavailable,
        }
    }

    /// Whether the service answered with this code, with or without the ending `Exception`.
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref().is_some_and(|own| base(own) == base(code))
    }

    /// See [`ErrorClass::is_transient`].
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.class.is_transient()
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.action)?;
        if !self.subject.is_empty() {
            write!(f, " {}", self.subject)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for ServiceError {}

/// An error with all its causes, as they describe themselves.
///
/// Not the SDK's `DisplayErrorContext`, which adds each error's `Debug` with the raw answer: it may contain a task token or
/// a password.
#[must_use]
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        // Some wrappers repeat the message of the wrapped error.
        if !text.ends_with(&part) {
            text = format!("{text}: {part}");
        }
        next = cause.source();
    }
    text
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
    fn causes_are_shown_without_what_they_hold() {
        assert!(format!("{:?}", Inner { answer: "secret" }).contains("secret"));
        assert_eq!(causes(&Outer(Inner { answer: "secret" })), "outer: inner");
    }

    #[test]
    fn no_code_is_listed_twice() {
        let mut codes: Vec<&str> = TABLE.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        assert!(codes.iter().all(|code| !code.ends_with("Exception")));
    }

    #[test]
    fn the_class_follows_code_then_status() {
        for code in
            ["Throttling", "ThrottlingException", "TooManyRequestsException", "LimitExceededException"]
        {
            assert_eq!(ErrorClass::of(Some(code), Some(400)), ErrorClass::Throttled, "{code}");
        }
        for code in ["ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"] {
            assert_eq!(ErrorClass::of(Some(code), Some(400)), ErrorClass::Credentials, "{code}");
        }
        for code in ["AccessDenied", "AccessDeniedException", "KmsAccessDeniedException"] {
            assert_eq!(ErrorClass::of(Some(code), Some(400)), ErrorClass::Denied, "{code}");
        }
        for code in ["ValidationException", "ResourceNotFoundException", "InvalidInstanceId", "InvalidToken"]
        {
            assert_eq!(ErrorClass::of(Some(code), Some(400)), ErrorClass::Refused, "{code}");
        }
        assert_eq!(ErrorClass::of(Some("NotListed"), Some(503)), ErrorClass::Unavailable);
        assert_eq!(ErrorClass::of(Some("NotListed"), None), ErrorClass::Refused);
        assert_eq!(ErrorClass::of(None, None), ErrorClass::Unavailable);
        assert_eq!(ErrorClass::of(None, Some(502)), ErrorClass::Unavailable);
        assert_eq!(ErrorClass::of(None, Some(429)), ErrorClass::Throttled);
        assert_eq!(ErrorClass::of(None, Some(403)), ErrorClass::Denied, "a proxy that forbids");
        assert_eq!(ErrorClass::of(None, Some(404)), ErrorClass::Refused);
    }
}
