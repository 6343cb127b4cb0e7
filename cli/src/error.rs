//! What ends a command, as the operator reads it.

use std::fmt;

use rsqlflow_core::Problems;

use crate::exit;

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
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Input { message, hint } => serde_json::json!({ "error": message, "hint": hint }),
            Self::Workflow { what, problems } => {
                serde_json::json!({ "error": format!("{what} is not valid"), "problems": problems })
            }
            Self::Environment { error, hint } => {
                serde_json::json!({ "error": format!("{error:#}"), "hint": hint })
            }
        }
    }
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

impl From<rsqlflow_store::StoreError> for Failure {
    fn from(error: rsqlflow_store::StoreError) -> Self {
        let hint = error.is_missing_table().then(|| {
            "the table does not exist there: check the region, the endpoint and the table names".to_owned()
        });
        Self::Environment { error: error.into(), hint }
    }
}
