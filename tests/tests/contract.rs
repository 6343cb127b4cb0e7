//! Functions and agents of different versions: what they hand to each other works, or is refused in words.

#![expect(clippy::unwrap_used, reason = "also what the tests share is run by tests only")]

use aws_sdk_dynamodb::types::AttributeValue;
use rsqlflow_core::protocol::Contract;
use rsqlflow_core::protocol::JobStatus::{Completed, Failed, Triggered};
use rsqlflow_core::{ErrorName, ExecutionId, Function, JobId};
use rsqlflow_tests::{Gate, World, WorldOptions};
use serde_json::json;

/// A run of two jobs whose first was sent, in a world whose agents the test starts. A sequential stage goes on past a
/// job only where the machine knows that the job is over.
async fn begin() -> (World, Gate, ExecutionId) {
    let world = World::with(WorldOptions { hold_commands: true, ..WorldOptions::default() }).await;
    let gate = world.gate("wait.sh");
    let stage = json!({
        "execution_type": "sequential", "on_failure": "continue", "scripts": ["wait.sh", "wait.sh"],
    });
    world.put(&json!({ "workflow_id": "w", "workflow_stages": [stage] })).await;
    let id = world.begin("w").await;
    world.reach(&id, 0, Triggered).await;
    (world, gate, id)
}

/// Makes the first job's row as functions of another version would have written it.
async fn set_contract(world: &World, id: &ExecutionId, contract: Option<u32>) {
    let update = aws_sdk_dynamodb::Client::new(&world.sdk)
        .update_item()
        .table_name(&world.deployment.tables.job_audit)
        .key("workflow_execution_id", AttributeValue::S(id.to_string()))
        .key("job_id", AttributeValue::S(JobId::new(0, 0).to_string()));
    let update = match contract {
        Some(number) => update
            .update_expression("SET contract = :contract")
            .expression_attribute_values(":contract", AttributeValue::N(number.to_string())),
        None => update.update_expression("REMOVE contract"),
    };
    update.send().await.unwrap();
}

/// What the state machine was told of failed tasks.
async fn reported(world: &World, execution: &str) -> Vec<(String, String)> {
    let client = aws_sdk_sfn::Client::new(&world.sdk);
    let events = client.get_execution_history().execution_arn(execution).send().await.unwrap().events;
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    events
        .iter()
        .filter_map(|event| event.task_failed_event_details())
        .map(|failed| (text(failed.error()), text(failed.cause())))
        .collect()
}

async fn child(world: &World) -> String {
    let client = aws_sdk_sfn::Client::new(&world.sdk);
    let arn = format!(
        "arn:aws:states:us-east-1:000000000000:stateMachine:{}",
        world.deployment.machines.sequential.name
    );
    let executions = client.list_executions().state_machine_arn(arn).send().await.unwrap().executions;
    executions[0].execution_arn().to_owned()
}

async fn is_refused(contract: u32, name: ErrorName, words: &str) {
    let (world, gate, id) = begin().await;
    set_contract(&world, &id, Some(contract)).await;
    let status = world.agent_for(&world.url, &id, 1).status().await.unwrap();
    assert_eq!(status.code(), Some(0), "the job is settled, so the command is no failure");

    let jobs = world.store.jobs().all_summaries(&id).await.unwrap();
    assert_eq!((jobs[0].state.status, jobs[0].state.error_name), (Failed, Some(name)));
    let message = jobs[0].state.error_message.as_deref().unwrap();
    assert!(message.contains(words) && message.contains(&format!("contract {contract}")), "{message}");
    assert!(message.contains(env!("CARGO_PKG_VERSION")), "{message}");
    assert_eq!(reported(&world, &child(&world).await).await, [(name.to_string(), message.to_owned())]);
    assert_eq!(gate.starts(), 0, "nothing of it was run");
    world.reach(&id, 1, Triggered).await;
}

#[tokio::test]
async fn an_agent_that_is_too_old_refuses_the_job_and_says_so() {
    is_refused(Contract::NEWEST.0 + 1, ErrorName::AgentTooOld, "too old").await;
}

#[tokio::test]
async fn an_agent_that_is_too_new_refuses_the_job_and_says_so() {
    is_refused(Contract::OLDEST.0 - 1, ErrorName::AgentTooNew, "too new").await;
}

#[tokio::test]
async fn a_row_of_before_there_were_contracts_is_run() {
    let (world, gate, id) = begin().await;
    set_contract(&world, &id, None).await;
    gate.open();
    let status = world.agent_for(&world.url, &id, 1).status().await.unwrap();
    assert_eq!(status.code(), Some(0));
    let row = world.reach(&id, 0, Completed).await;
    assert_eq!(
        row.agent_version.as_deref(),
        Some(env!("CARGO_PKG_VERSION")),
        "the row says whose work it is"
    );
    assert_eq!(gate.starts(), 1);
}

#[tokio::test]
async fn what_functions_do_not_know_they_do_not_touch() {
    let (world, _gate, id) = begin().await;
    set_contract(&world, &id, Some(Contract::NEWEST.0 + 1)).await;
    let request = json!({
        "workflow_execution_id": id, "stage": 0, "position": 0, "task_token": "t",
        "entered": "2026-11-21T06:15:00.123Z", "retry": 0,
    });
    let refused =
        world.invoke(&world.deployment.functions[Function::RsqlInvoke], &request).await.unwrap_err();
    assert_eq!(refused.error_type, ErrorName::CorruptItem.as_str());
    assert!(refused.message.contains("follows contract"), "{}", refused.message);
}
