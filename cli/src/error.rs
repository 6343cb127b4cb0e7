//! What ends a command, as the operator reads it.

use std::fmt;
use std::sync::OnceLock;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use rsqlflow_core::Problems;
use rsqlflow_core::env::AWS_PROFILE;
use rsqlflow_store::StoreError;
use serde_json::{Value, json};

use crate::exit;
use crate::report::JSON_VERSION;

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
    /// The surroundings. Exit code 3.
    Environment {
        /// What failed, and why, down to the last cause.
        error: anyhow::Error,
        /// What to do.
        hint: Option<String>,
    },
}

impl Failure {
    /// A mistake with a mend.
    pub(crate) fn input(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Input { message: message.into(), hint: Some(hint.into()) }
    }

    /// A fault of the surroundings with a mend.
    pub(crate) fn environment(error: impl Into<anyhow::Error>, hint: impl Into<String>) -> Self {
        Self::Environment { error: error.into(), hint: Some(hint.into()) }
    }

    /// What an AWS service, or an endpoint, has against a call; `context` says what was tried.
    pub(crate) fn of_sdk<E, R>(error: &SdkError<E, R>, context: String) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug + 'static,
    {
        let service = error.as_service_error();
        let code = service.and_then(|e| e.code());
        let reason = match service.map(|e| (e.code(), e.message())) {
            Some((Some(code), Some(message))) => format!("{code}: {message}"),
            Some((Some(code), None)) => code.to_owned(),
            _ => rsqlflow_store::causes(error),
        };
        let hint = hint_of(code, &reason);
        Self::Environment { error: anyhow::Error::msg(reason).context(context), hint }
    }

    /// The process's exit code.
    #[must_use]
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Input { .. } | Self::Workflow { .. } => exit::BAD_INPUT,
            Self::Environment { .. } => exit::ENVIRONMENT,
        }
    }

    /// As `--output json` shows it.
    #[must_use]
    pub(crate) fn to_json(&self) -> Value {
        let mut document = match self {
            Self::Input { message, hint } => json!({ "error": message, "hint": hint }),
            Self::Workflow { what, problems } => {
                json!({ "error": format!("{what} is not valid"), "problems": problems })
            }
            Self::Environment { error, hint } => json!({ "error": format!("{error:#}"), "hint": hint }),
        };
        document["version"] = json!(JSON_VERSION);
        document["exit_code"] = json!(self.exit_code());
        document
    }
}

/// What to do about an error of a service.
fn hint_of(code: Option<&str>, reason: &str) -> Option<String> {
    // As the endpoint's own services say it, and as its DynamoDB does (SQLite's result code SQLITE_FULL).
    if reason.contains("disk is full") || reason.contains("state directory is full") {
        return Some(
            "make room on the disk of the state directory, and try again; nothing was changed".to_owned(),
        );
    }
    let code = code.map(|code| code.strip_suffix("Exception").unwrap_or(code));
    let hint = match code {
        Some("ExpiredToken" | "RequestExpired") => return Some(sign_in("the credentials have expired")),
        Some(
            "UnrecognizedClient" | "InvalidClientTokenId" | "InvalidSignature" | "SignatureDoesNotMatch",
        ) => "AWS does not know these credentials: check the profile and the region",
        Some("AccessDenied" | "AccessDeniedException" | "NotAuthorized") => {
            "ask for the permission that the message names; docs/cli.md lists what each command needs"
        }
        Some("ResourceNotFound") => {
            "it does not exist there: check region, endpoint and RSQLFLOW_PREFIX; `rsqlflow config` shows them"
        }
        Some(_) => return None,
        None if is_sso(reason) => return Some(sign_in("nobody is signed in")),
        None if reason.contains("credentials") || reason.contains("Credentials") => {
            "give --profile or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws configure` and `aws configure sso` \
             write profiles"
        }
        None if reason.contains("dispatch failure") || reason.contains("connect") => {
            "nothing answers there: check the address, and that the endpoint runs; `rsqlflow doctor` looks closer"
        }
        None => return None,
    };
    Some(hint.to_owned())
}

/// Whether it is a session of IAM Identity Center that is missing or over. The SDK has no code for it.
fn is_sso(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    ["sso token", "sso session", "token cache", "cached token", "sso/cache"]
        .iter()
        .any(|part| reason.contains(part))
}

/// How to sign in again, with the profile that is meant.
fn sign_in(why: &str) -> String {
    let profile = PROFILE.get().cloned().or_else(|| std::env::var(AWS_PROFILE).ok());
    match profile.filter(|profile| !profile.is_empty()) {
        Some(profile) => format!("{why}: aws sso login --profile {profile}, or renew the profile's keys"),
        None => format!("{why}: sign in again, such as with aws sso login --profile NAME"),
    }
}

/// The profile that the command line names, for hints.
static PROFILE: OnceLock<String> = OnceLock::new();

/// Notes it.
pub(crate) fn of_profile(profile: &str) {
    let _ = PROFILE.set(profile.to_owned());
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = match self {
            Self::Input { message, hint } => {
                write!(f, "error: {message}")?;
                hint
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
            Self::Environment { error, hint } => {
                write!(f, "error: {error}")?;
                for cause in error.chain().skip(1) {
                    write!(f, "\n  caused by: {cause}")?;
                }
                hint
            }
        };
        match hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Environment { error, hint: None }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let hint = match &error {
            StoreError::Service { code, reason, .. } => hint_of(code.as_deref(), reason),
            StoreError::Corrupt { .. } | StoreError::Incompatible { .. } => Some(
                "another program, or a newer version of this one, wrote it; `rsqlflow --version` says which this is"
                    .to_owned(),
            ),
        };
        Self::Environment { error: error.into(), hint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_however_a_service_says_it() {
        for reason in [
            "InternalServerError: backend: database or disk is full",
            "InternalFailure: the disk of the endpoint's state directory is full; nothing was changed",
        ] {
            let hint = hint_of(Some("InternalServerError"), reason).unwrap();
            assert!(hint.starts_with("make room on the disk"), "{hint}");
        }
        assert_eq!(hint_of(Some("InternalServerError"), "InternalServerError: other"), None);
    }
}
