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
    /// Closed runs whose notification was due, and was sent by this call.
    #[serde(default)]
    pub notified: Vec<Swept>,
    /// Closed runs that had open jobs, written by a function that was late; closed by this call.
    #[serde(default)]
    pub settled: Vec<Swept>,
    /// Rows that cannot be read, wholly or in part. Those that name a run are also in one of the other lists.
    #[serde(default)]
    pub unreadable: Vec<UnreadableRow>,
}

/// A row of a run that is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableRow {
    /// Its key in the workflow audit table.
    pub key: String,
    /// What cannot be read.
    pub message: String,
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
