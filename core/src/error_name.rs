//! Names of the errors that state machines and callers of the functions see.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::protocol::JobStatus;

/// Every error name there is: of a failed task (`errorType` of a function, `error` of `SendTaskFailure`) and of
/// a machine's Fail state. The machines match some of them by name; a test holds the two to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ErrorName {
    /// A job's script failed or could not be started.
    JobFailed,
    /// A job ran longer than its timeout.
    JobTimedOut,
    /// A job was cancelled.
    JobCancelled,
    /// A job's agent vanished.
    JobLost,
    /// A job was not run: its row is newer than the agent.
    AgentTooOld,
    /// A job was not run: its row is older than what the agent still reads.
    AgentTooNew,
    /// A job that is to be launched has no row.
    JobNotFound,
    /// Jobs of a chunk failed, and the stage may not go on.
    StageFailed,
    /// Rows are still open that must be closed first. Ask again.
    StageNotSettled,
    /// The run did not complete.
    WorkflowFailed,
    /// Nobody knows whether a command was sent. A new try sends a new attempt, which the old one cannot harm.
    LaunchNotConfirmed,
    /// A service was busy or out of reach. Ask again.
    ServiceUnavailable,
    /// A service refused what it will refuse again: a permission, or a resource that is missing.
    ServiceRefused,
    /// An item of a table cannot be read, or belongs to a newer version.
    CorruptItem,
    /// A payload that no caller of ours sends.
    InvalidRequest,
    /// The deployment lacks a setting that the function needs.
    Misconfigured,
    /// The config table has no such workflow.
    WorkflowNotFound,
    /// The workflow's item, or the parameters given with it, break rules.
    InvalidWorkflow,
    /// The workflow runs already, and its `concurrency_policy` is `forbid`.
    WorkflowAlreadyRunning,
    /// The execution id belongs to a run of another workflow.
    ExecutionIdTaken,
    /// The workflow's item is another than that of the run to be restarted, and nobody said which one to run.
    WorkflowChanged,
    /// The run to be restarted is still open, was restarted before, or has nothing to run again.
    NotRestartable,
    /// There is no such run.
    ExecutionNotFound,
    /// A bug: a handler panicked, or answered with what cannot be written as JSON.
    Internal,
}

impl ErrorName {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::JobFailed,
        Self::JobTimedOut,
        Self::JobCancelled,
        Self::JobLost,
        Self::AgentTooOld,
        Self::AgentTooNew,
        Self::JobNotFound,
        Self::StageFailed,
        Self::StageNotSettled,
        Self::WorkflowFailed,
        Self::LaunchNotConfirmed,
        Self::ServiceUnavailable,
        Self::ServiceRefused,
        Self::CorruptItem,
        Self::InvalidRequest,
        Self::Misconfigured,
        Self::WorkflowNotFound,
        Self::InvalidWorkflow,
        Self::WorkflowAlreadyRunning,
        Self::ExecutionIdTaken,
        Self::WorkflowChanged,
        Self::NotRestartable,
        Self::ExecutionNotFound,
        Self::Internal,
    ];

    /// The name as machines and callers see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JobFailed => "JobFailed",
            Self::JobTimedOut => "JobTimedOut",
            Self::JobCancelled => "JobCancelled",
            Self::JobLost => "JobLost",
            Self::AgentTooOld => "AgentTooOld",
            Self::AgentTooNew => "AgentTooNew",
            Self::JobNotFound => "JobNotFound",
            Self::StageFailed => "StageFailed",
            Self::StageNotSettled => "StageNotSettled",
            Self::WorkflowFailed => "WorkflowFailed",
            Self::LaunchNotConfirmed => "LaunchNotConfirmed",
            Self::ServiceUnavailable => "ServiceUnavailable",
            Self::ServiceRefused => "ServiceRefused",
            Self::CorruptItem => "CorruptItem",
            Self::InvalidRequest => "InvalidRequest",
            Self::Misconfigured => "Misconfigured",
            Self::WorkflowNotFound => "WorkflowNotFound",
            Self::InvalidWorkflow => "InvalidWorkflow",
            Self::WorkflowAlreadyRunning => "WorkflowAlreadyRunning",
            Self::ExecutionIdTaken => "ExecutionIdTaken",
            Self::WorkflowChanged => "WorkflowChanged",
            Self::NotRestartable => "NotRestartable",
            Self::ExecutionNotFound => "ExecutionNotFound",
            Self::Internal => "Internal",
        }
    }

    /// Whether the same call may succeed later. Exactly these the machines retry by name.
    #[must_use]
    pub const fn is_retried(self) -> bool {
        matches!(self, Self::StageNotSettled | Self::LaunchNotConfirmed | Self::ServiceUnavailable)
    }

    /// Whether it says that a job is over, so that its stage may go on where it is to go on past failures.
    #[must_use]
    pub const fn is_of_job(self) -> bool {
        matches!(
            self,
            Self::JobFailed
                | Self::JobTimedOut
                | Self::JobCancelled
                | Self::JobLost
                | Self::AgentTooOld
                | Self::AgentTooNew
        )
    }

    /// The name of how a job ended, as its waiting task is told.
    #[must_use]
    pub fn of_job(status: JobStatus) -> Option<Self> {
        let name = status.error_name()?;
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is none of our error names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an error name")]
pub struct UnknownErrorName(pub String);

impl std::str::FromStr for ErrorName {
    type Err = UnknownErrorName;

    fn from_str(text: &str) -> Result<Self, UnknownErrorName> {
        Self::ALL.into_iter().find(|n| n.as_str() == text).ok_or_else(|| UnknownErrorName(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_serialise_as_themselves() {
        for name in ErrorName::ALL {
            assert_eq!(name.as_str().parse::<ErrorName>().unwrap(), name);
            assert_eq!(serde_json::to_value(name).unwrap(), serde_json::json!(name.as_str()));
        }
    }

    #[test]
    fn every_failed_job_has_its_name() {
        for status in JobStatus::ALL {
            let name = ErrorName::of_job(status);
            assert_eq!(name.map(ErrorName::as_str), status.error_name());
            assert!(name.is_none_or(ErrorName::is_of_job));
        }
    }
}
