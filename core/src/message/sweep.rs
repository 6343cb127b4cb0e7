//! To and from sweeper: runs whose end nobody told.

use serde::{Deserialize, Serialize};

use crate::{ExecutionId, WorkflowId};

/// To sweeper. A schedule's event is one too: fields that nobody reads are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepRequest {
    /// Only look.
    #[serde(default)]
    pub dry_run: bool,
}

/// From sweeper: every run that was open, each in one list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepAnswer {
    /// Closed by this call; with `dry_run`, those that a call would close.
    pub closed: Vec<Swept>,
    /// Their execution is over, and jobs of theirs are being stopped: sweep again.
    pub stopping: Vec<Swept>,
    /// At work, or just being started.
    pub running: Vec<ExecutionId>,
    /// Could not be looked at or closed.
    pub failed: Vec<Swept>,
}

/// A run that a sweeper found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// Which.
    pub workflow_execution_id: ExecutionId,
    /// Of which workflow.
    pub workflow_id: WorkflowId,
    /// How it was closed, why it will be, or what is in the way.
    pub message: String,
}
