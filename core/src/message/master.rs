//! What the master machine keeps, and master-iterator tells it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ChildInput;
use crate::plan::ChunkRef;
use crate::{ExecutionId, Seconds, WorkflowId};

/// Input of the master machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterInput {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// Its workflow, for people who read the execution's input.
    pub workflow_id: WorkflowId,
}

/// What a Catch knows of an error, in the form in which the service writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Trouble {
    /// The error's name.
    #[serde(default)]
    pub error: String,
    /// More about it.
    #[serde(default)]
    pub cause: String,
}

/// To master-iterator: the master's input at first, then its own last answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterRequest {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// The chunk that is over; none at the start.
    #[serde(default)]
    pub after: Option<ChunkRef>,
    /// Whether jobs of earlier chunks of its stage failed.
    #[serde(default)]
    pub stage_failed: bool,
    /// Why the chunk's execution failed, if it did.
    #[serde(default)]
    pub trouble: Option<Trouble>,
}

/// From master-iterator: what comes next. The master keeps it as its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterAnswer {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// Which branch the master takes.
    pub next: Next,
    /// The chunk that the branch runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<ChunkRef>,
    /// Whether jobs of earlier chunks of its stage failed.
    pub stage_failed: bool,
    /// Name of the child execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Longest time of the child execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Seconds>,
    /// Input of the child execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<ChildInput>,
    /// What broke the run, beside its jobs. Always written: a path of the machine leads to it.
    pub trouble: Option<Trouble>,
}

/// A branch of the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// A chunk of a sequential stage.
    Sequential,
    /// A chunk of a parallel stage.
    Parallel,
    /// The run is over.
    Done,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.error.as_str(), self.cause.as_str()) {
            ("", cause) => f.write_str(cause),
            (error, "") => f.write_str(error),
            (error, cause) => write!(f, "{error}: {cause}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_masters_input_and_a_caught_state_are_requests() {
        let first: MasterRequest =
            serde_json::from_value(json!({ "workflow_execution_id": "e", "workflow_id": "w" })).unwrap();
        assert_eq!((first.after, first.stage_failed, first.trouble), (None, false, None));
        let caught: MasterRequest = serde_json::from_value(json!({
            "workflow_execution_id": "e", "next": "parallel", "after": { "stage": 1, "chunk": 0 },
            "stage_failed": true, "name": "e-s0001-c000", "timeout": 5, "input": { "stage": 1 },
            "trouble": { "Error": "States.TaskFailed", "Cause": "{}" },
        }))
        .unwrap();
        assert_eq!(caught.after, Some(ChunkRef { stage: 1, chunk: 0 }));
        assert_eq!(caught.trouble.unwrap().to_string(), "States.TaskFailed: {}");
    }

    #[test]
    fn an_answer_always_has_its_trouble() {
        let answer = MasterAnswer {
            workflow_execution_id: ExecutionId::new("e").unwrap(),
            next: Next::Done,
            after: None,
            stage_failed: false,
            name: None,
            timeout: None,
            input: None,
            trouble: None,
        };
        assert_eq!(
            serde_json::to_value(answer).unwrap(),
            json!({ "workflow_execution_id": "e", "next": "done", "stage_failed": false, "trouble": null })
        );
    }
}
