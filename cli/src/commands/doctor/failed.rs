//! The check of a call that failed.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use rsqlflow_core::check::Check;

use crate::failure::Failure;

/// The check of a call that failed. Without permission, the result is unknown and the hint names the `action` to ask
/// for. Otherwise the hint is that of the failure, or else `hint`.
pub(super) fn failed<E>(
    name: impl Into<String>,
    error: &SdkError<E, HttpResponse>,
    action: &str,
    hint: &str,
) -> Check
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let operation = action.rsplit(':').next().unwrap_or(action).to_owned();
    let failure = Failure::of_sdk(error, operation);
    if matches!(code(error), "AccessDenied" | "UnauthorizedOperation" | "NotAuthorized") {
        return Check::unknown(name, parts(failure).0, format!("ask for the permission {action}"));
    }
    of_failure(name, failure, hint)
}

/// The check of a failure: its own hint, or else `hint`.
pub(super) fn of_failure(name: impl Into<String>, failure: Failure, hint: &str) -> Check {
    let (found, own) = parts(failure);
    Check::failed(name, found, own.unwrap_or_else(|| hint.to_owned()))
}

/// Whether the endpoint does not have the operation. An endpoint that is not AWS need not have every service, so this
/// is not a finding.
pub(super) fn is_not_offered<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    status == Some(501) || matches!(code(error), "InvalidAction" | "UnknownOperation" | "NotImplemented")
}

fn code<E>(error: &SdkError<E, HttpResponse>) -> &str
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    code.strip_suffix("Exception").unwrap_or(code)
}

/// The message of a failure, and its hint.
fn parts(failure: Failure) -> (String, Option<String>) {
    match failure {
        Failure::Input { message, hint } => (message, hint),
        Failure::Environment { error, hint, .. } => (format!("{error:#}"), hint),
        Failure::CannotFollow { error, hint } => (format!("{error:#}"), Some(hint)),
        listed @ (Failure::Workflow { .. } | Failure::Refused { .. }) => (listed.to_string(), None),
    }
}
