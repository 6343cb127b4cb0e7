//! To and from rsql-invoke: one try of one job.

use serde::{Deserialize, Serialize};

use crate::protocol::{Reply, TokenEntered};
use crate::{ExecutionId, JobId, TaskToken, Timestamp};

/// To rsql-invoke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvokeRequest {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// Stage, from 0.
    pub stage: u16,
    /// Position in the stage, from 0.
    pub position: u32,
    /// The waiting try's reply address.
    pub task_token: TaskToken,
    /// `$$.State.EnteredTime`.
    pub entered: Timestamp,
    /// `$$.State.RetryCount`.
    pub retry: u16,
}

impl InvokeRequest {
    /// Which job.
    #[must_use]
    pub const fn job(&self) -> JobId {
        JobId::new(self.stage, self.position)
    }

    /// Whom to answer.
    #[must_use]
    pub fn reply(&self) -> Reply {
        Reply {
            token: self.task_token.clone(),
            entered: TokenEntered { at: self.entered, retry: self.retry },
        }
    }
}

/// Message of the line that rsql-invoke logs with each answer. A metric counts those with `retry` above 0.
pub const LAUNCHED: &str = "launcher";

/// From rsql-invoke. The machine discards it; logs and tests do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum InvokeAnswer {
    /// A command was sent for this attempt.
    Sent {
        /// The attempt.
        attempt: u32,
    },
    /// A running agent will find the token in the row.
    LeftToAgent {
        /// Its attempt.
        attempt: u32,
    },
    /// The job is a statement, which the clock keeps.
    LeftToClock {
        /// Its attempt.
        attempt: u32,
    },
    /// A service was busy or did not answer, and nothing else can be done now: when the task's heartbeat is over, the
    /// machine calls again.
    Waiting {
        /// The attempt that the row shows.
        attempt: u32,
    },
    /// The job is over; the token was told how.
    Answered,
    /// A later try of the state is known, so nobody waits on this token.
    Superseded,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_does_not_show_its_token() {
        let request: InvokeRequest = serde_json::from_value(json!({
            "workflow_execution_id": "e", "stage": 3, "position": 17, "task_token": "secret",
            "entered": "2026-11-21T06:15:00.123Z", "retry": 2,
        }))
        .unwrap();
        assert!(!format!("{request:?}").contains("secret"));
        assert_eq!(request.job().to_string(), "0003#00017");
        assert_eq!(request.reply().entered.to_string(), "2026-11-21T06:15:00.123Z#00002");
    }
}
