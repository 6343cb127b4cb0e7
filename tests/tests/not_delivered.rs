//! Services that may not be used: a run ends all the same, and its rows say what was not delivered.

use rsqlflow_core::WorkflowStatus;
use rsqlflow_core::protocol::JobStatus::{Completed, Triggered};
use rsqlflow_tests::{Fault, Network, World, WorldOptions, binary};
use serde_json::{Value, json};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:nobody-made-it";

fn workflow(on: &str) -> Value {
    json!({
        "workflow_id": "w", "notify": { "on": [on], "topic_arn": TOPIC },
        "workflow_stages": [{ "execution_type": "sequential", "scripts": ["a.sh"] }],
    })
}

#[tokio::test]
async fn a_topic_that_is_not_there_costs_the_message_only() {
    let world = World::start().await;
    world.script("a.sh", "echo done");
    world.put(&workflow("success")).await;
    let run = world.run("w").await;
    assert!(run.completed(), "{run:?}");
    let id = run.workflow.workflow_execution_id;
    let noted = rsqlflow_tests::eventually("the note of what was not delivered", async || {
        world.store.workflows().get(&id).await.unwrap()?.not_delivered
    })
    .await;
    assert!(noted.contains("notification") && noted.contains("NotFound") && noted.contains(TOPIC), "{noted}");
}

/// Only the function's own process can be kept from SNS: within the endpoint, functions need no network.
#[tokio::test]
async fn a_notification_that_iam_denies_is_noted_and_the_run_is_closed() {
    let world = World::with(WorldOptions { hold_commands: true, ..WorldOptions::default() }).await;
    world.script("a.sh", "echo done");
    world.put(&workflow("failure")).await;
    let id = world.begin("w").await;
    world.reach(&id, 0, Triggered).await;
    let network = Network::before(&world.url);
    network.fail("Publish", Fault::Denied);
    let event = json!({ "workflow_execution_id": id, "trouble": { "Error": "E", "Cause": "for the test" } });
    let answer = world.call_process(&binary("bootstrap"), "update-audit", &network.url, &event).await;
    assert_eq!(answer.unwrap_err().error_type, "WorkflowFailed", "as for every run that did not complete");
    assert!(network.failed("Publish") > 0);
    let row = world.store.workflows().get(&id).await.unwrap().unwrap();
    assert_eq!(row.execution_status, WorkflowStatus::Failed, "{row:?}");
    let noted = row.not_delivered.unwrap();
    assert!(noted.contains("Publish") && noted.contains("AuthorizationError"), "{noted}");
}

#[tokio::test]
async fn a_log_that_iam_denies_is_told_in_the_row_and_the_job_completes() {
    let world = World::with(WorldOptions { hold_commands: true, ..WorldOptions::default() }).await;
    world.script("a.sh", "seq 1000");
    world.put_stage("w", "sequential", json!(["a.sh"])).await;
    let id = world.begin("w").await;
    world.reach(&id, 0, Triggered).await;
    let network = Network::before(&world.url);
    network.fail("Logs_", Fault::Denied);
    let status = world.agent_for(&network.url, &id, 1).status().await.unwrap();
    assert_eq!(status.code(), Some(0));
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Completed]);
    assert_eq!(run.jobs[0].log_complete, Some(false));
    let said = run.jobs[0].log_error.as_deref().unwrap();
    assert!(said.contains("AccessDeniedException") && said.contains("CreateLogStream"), "{said}");
    let local = said.split("see ").nth(1).and_then(|rest| rest.strip_suffix(" on the instance")).unwrap();
    assert_eq!(std::fs::read_to_string(local).unwrap().lines().count(), 1000, "where the row says it is");
    for follow in [&["logs", id.as_str()][..], &["logs", id.as_str(), "-f"]] {
        let shown = world.operator(follow).ends(1).says("the log of a.sh (0000#00000) is not complete");
        let _ = shown.says(local).says("(instance i-local000000000001)");
    }
}
