//! What a failure means for its stage and its workflow.

use rsqlflow_core::WorkflowStatus;
use rsqlflow_core::protocol::JobStatus::{Cancelled, Completed, Failed};
use rsqlflow_tests::{World, eventually};
use serde_json::{Value, json};

async fn world() -> World {
    let world = World::start().await;
    world.script("ok.sh", "exit 0");
    world.script("bad.sh", "echo 'ERROR:  column \"y\" does not exist'; exit 3");
    world
}

fn stage(execution_type: &str, on_failure: Option<&str>, scripts: &[&str]) -> Value {
    let mut stage = json!({ "execution_type": execution_type, "scripts": scripts });
    if let Some(on_failure) = on_failure {
        stage["on_failure"] = json!(on_failure);
    }
    stage
}

#[tokio::test]
async fn an_early_failure_lets_its_siblings_finish_and_fails_the_workflow() {
    let world = world().await;
    let first = world.file("first-failed");
    world.script("early.sh", &format!("touch '{}'; exit 3", first.display()));
    world.script(
        "late.sh",
        &format!("until [[ -e '{}' ]]; do sleep 0.02; done; sleep 0.3; exit 0", first.display()),
    );
    world
        .put(&json!({ "workflow_id": "w", "workflow_stages": [
            stage("parallel", None, &["early.sh", "ok.sh", "late.sh"]),
            stage("sequential", None, &["ok.sh"]),
        ] }))
        .await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [Failed, Completed, Completed], "the next stage never started");
    assert_eq!(run.workflow.execution_status, WorkflowStatus::Failed);
    let said = run.workflow.error_message.clone().unwrap();
    assert!(said.contains("early.sh") && said.contains("exit code 3"), "{said}");
    let last = run.jobs[2].execution_end_ts.unwrap();
    let closed = run.workflow.execution_end_ts.unwrap().millis_since(last);
    assert!((0..=1_000).contains(&closed), "closed {closed} ms after the last sibling");
    let arn = run.workflow.state_machine_execution_arn.unwrap();
    let last = eventually("the end of the execution, just after its row's", async || {
        world.history(&arn).await.last().filter(|event| event.starts_with("Execution")).cloned()
    })
    .await;
    assert_eq!(last, "ExecutionFailed");
}

#[tokio::test]
async fn a_sequential_stage_stops_at_its_first_failure() {
    let world = world().await;
    world
        .put(&json!({ "workflow_id": "w", "workflow_stages": [
            stage("sequential", None, &["ok.sh", "bad.sh", "ok.sh"]), stage("parallel", None, &["ok.sh"]),
        ] }))
        .await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [Completed, Failed, Cancelled]);
    assert!(run.message(1).contains("column \"y\" does not exist"), "{}", run.message(1));
    assert!(run.message(2).contains("not started"), "{}", run.message(2));
    assert_eq!(run.workflow.execution_status, WorkflowStatus::Failed);
}

#[tokio::test]
async fn a_stage_that_may_fail_fails_nothing() {
    let world = world().await;
    world
        .put(&json!({ "workflow_id": "w", "workflow_stages": [
            stage("sequential", Some("continue"), &["bad.sh", "ok.sh"]),
            stage("parallel", Some("continue"), &["ok.sh", "bad.sh"]),
            stage("sequential", None, &["ok.sh"]),
        ] }))
        .await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [Failed, Completed, Completed, Failed, Completed]);
    assert_eq!(run.workflow.execution_status, WorkflowStatus::Completed);
    assert_eq!(run.workflow.job_counts.unwrap()["Failed"], 2);
}

#[tokio::test]
async fn a_stage_that_stops_cancels_what_runs_and_starts_nothing_more() {
    let world = world().await;
    let started = world.file("started");
    let mark = format!("6{}", std::process::id());
    world.script("slow.sh", &format!("touch '{}'; sleep {mark}", started.display()));
    world.script(
        "bad-then.sh",
        &format!("until [[ -e '{}' ]]; do sleep 0.02; done; exit 3", started.display()),
    );
    world
        .put(&json!({ "workflow_id": "w", "defaults": { "heartbeat": 6 }, "workflow_stages": [{
            "execution_type": "parallel", "on_failure": "stop", "max_concurrency": 2,
            "scripts": ["slow.sh", "bad-then.sh", "ok.sh"],
        }] }))
        .await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [Cancelled, Failed, Cancelled]);
    assert_eq!(World::processes(&format!("sleep {mark}")), [] as [i32; 0]);
    assert_eq!(run.workflow.execution_status, WorkflowStatus::Failed);
}

#[tokio::test]
async fn jobs_of_a_parallel_stage_run_at_once_and_in_no_more_than_allowed() {
    let world = World::start().await;
    let dir = world.file("at-once");
    std::fs::create_dir(&dir).unwrap();
    // Each waits until three are there, and says how many it saw.
    world.script(
        "meet.sh",
        &format!(
            "touch '{0}'/$$; until [[ $(ls '{0}' | wc -l) -ge 3 || -e '{0}'.met ]]; do sleep 0.02; done; touch '{0}'.met; ls '{0}' | wc -l; rm '{0}'/$$",
            dir.display()
        ),
    );
    world
        .put(&json!({ "workflow_id": "w", "workflow_stages": [{
            "execution_type": "parallel", "max_concurrency": 3, "scripts": vec!["meet.sh"; 6],
        }] }))
        .await;
    let run = world.run("w").await;
    assert!(run.completed(), "{run:?}");
    for job in &run.jobs {
        let seen: u32 = world.log(job).await[0].trim().parse().unwrap();
        assert!(seen <= 3, "{seen} at once");
    }
}
