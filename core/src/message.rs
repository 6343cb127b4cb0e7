//! What the functions are called with and answer: the contract between state machines, Lambda functions and the
//! operator's command. Payloads carry ids and positions; everything else is in the tables.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plan::{ChunkInput, ChunkRef};
use crate::{ExecutionId, JobId, Reply, TaskToken, Timestamp, TokenEntered, WorkflowId};

/// To `workflow-trigger`, from users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerRequest {
    /// Which workflow.
    pub workflow_id: WorkflowId,
    /// Names the run. With a name the call can be repeated: it ends in the same one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_execution_id: Option<ExecutionId>,
    /// Overrides of the workflow's parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
}

/// From `workflow-trigger`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerAnswer {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// Its master execution.
    pub execution_arn: String,
    /// Whether this call started it.
    pub status: TriggerStatus,
}

/// What a trigger came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerStatus {
    /// This call started the run.
    Started,
    /// An earlier call had started it.
    AlreadyStarted,
}

/// Input of the master machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterInput {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// For people who read the execution in the console.
    pub workflow_id: WorkflowId,
    /// Nothing went before the first chunk.
    pub after: Option<Progress>,
}

/// How far the master is: the chunk that has been run, and whether its stage has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The chunk.
    #[serde(flatten)]
    pub at: ChunkRef,
    /// A job of this stage, in an earlier chunk, did not complete, and that fails the workflow.
    pub failed: bool,
}

/// To `master-iterator`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextRequest {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// What has been run.
    pub after: Option<Progress>,
}

/// From `master-iterator`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Next {
    /// Run a chunk in order.
    Sequential(ChildStart<SequentialInput>),
    /// Run a chunk at once.
    Parallel(ChildStart<ParallelInput>),
    /// Nothing is left, or nothing may follow: close the run.
    Done,
}

/// A child execution to start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChildStart<I> {
    /// Its name, which follows from run and chunk: it cannot be started twice.
    pub name: String,
    /// `TimeoutSeconds` of the task that waits for it.
    pub timeout: u64,
    /// Its input.
    pub input: I,
    /// What the master remembers.
    pub after: Progress,
}

/// Input of the sequential machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequentialInput {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// The chunk.
    #[serde(flatten)]
    pub at: ChunkRef,
    /// What a failed job means.
    pub on_failure: crate::config::OnFailure,
}

/// Input of the parallel machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParallelInput {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// The chunk with its items.
    #[serde(flatten)]
    pub chunk: ChunkInput,
}

/// To `sequential-iterator` and `parallel-load-check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRequest {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// The chunk.
    #[serde(flatten)]
    pub at: ChunkRef,
}

/// To `rsql-invoke`, from a waiting task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvokeRequest {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// The job's stage.
    pub stage: u16,
    /// The job's position in the stage.
    pub position: u32,
    /// `$$.Task.Token`.
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

    /// Where its end is reported.
    #[must_use]
    pub fn reply(&self) -> Reply {
        Reply {
            token: self.task_token.clone(),
            entered: TokenEntered { at: self.entered, retry: self.retry },
        }
    }
}

/// To `update-audit`, from the master's last state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CloseRequest {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// The master's data; `error` in it says that the master could not go on.
    #[serde(default)]
    pub state: Value,
}

impl CloseRequest {
    /// Why the master could not go on, if it could not.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let error = self.state.get("error")?;
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        // The cause of a failed function is JSON with the function's own message.
        let cause = text("Cause");
        let message = serde_json::from_str::<Value>(cause)
            .ok()
            .and_then(|c| c.get("errorMessage").and_then(Value::as_str).map(str::to_owned))
            .unwrap_or_else(|| cause.to_owned());
        Some(format!("{}: {message}", text("Error")))
    }
}

/// The name of a chunk's child execution: `<run>-s0003-c002`.
#[must_use]
pub fn child_name(run: &ExecutionId, at: ChunkRef) -> String {
    format!("{run}-s{:04}-c{:03}", at.stage, at.chunk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn payloads_are_as_the_machines_write_them() {
        let request: InvokeRequest = serde_json::from_value(json!({
            "workflow_execution_id": "e", "stage": 3, "position": 17, "task_token": "T",
            "entered": "2026-11-21T06:15:00.123Z", "retry": 2,
        }))
        .unwrap();
        assert_eq!(request.job().to_string(), "0003#00017");
        assert_eq!(request.reply().entered.to_string(), "2026-11-21T06:15:00.123Z#00002");

        let after = Progress { at: ChunkRef { stage: 3, chunk: 2 }, failed: false };
        assert_eq!(serde_json::to_value(after).unwrap(), json!({ "stage": 3, "chunk": 2, "failed": false }));
        assert_eq!(serde_json::to_value(Next::Done).unwrap(), json!({ "kind": "done" }));
        assert_eq!(child_name(&ExecutionId::new("e").unwrap(), after.at), "e-s0003-c002");
    }

    #[test]
    fn a_fault_says_what_the_function_said() {
        let request = |state| CloseRequest { workflow_execution_id: ExecutionId::new("e").unwrap(), state };
        assert_eq!(request(json!({ "kind": "done" })).fault(), None);
        let cause = json!({ "errorType": "Internal", "errorMessage": "no plan" }).to_string();
        let fault = request(json!({ "error": { "Error": "Internal", "Cause": cause } })).fault();
        assert_eq!(fault.as_deref(), Some("Internal: no plan"));
        let plain = request(json!({ "error": { "Error": "States.Timeout", "Cause": "" } })).fault();
        assert_eq!(plain.as_deref(), Some("States.Timeout: "));
    }
}
