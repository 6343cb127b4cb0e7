//! The status of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `Running → Completed | Failed | TimedOut | Cancelled`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum WorkflowStatus {
    /// Triggered, and not yet closed.
    Running,
    /// Every stage went well, or was allowed to fail.
    Completed,
    /// A job failed and its stage does not continue, or the run could not continue.
    Failed,
    /// The master execution ran into its time limit.
    TimedOut,
    /// Somebody stopped it.
    Cancelled,
}

impl WorkflowStatus {
    /// Whether nothing will change it any more.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        !matches!(self, Self::Running)
    }

    /// The name as the tables hold it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::TimedOut => "TimedOut",
            Self::Cancelled => "Cancelled",
        }
    }
}

impl fmt::Display for WorkflowStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
