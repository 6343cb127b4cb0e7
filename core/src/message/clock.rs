//! To and from clock: statements that are due, and runs whose end nobody told.

use serde::{Deserialize, Serialize};

use crate::{ExecutionId, WorkflowId};

/// To clock. A schedule's event is one too, and that of a statement's end: fields that nobody reads are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockRequest {
    /// Of runs: only look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Look at every run of the table, and not only at those that its index shows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// Do only this part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<ClockPart>,
    /// Of an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<StatementEnded>,
}

/// A part of what the clock does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockPart {
    /// Jobs that are statements of the Redshift Data API.
    Statements,
    /// Runs that were left open, or whose end was not told.
    Runs,
}

/// What an event of the Redshift Data API says of a statement that has ended (`Redshift Data Statement Status Change`).
/// It is a hint: the service is asked how the statement stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementEnded {
    /// Its name, which leads to its job.
    #[serde(default, rename = "statementName", skip_serializing_if = "Option::is_none")]
    pub statement_name: Option<String>,
}

/// From clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockAnswer {
    /// How many statements were due.
    pub statements: usize,
    /// The runs that were looked at.
    #[serde(flatten)]
    pub runs: SweepAnswer,
}

/// Of runs: every run that was open, each in one list.
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

/// A run that the clock found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// Which.
    pub workflow_execution_id: ExecutionId,
    /// Of which workflow.
    pub workflow_id: WorkflowId,
    /// How it was closed, why it will be, or what is in the way.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_requests() {
        let read = |event| serde_json::from_value::<ClockRequest>(event).unwrap();
        let rule =
            json!({ "version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
        let tick = read(rule);
        assert_eq!((tick.only, tick.dry_run, tick.detail), (None, false, Some(StatementEnded::default())));
        let ended = read(json!({
            "source": "aws.redshift-data", "detail-type": "Redshift Data Statement Status Change",
            "detail": { "statementId": "1", "statementName": "run-1/0000#00001/1", "state": "FINISHED" },
        }));
        assert_eq!(ended.detail.unwrap().statement_name.as_deref(), Some("run-1/0000#00001/1"));
        assert_eq!(read(json!({})), ClockRequest::default());
    }
}
