//! What ends a command, as the operator reads it: errors, their [`hint`]s, and the [`exit`] codes.

pub(crate) mod exit;
pub(crate) mod hint;

use std::fmt;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use rsqlflow_core::Problems;
use rsqlflow_store::{ServiceError, StoreError};
use serde_json::{Value, json};

use self::hint::{hint_of, is_of_credentials};
use crate::output::JSON_VERSION;

/// A failed command: what went wrong, and what to do about it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The user's mistake. Exit code 2.
    Input {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Every problem of a workflow. Exit code 2.
    Workflow {
        /// Which file or item.
        what: String,
        /// All of them.
        problems: Problems,
    },
    /// What a function has against a request, each problem for itself. Exit code 2.
    Refused {
        /// What it refuses.
        message: String,
        /// All of them.
        problems: Problems,
    },
    /// The surroundings. Exit code 3.
    Environment {
        /// What failed, and why, down to the last cause.
        error: anyhow::Error,
        /// What to do.
        hint: Option<String>,
        /// Whether the same may work in a moment: nobody answered, or the service was busy.
        passes: bool,
    },
    /// A run that is begun could be read no longer. Exit code 4.
    OutOfSight {
        /// What failed, and why, down to the last cause.
        error: anyhow::Error,
        /// How to see it again.
        hint: String,
    },
}

impl Failure {
    /// A mistake with a mend.
    pub(crate) fn input(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Input { message: message.into(), hint: Some(hint.into()) }
    }

    /// A fault of the surroundings with a mend.
    pub(crate) fn environment(error: impl Into<anyhow::Error>, hint: impl Into<String>) -> Self {
        Self::Environment { error: error.into(), hint: Some(hint.into()), passes: false }
    }

    /// What an AWS service, or an endpoint, has against a call; `context` says what was tried.
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
            Self::OutOfSight { .. } => exit::OUT_OF_SIGHT,
        }
    }

    /// What went wrong, in one line.
    #[must_use]
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Input { message, .. } | Self::Refused { message, .. } => message.clone(),
            Self::Workflow { what, .. } => format!("{what} is not valid"),
            Self::Environment { error, .. } | Self::OutOfSight { error, .. } => format!("{error:#}"),
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
            Self::OutOfSight { hint, .. } => json!({ "error": error, "hint": hint }),
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
                let count = problems.len();
                let noun = if count == 1 { "problem" } else { "problems" };
                write!(f, "error: {what} has {count} {noun}")?;
                for problem in problems {
                    write!(f, "\n  {problem}")?;
                }
                return Ok(());
            }
            Self::Refused { message, problems } => {
                write!(f, "error: {message}")?;
                return problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"));
            }
            Self::Environment { error, hint, .. } => {
                with_causes(f, error)?;
                hint.as_ref()
            }
            Self::OutOfSight { error, hint } => {
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

fn with_causes(f: &mut fmt::Formatter<'_>, error: &anyhow::Error) -> fmt::Result {
    write!(f, "error: {error}")?;
    error.chain().skip(1).try_for_each(|cause| write!(f, "\n  caused by: {cause}"))
}

/// Whether the same call may succeed in a moment. Credentials that are missing or expired are not renewed by waiting,
/// and the SDK has no code for those that it could not load. A page that asks for a sign-in, as some proxies send, stays.
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
                "another program, or a newer version of this one, wrote it; `rsqlflow --version` says which this is"
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
        assert!(passes_with(None, Some(502), "unhandled error"), "a proxy whose service is away");
        assert!(!passes_with(None, Some(403), "unhandled error"), "a proxy that forbids");
        assert!(!passes_with(None, Some(200), "response error"), "a page that asks for a sign-in");
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
