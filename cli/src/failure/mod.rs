//! The errors that end a command, their [`hint`]s, and the [`exit`] codes.

pub(crate) mod exit;
pub(crate) mod hint;

use std::fmt;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use rsqlflow_core::{Problem, Problems};
use rsqlflow_store::{ServiceError, StoreError};
use serde_json::{Value, json};

use self::hint::{hint_of, is_of_credentials};
use crate::output::{JSON_VERSION, counted};

/// A failed command: the error, and a hint.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A mistake in the input. Exit code 2.
    Input {
        /// The error.
        message: String,
        /// The hint.
        hint: Option<String>,
    },
    /// Every problem of a workflow. Exit code 2.
    Workflow {
        /// The file or item.
        what: String,
        /// The problems.
        problems: Problems,
    },
    /// A request that a function refused, with each problem. Exit code 2.
    Refused {
        /// The error.
        message: String,
        /// The problems.
        problems: Problems,
    },
    /// A problem of the environment. Exit code 3.
    Environment {
        /// The error with its causes.
        error: anyhow::Error,
        /// The hint.
        hint: Option<String>,
        /// Whether the call may succeed soon: the service did not answer or was busy.
        passes: bool,
    },
    /// A run that continues, but can no longer be read. Exit code 4.
    CannotFollow {
        /// The error with its causes.
        error: anyhow::Error,
        /// How to follow it again.
        hint: String,
    },
}

impl Failure {
    /// A mistake in the input, with a hint.
    pub(crate) fn input(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Input { message: message.into(), hint: Some(hint.into()) }
    }

    /// A problem of the environment, with a hint.
    pub(crate) fn environment(error: impl Into<anyhow::Error>, hint: impl Into<String>) -> Self {
        Self::Environment { error: error.into(), hint: Some(hint.into()), passes: false }
    }

    /// An error of an AWS service or an endpoint. `context` says which call failed.
    pub(crate) fn of_sdk<E>(error: &SdkError<E, HttpResponse>, context: String) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let error = ServiceError::of("", "", error);
        let hint = hint_of(error.code.as_deref(), &error.reason);
        let passes = passes(&error);
        Self::Environment { error: anyhow::Error::msg(error.reason).context(context), hint, passes }
    }

    /// The process's exit code.
    #[must_use]
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Input { .. } | Self::Workflow { .. } | Self::Refused { .. } => exit::BAD_INPUT,
            Self::Environment { .. } => exit::ENVIRONMENT,
            Self::CannotFollow { .. } => exit::CANNOT_FOLLOW,
        }
    }

    /// What went wrong, in one line.
    #[must_use]
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Input { message, .. } | Self::Refused { message, .. } => message.clone(),
            Self::Workflow { what, .. } => format!("{what} is not valid"),
            Self::Environment { error, .. } | Self::CannotFollow { error, .. } => format!("{error:#}"),
        }
    }

    /// As `--output json` shows it.
    #[must_use]
    pub(crate) fn to_json(&self) -> Value {
        let error = self.message();
        let mut document = match self {
            Self::Input { hint, .. } | Self::Environment { hint, .. } => {
                json!({ "error": error, "hint": hint })
            }
            Self::CannotFollow { hint, .. } => json!({ "error": error, "hint": hint }),
            Self::Workflow { problems, .. } | Self::Refused { problems, .. } => {
                json!({ "error": error, "problems": problems })
            }
        };
        document["version"] = json!(JSON_VERSION);
        document["exit_code"] = json!(self.exit_code());
        document
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = match self {
            Self::Input { message, hint } => {
                write!(f, "error: {message}")?;
                hint.as_ref()
            }
            Self::Workflow { what, problems } => {
                write!(f, "error: {what} has {}", counted(problems.len(), "problem"))?;
                return problems.iter().try_for_each(|problem| write_problem(f, problem));
            }
            Self::Refused { message, problems } => {
                write!(f, "error: {message}")?;
                return problems.iter().try_for_each(|problem| write_problem(f, problem));
            }
            Self::Environment { error, hint, .. } => {
                with_causes(f, error)?;
                hint.as_ref()
            }
            Self::CannotFollow { error, hint } => {
                with_causes(f, error)?;
                Some(hint)
            }
        };
        match hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// A problem and its hint, each on an indented line.
fn write_problem(f: &mut fmt::Formatter<'_>, problem: &Problem) -> fmt::Result {
    write!(f, "\n  {}", problem.to_string().replace('\n', "\n    "))
}

fn with_causes(f: &mut fmt::Formatter<'_>, error: &anyhow::Error) -> fmt::Result {
    write!(f, "error: {error}")?;
    error.chain().skip(1).try_for_each(|cause| write!(f, "\n  caused by: {cause}"))
}

/// Whether the call may succeed soon. Waiting does not renew credentials that are missing or expired, and the SDK has no
/// code for credentials that it could not load. The sign-in page of a proxy does not pass either.
fn passes(error: &ServiceError) -> bool {
    let is_not_of_aws = error.code.is_none()
        && (is_of_credentials(&error.reason) || error.status.is_some_and(|status| status < 400));
    error.class.passes_by_itself() && !is_not_of_aws
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Environment { error, hint: None, passes: false }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let hint = match &error {
            StoreError::Service(error) => hint_of(error.code.as_deref(), &error.reason),
            StoreError::Corrupt { .. } | StoreError::Incompatible { .. } => Some(
                "update this program: a newer version or another program wrote the row; `rsqlflow --version` shows the version"
                    .to_owned(),
            ),
        };
        let passes = match &error {
            StoreError::Service(error) => passes(error),
            StoreError::Corrupt { .. } | StoreError::Incompatible { .. } => false,
        };
        Self::Environment { error: error.into(), hint, passes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsqlflow_store::ErrorClass;

    fn passes_with(code: Option<&str>, status: Option<u16>, reason: &str) -> bool {
        passes(&ServiceError {
            action: "",
            subject: String::new(),
            code: code.map(str::to_owned),
            status,
            reason: reason.to_owned(),
            class: ErrorClass::of(code, status),
        })
    }

    #[test]
    fn expired_credentials_do_not_pass() {
        assert!(passes_with(Some("ThrottlingException"), Some(400), "ThrottlingException"));
        for code in ["AccessDeniedException", "ResourceNotFoundException", "ExpiredTokenException"] {
            assert!(!passes_with(Some(code), Some(400), code), "{code}");
        }
    }

    #[test]
    fn without_a_code_only_silence_and_faults_of_the_server_pass() {
        let refused =
            "dispatch failure: io error: client error (Connect): tcp connect error: Connection refused";
        assert!(passes_with(None, None, refused));
        assert!(passes_with(None, Some(502), "unhandled error"), "a proxy whose service is down");
        assert!(!passes_with(None, Some(403), "unhandled error"), "a proxy that forbids");
        assert!(!passes_with(None, Some(200), "response error"), "a sign-in page");
        for reason in [
            "dispatch failure: other: the credential provider was not enabled: no providers in chain provided \
             credentials",
            "dispatch failure: other: an error occurred while loading credentials: the SSO token has expired",
        ] {
            assert!(!passes_with(None, None, reason), "{reason}");
        }
        let renewing = "dispatch failure: other: an error occurred while loading credentials: dispatch failure: io \
            error: client error (Connect): dns error: failed to lookup address information";
        assert!(
            passes_with(None, None, renewing),
            "without network they cannot be renewed, with it they can"
        );
    }
}
