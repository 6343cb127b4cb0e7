//! Errors of AWS services other than the tables', and names of their resources.

use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use rsqlflow_core::Machine;
use rsqlflow_store::causes;

use crate::HandlerError;

/// A service refused a call, or nobody knows what became of it.
#[derive(Debug, thiserror::Error)]
#[error("{action} {subject}: {reason}")]
pub struct ServiceError {
    /// What was tried, such as `SendCommand`.
    pub action: &'static str,
    /// On what.
    pub subject: String,
    /// The service's error code, where it answered.
    pub code: Option<String>,
    /// The whole chain of causes, as text: the SDK's own errors are generic over each operation.
    pub reason: String,
    /// Whether the call may have been made, or may succeed later: a timeout, a throttled or broken service. The
    /// SDK has tried several times before it says so.
    pub is_transient: bool,
}

impl ServiceError {
    pub(crate) fn of<E>(
        action: &'static str,
        subject: impl Into<String>,
        error: &SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let service = error.as_service_error();
        let code = service.and_then(|e| e.code()).map(str::to_owned);
        let reason = match service.map(|e| (e.code(), e.message())) {
            Some((Some(code), Some(message))) => format!("{code}: {message}"),
            Some((Some(code), None)) => code.to_owned(),
            _ => causes(error),
        };
        let broken = error.raw_response().is_some_and(|response| response.status().is_server_error());
        let is_transient = match error {
            SdkError::ConstructionFailure(_) => false,
            SdkError::ServiceError(_) => broken || code.as_deref().is_none_or(is_throttling),
            _ => true,
        };
        Self { action, subject: subject.into(), code, reason, is_transient }
    }

    pub(crate) fn has_code(&self, code: &str) -> bool {
        // Some services write `Code`, others `CodeException`, for the same error.
        self.code.as_deref().is_some_and(|c| c.strip_suffix("Exception").unwrap_or(c) == code)
    }
}

/// Codes by which services ask for patience (AWS SDKs and Tools reference guide, "Retry behavior").
fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "BandwidthLimitExceeded"
            | "InternalFailure"
            | "InternalServerError"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestTimeout"
            | "RequestTimeoutException"
            | "ServiceUnavailable"
            | "SlowDown"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
    )
}

/// The machine's ARN, without which nothing of it can be found.
pub(crate) fn machine_arn(machine: &Machine) -> Result<&str, HandlerError> {
    machine.arn.as_deref().ok_or_else(|| unknown_arn(machine))
}

fn unknown_arn(machine: &Machine) -> HandlerError {
    HandlerError::Misconfigured { what: format!("the ARN of the state machine {} is not set", machine.name) }
}

/// The ARN of a machine's execution, which its name decides.
pub(crate) fn execution_arn(machine: &Machine, name: &str) -> Result<String, HandlerError> {
    machine.execution_arn(name).ok_or_else(|| unknown_arn(machine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_named_by_its_machine() {
        let arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:rsqlflow-master".to_owned();
        let machine = Machine { name: "rsqlflow-master".into(), arn: Some(arn) };
        assert_eq!(
            execution_arn(&machine, "run-1").unwrap(),
            "arn:aws:states:eu-west-1:123456789012:execution:rsqlflow-master:run-1"
        );
        let unknown = Machine { arn: None, ..machine };
        assert!(matches!(execution_arn(&unknown, "run-1"), Err(HandlerError::Misconfigured { .. })));
    }
}
