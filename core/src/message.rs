//! What the state machines, the functions and the command line say to each other.
//!
//! A reader ignores what it does not know, for old machines meet new functions.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::OnFailure;
use crate::plan::{ChunkRef, Limit};
use crate::protocol::{Reply, TokenEntered};
use crate::restart::ConfigChoice;
use crate::{ExecutionId, JobId, Seconds, TaskToken, Timestamp, WorkflowId, WorkflowStatus};

/// To workflow-trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerRequest {
    /// Which workflow.
    pub workflow_id: WorkflowId,
    /// The run's id, so that a call can be made again; without it each call is a run of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_execution_id: Option<ExecutionId>,
    /// Overrides of the workflow's parameters: an object of texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// Go on with a run that ended, instead of beginning anew. Not together with `parameters`: a restart keeps the
    /// first run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartRequest>,
}

/// What to restart, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestartRequest {
    /// The run that ended, of the same workflow.
    pub workflow_execution_id: ExecutionId,
    /// Run all jobs of this stage, from 1, and of those after it. Without this and `job_ids`: those that are not
    /// done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_stage: Option<u16>,
    /// Run exactly these jobs, such as `0003#00017`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub job_ids: Vec<JobId>,
    /// Which config to run, where it changed meanwhile; without it such a restart is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ConfigChoice>,
    /// Restart it although it was restarted before: what the other restart did is then done twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// From workflow-trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerAnswer {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// Its master execution.
    pub execution_arn: String,
    /// Whether this call began it.
    pub status: TriggerStatus,
    /// How the run stands.
    pub workflow_status: WorkflowStatus,
}

/// What a trigger did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerStatus {
    /// The run began with this call.
    Started,
    /// An earlier call had begun it; it may have ended.
    AlreadyStarted,
}

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

/// What a child execution is given, beside the run's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildInput {
    /// Stage, from 0.
    pub stage: u16,
    /// Chunk of the stage, from 0.
    pub chunk: u16,
    /// What a failed job means.
    pub on_failure: OnFailure,
    /// What only a parallel chunk gets: a sequential one asks sequential-iterator.
    #[serde(flatten)]
    pub parallel: Option<ParallelInput>,
}

/// The part of a [`ChildInput`] that only the parallel machine reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParallelInput {
    /// Most jobs at once.
    pub max_concurrency: u32,
    /// The jobs.
    #[serde(flatten)]
    pub items: Items,
}

/// The jobs of a chunk as a Map takes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Items {
    /// A job each: its position in the stage, and which of `limits` is its own.
    pub items: Vec<(u32, u16)>,
    /// The distinct limits of the jobs.
    pub limits: Vec<Limit>,
}

/// To sequential-iterator and parallel-load-check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRequest {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// Stage, from 0.
    pub stage: u16,
    /// Chunk of the stage, from 0.
    pub chunk: u16,
}

impl ChunkRequest {
    /// The chunk's place.
    #[must_use]
    pub const fn at(&self) -> ChunkRef {
        ChunkRef { stage: self.stage, chunk: self.chunk }
    }
}

/// An answer that says nothing: the rows hold what there is to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

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
    /// The job is over; the token was told how.
    Answered,
    /// A later try of the state is known, so nobody waits on this token.
    Superseded,
}

/// To update-audit: from the master's last state, or of its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AuditRequest {
    /// EventBridge's event of an execution's end.
    Ended(ExecutionEnded),
    /// The master's last state.
    Finished {
        /// The run.
        workflow_execution_id: ExecutionId,
        /// What broke the run, beside its jobs.
        #[serde(default)]
        trouble: Option<Trouble>,
    },
}

/// `Step Functions Execution Status Change` (Step Functions developer guide, "Automating Step Functions event
/// delivery with EventBridge"). Fields that nobody reads are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionEnded {
    /// What is told of the execution.
    pub detail: ExecutionDetail,
}

/// The body of [`ExecutionEnded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionDetail {
    /// The execution.
    pub execution_arn: String,
    /// Its machine.
    pub state_machine_arn: String,
    /// Its name: of a master, the run's id.
    pub name: String,
    /// How it ended, as the service writes it.
    pub status: ExecutionStatus,
    /// Its error, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// Status of an execution as the service writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutionStatus {
    /// Not ended.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended by an error.
    Failed,
    /// Ran into its time limit.
    TimedOut,
    /// Stopped from outside.
    Aborted,
    /// To be run again from where it failed.
    PendingRedrive,
}

/// From update-audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditAnswer {
    /// How the run ended; none if the event was of no run of ours.
    pub workflow_status: Option<WorkflowStatus>,
}

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

/// The name of the child execution that runs a chunk: `<id>-s0003-c002`.
#[must_use]
pub fn child_name(id: &ExecutionId, at: ChunkRef) -> String {
    format!("{id}-s{:04}-c{:03}", at.stage, at.chunk)
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

    #[test]
    fn a_sequential_child_gets_ids_only() {
        let small = ChildInput { stage: 3, chunk: 2, on_failure: OnFailure::Finish, parallel: None };
        let json = json!({ "stage": 3, "chunk": 2, "on_failure": "finish" });
        assert_eq!(serde_json::to_value(&small).unwrap(), json);
        assert_eq!(serde_json::from_value::<ChildInput>(json).unwrap(), small);
    }

    #[test]
    fn an_event_and_a_call_are_told_apart() {
        let event = json!({
            "version": "0", "detail-type": "Step Functions Execution Status Change", "source": "aws.states",
            "detail": { "executionArn": "arn:e", "stateMachineArn": "arn:m", "name": "run-1",
                "status": "TIMED_OUT", "startDate": 1, "input": "{}", "output": null },
        });
        let AuditRequest::Ended(ended) = serde_json::from_value(event).unwrap() else { panic!() };
        assert_eq!((ended.detail.status, ended.detail.name.as_str()), (ExecutionStatus::TimedOut, "run-1"));
        let call = json!({ "workflow_execution_id": "run-1", "trouble": null });
        assert!(matches!(
            serde_json::from_value(call).unwrap(),
            AuditRequest::Finished { trouble: None, .. }
        ));
    }

    #[test]
    fn the_longest_child_name_is_an_execution_name() {
        let id = ExecutionId::new("x".repeat(60)).unwrap();
        let name = child_name(&id, ChunkRef { stage: 9_998, chunk: 19 });
        assert!(name.ends_with("-s9998-c019") && name.len() <= 80, "{name}");
    }

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
