//! The machines as the interpreter plays them, the functions' parts spoken by the test: what each function is
//! sent, what comes of failures, and what it costs.

use std::sync::Arc;

use asl::{
    Callback, ChildExecution, Effect, Execution, ExecutionContext, Input, Seed, StartTask, Status, TaskId,
};
use jiff::{SignedDuration, Timestamp};
use rsqlflow_core::message::{AuditRequest, ChunkRequest, InvokeRequest, MasterRequest};
use rsqlflow_core::plan::CHUNK_JOBS;
use serde_json::{Value, json};

use super::tests::substitutions;
use super::*;

/// What the world does about a task.
enum Act {
    /// Answers it.
    Answer(Value),
    /// Fails it.
    Fail(&'static str),
    /// Takes the request, then reports through the token.
    Report(Callback),
    /// Takes the request and is never heard of again.
    Silence,
    /// Runs a child to this end.
    Child(Status, Option<&'static str>),
}

struct Played {
    execution: Execution,
    /// Every task that was started, in order.
    tasks: Vec<Arc<StartTask>>,
}

impl Played {
    fn status(&self) -> Status {
        self.execution.status()
    }

    fn transitions(&self) -> usize {
        self.execution
            .history()
            .iter()
            .filter(|e| e.to_json(false).to_string().contains("StateEntered\""))
            .count()
    }

    fn sent(&self, state: &str) -> Vec<Value> {
        self.tasks.iter().filter(|t| &*t.state == state).map(|t| t.lambda_event().unwrap()).collect()
    }

    fn error(&self) -> Option<String> {
        let history = self.execution.history();
        let last = history.last().unwrap().to_json(true);
        last.pointer("/executionFailedEventDetails/error").and_then(Value::as_str).map(str::to_owned)
    }
}

/// Plays a definition to its end. Time passes only when nothing else can happen.
fn play(machine: MachineKind, input: &Value, mut world: impl FnMut(&StartTask) -> Act) -> Played {
    let text = definition(machine, &substitutions()).unwrap();
    let parsed = Arc::new(asl::Definition::parse(&text).unwrap());
    let mut now: Timestamp = "2026-11-21T06:15:00Z".parse().unwrap();
    let context = ExecutionContext {
        execution_arn: "arn:aws:states:us-east-1:000000000000:execution:p-master:e".into(),
        execution_name: "e".into(),
        role_arn: "arn:aws:iam::000000000000:role/p".into(),
        start_time: now,
        input: input.clone(),
        state_machine_arn: "arn:aws:states:us-east-1:000000000000:stateMachine:p-master".into(),
        state_machine_name: "p-master".into(),
    };
    let mut execution = Execution::new(parsed, context, Seed::from_bytes([7; 32]));
    let mut tasks = Vec::new();
    let mut inputs = vec![Input::Start];
    while execution.ended().is_none() {
        let input = if inputs.is_empty() {
            now = execution.next_timer().expect("an execution that is not over waits for something").max(now);
            Input::Tick
        } else {
            now += SignedDuration::from_millis(1);
            inputs.remove(0)
        };
        for effect in execution.step(input, now).effects {
            if let Effect::StartTask(task) = effect {
                inputs.extend(act(&task, world(&task), now));
                tasks.push(task);
            }
        }
    }
    Played { execution, tasks }
}

fn act(task: &StartTask, act: Act, now: Timestamp) -> Vec<Input> {
    let id: TaskId = task.task;
    let taken = Input::TaskSubmitted { task: id, response: json!({}) };
    match act {
        Act::Answer(output) => vec![Input::TaskSucceeded { task: id, output }],
        Act::Fail(error) => {
            vec![Input::TaskFailed { task: id, error: Some(error.into()), cause: Some("{}".into()) }]
        }
        Act::Report(callback) => {
            vec![taken, Input::Callback { token: task.token.clone().unwrap(), callback }]
        }
        Act::Silence => vec![taken],
        Act::Child(status, error) => {
            let text = |path: &str| task.parameters.pointer(path).unwrap().as_str().unwrap().to_owned();
            let child = ChildExecution {
                execution_arn: "arn:aws:states:us-east-1:000000000000:execution:p:child".into(),
                name: text("/Name"),
                state_machine_arn: text("/StateMachineArn"),
                status,
                start_date: now,
                stop_date: now,
                input: task.parameters["Input"].clone(),
                output: (status == Status::Succeeded).then(|| json!({})),
                error: error.map(str::to_owned),
                cause: error.map(|_| "why".to_owned()),
            };
            vec![taken, Input::ChildEnded { task: id, child: Box::new(child) }]
        }
    }
}

fn done() -> Act {
    Act::Report(Callback::Success { output: json!({}) })
}

fn failed() -> Act {
    Act::Report(Callback::Failure { error: Some("JobFailed".into()), cause: Some("exit code 3".into()) })
}

fn items(jobs: u32) -> Value {
    let items: Vec<_> = (0..jobs).map(|position| json!([position, 0])).collect();
    json!({ "items": items, "limits": [{ "h": 60, "t": 600 }] })
}

fn chunk(on_failure: &str, jobs: u32) -> Value {
    let mut input = items(jobs);
    for (name, value) in [
        ("workflow_execution_id", json!("e")),
        ("stage", json!(3)),
        ("chunk", json!(2)),
        ("on_failure", json!(on_failure)),
        ("max_concurrency", json!(40)),
    ] {
        input[name] = value;
    }
    input
}

fn position(task: &StartTask) -> u32 {
    serde_json::from_value::<InvokeRequest>(task.lambda_event().unwrap()).unwrap().position
}

fn sequential(on_failure: &str, mut job: impl FnMut(u32) -> Act) -> Played {
    let input = json!({ "workflow_execution_id": "e", "stage": 3, "chunk": 2, "on_failure": on_failure });
    play(MachineKind::Sequential, &input, |task| match &*task.state {
        "HandOut" => Act::Answer(items(3)),
        _ => job(position(task)),
    })
}

fn parallel(on_failure: &str, mut job: impl FnMut(u32) -> Act, mut check: impl FnMut() -> Act) -> Played {
    play(MachineKind::Parallel, &chunk(on_failure, 3), |task| match &*task.state {
        "LoadCheck" => check(),
        _ => job(position(task)),
    })
}

fn positions(played: &Played) -> Vec<u64> {
    played.sent("RunJob").iter().map(|event| event["position"].as_u64().unwrap()).collect()
}

#[test]
fn a_sequential_chunk_costs_two_transitions_and_one_a_script() {
    let played = sequential("finish", |_| done());
    assert_eq!((played.status(), played.transitions()), (Status::Succeeded, 2 + 3));
    assert_eq!(positions(&played), [0, 1, 2]);
    let request: ChunkRequest = serde_json::from_value(played.sent("HandOut").remove(0)).unwrap();
    assert_eq!((request.stage, request.chunk), (3, 2));
    let job: InvokeRequest = serde_json::from_value(played.sent("RunJob").remove(2)).unwrap();
    assert_eq!((job.job().to_string().as_str(), job.retry), ("0003#00002", 0));
    assert_eq!(played.tasks[1].heartbeat_seconds, Some(60));
    assert_eq!(played.tasks[1].timeout_seconds, Some(600));
}

#[test]
fn a_sequential_chunk_stops_at_its_first_failure_unless_it_may_go_on() {
    let fail_second = |position| if position == 1 { failed() } else { done() };
    for on_failure in ["finish", "stop"] {
        let played = sequential(on_failure, fail_second);
        assert_eq!((played.status(), played.error().as_deref()), (Status::Failed, Some("StageFailed")));
        assert_eq!(positions(&played), [0, 1], "{on_failure}");
    }
    let played = sequential("continue", fail_second);
    assert_eq!((played.status(), played.transitions()), (Status::Succeeded, 2 + 3 + 2));
    assert_eq!(positions(&played), [0, 1, 2]);
}

#[test]
fn a_parallel_chunk_is_judged_when_all_its_jobs_are_over() {
    let good = parallel("finish", |_| done(), || Act::Answer(json!({})));
    assert_eq!((good.status(), good.transitions()), (Status::Succeeded, 2 + 3));
    assert!(serde_json::from_value::<ChunkRequest>(good.sent("LoadCheck").remove(0)).is_ok());

    let mut open = 2;
    let bad = parallel(
        "finish",
        |p| if p == 0 { failed() } else { done() },
        || {
            open -= 1;
            Act::Fail(if open >= 0 { "StageNotSettled" } else { "StageFailed" })
        },
    );
    assert_eq!((bad.status(), bad.error().as_deref()), (Status::Failed, Some("StageFailed")));
    assert_eq!(positions(&bad), [0, 1, 2]);
    assert_eq!(bad.sent("LoadCheck").len(), 3, "asked again until every row was closed");
}

#[test]
fn a_parallel_chunk_that_stops_waits_for_nobody_but_its_rows() {
    let played = parallel(
        "stop",
        |position| if position == 1 { failed() } else { Act::Silence },
        || Act::Fail("StageFailed"),
    );
    assert_eq!((played.status(), played.error().as_deref()), (Status::Failed, Some("StageFailed")));
    assert_eq!(played.sent("LoadCheck").len(), 1);
}

#[test]
fn a_silent_job_is_looked_at_again_with_a_new_token_and_not_for_ever() {
    let played = sequential("finish", |_| Act::Silence);
    assert_eq!(played.status(), Status::Failed);
    let tries: Vec<InvokeRequest> =
        played.sent("RunJob").into_iter().map(|event| serde_json::from_value(event).unwrap()).collect();
    assert_eq!(tries.iter().map(|t| t.retry).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert!(tries.windows(2).all(|pair| pair[0].reply().entered < pair[1].reply().entered));
    assert!(tries.windows(2).all(|pair| pair[0].task_token != pair[1].task_token));
}

#[test]
fn the_worst_chunk_fits_into_a_history() {
    let jobs = u32::try_from(CHUNK_JOBS).unwrap();
    let mut tries = std::collections::HashMap::new();
    let mut checks = 0;
    let world = |task: &StartTask| match &*task.state {
        "LoadCheck" => {
            checks += 1;
            Act::Fail(if checks <= 60 { "StageNotSettled" } else { "Lambda.Unknown" })
        }
        _ => {
            let count = tries.entry(position(task)).or_insert(0);
            *count += 1;
            if *count <= 3 { Act::Fail("LaunchNotConfirmed") } else { Act::Silence }
        }
    };
    let played = play(MachineKind::Parallel, &chunk("finish", jobs), world);
    assert_eq!(played.error().as_deref(), Some("Lambda.Unknown"), "every try of every state was used up");
    assert_eq!(played.sent("RunJob").len(), 8 * CHUNK_JOBS);
    assert_eq!(played.sent("LoadCheck").len(), 1 + 60 + 8);
    let events = played.execution.history().len();
    assert!((24_000..25_000).contains(&events), "{events}");
}

/// What master-iterator answers for a run of these chunks.
fn next(request: &MasterRequest, kinds: &[&str]) -> Value {
    let at = request.after.map_or(0, |after| usize::from(after.stage) + 1);
    match kinds.get(at) {
        None => {
            json!({ "workflow_execution_id": "e", "next": "done", "stage_failed": false, "trouble": null })
        }
        Some(kind) => {
            let mut input = json!({ "stage": at, "chunk": 0, "on_failure": "finish" });
            if *kind == "parallel" {
                input["max_concurrency"] = json!(40);
                input["items"] = json!([[0, 0], [1, 0]]);
                input["limits"] = json!([{ "h": 60, "t": 600 }]);
            }
            json!({ "workflow_execution_id": "e", "next": kind, "name": format!("e-s{at:04}-c000"),
                "timeout": 90_000, "input": input, "after": { "stage": at, "chunk": 0 },
                "stage_failed": false, "trouble": null })
        }
    }
}

fn master(
    kinds: &[&str],
    mut child: impl FnMut() -> Act,
    mut audit: impl FnMut(AuditRequest) -> Act,
) -> Played {
    let input = json!({ "workflow_execution_id": "e", "workflow_id": "w" });
    play(MachineKind::Master, &input, |task| match &*task.state {
        "NextChunk" => {
            Act::Answer(next(&serde_json::from_value(task.lambda_event().unwrap()).unwrap(), kinds))
        }
        "UpdateAudit" => audit(serde_json::from_value(task.lambda_event().unwrap()).unwrap()),
        _ => child(),
    })
}

#[test]
fn a_run_costs_three_transitions_a_chunk_and_three_at_its_end() {
    let kinds = ["sequential", "parallel", "parallel"];
    let played = master(&kinds, || Act::Child(Status::Succeeded, None), |_| Act::Answer(json!({})));
    assert_eq!((played.status(), played.transitions()), (Status::Succeeded, 3 * 3 + 3));
    // With children of 2 and their 6 scripts: the whole example of six scripts in three stages.
    assert_eq!(played.transitions() + 3 * 2 + 6, 24);
    let children: Vec<_> =
        played.tasks.iter().filter(|t| t.resource.as_str().contains("startExecution")).collect();
    assert_eq!(children[0].parameters["Name"], "e-s0000-c000");
    assert_eq!(children[0].parameters["Input"]["on_failure"], "finish");
    assert!(children[0].parameters["StateMachineArn"].as_str().unwrap().ends_with(":p-sequential"));
    assert_eq!(children[1].parameters["Input"]["items"], json!([[0, 0], [1, 0]]));
    assert!(children[1].parameters["StateMachineArn"].as_str().unwrap().ends_with(":p-parallel"));
}

#[test]
fn that_a_child_failed_is_told_to_the_judge_and_the_run_ends_as_failed() {
    let mut audited = Vec::new();
    let played = master(
        &["parallel"],
        || Act::Child(Status::Failed, Some("StageFailed")),
        |request| {
            audited.push(request);
            Act::Fail("WorkflowFailed")
        },
    );
    assert_eq!((played.status(), played.error().as_deref()), (Status::Failed, Some("WorkflowFailed")));
    let second: MasterRequest = serde_json::from_value(played.sent("NextChunk").remove(1)).unwrap();
    let trouble = second.trouble.unwrap();
    assert!(crate::closing::explains(rsqlflow_core::ErrorName::StageFailed, &trouble), "{trouble}");
    assert_eq!(audited.len(), 1);
    assert!(matches!(&audited[0], AuditRequest::Finished { trouble: None, .. }));
}

#[test]
fn a_run_is_closed_even_if_nothing_can_be_planned() {
    let input = json!({ "workflow_execution_id": "e", "workflow_id": "w" });
    let mut audited = Vec::new();
    let played = play(MachineKind::Master, &input, |task| match &*task.state {
        "NextChunk" => Act::Fail("CorruptItem"),
        _ => {
            audited.push(task.lambda_event().unwrap());
            Act::Fail("WorkflowFailed")
        }
    });
    assert_eq!(played.sent("NextChunk").len(), 1);
    assert_eq!(audited[0]["trouble"]["Error"], "CorruptItem");
}
