//! Executions outlive their endpoint.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEventType};
use serde_json::json;

use crate::machines::{begin, ended, machine, parent, pass, token, tokens, waiting};
use crate::support::{Local, code, restart, restart_with, start, until};

const CHILD: &str = "arn:aws:states:us-east-1:000000000000:execution:waiting:child";

async fn types(local: &Local, execution: &str) -> Vec<HistoryEventType> {
    let client = Client::new(&local.sdk);
    let pages = client.get_execution_history().execution_arn(execution).max_results(2).into_paginator();
    let events = pages.items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
    events.iter().map(|event| event.r#type().clone()).collect()
}

#[tokio::test]
async fn a_token_is_good_after_a_restart_and_once() {
    let local = start().await;
    let (arn, mailbox) = waiting(&local, &json!({"HeartbeatSeconds": 600})).await;
    let execution = begin(&Client::new(&local.sdk), &arn, "e", &json!({"a": 1})).await;
    let token = token(&local, &mailbox, 0).await;
    let before = until("the task to wait", async || {
        let types = types(&local, &execution).await;
        types.contains(&HistoryEventType::TaskSubmitted).then_some(types)
    })
    .await;

    let local = restart(local).await;
    let client = Client::new(&local.sdk);
    assert_eq!(types(&local, &execution).await, before);
    let again = client.start_execution().state_machine_arn(&arn).name("e").input(r#"{"a":1}"#);
    assert_eq!(again.send().await.unwrap().execution_arn(), execution, "it is the same execution");
    client.send_task_heartbeat().task_token(&token).send().await.unwrap();
    client.send_task_success().task_token(&token).output("7").send().await.unwrap();
    assert_eq!(ended(&client, &execution).await.output(), Some("7"));
    assert_eq!(tokens(&local, &mailbox).await.len(), 1, "the token was sent once");

    let local = restart(local).await;
    let client = Client::new(&local.sdk);
    assert_eq!(ended(&client, &execution).await.output(), Some("7"));
    assert_eq!(types(&local, &execution).await.last(), Some(&HistoryEventType::ExecutionSucceeded));
    let late = client.send_task_success().task_token(&token).output("8").send().await.unwrap_err();
    assert_eq!(code(&late), "TaskTimedOut");
    let used = client.start_execution().state_machine_arn(&arn).name("e").input(r#"{"a":1}"#);
    assert_eq!(code(&used.send().await.unwrap_err()), "ExecutionAlreadyExists");
}

#[tokio::test]
async fn a_timer_that_ran_out_meanwhile_fires_at_once() {
    let local = start().await;
    let definition = json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "Next": "P"},
        "P": {"Type": "Pass", "Result": "done", "End": true}}});
    let arn = machine(&Client::new(&local.sdk), "m", &definition).await;
    let execution = begin(&Client::new(&local.sdk), &arn, "e", &json!({})).await;
    let local = restart(local).await;
    let found = ended(&Client::new(&local.sdk), &execution).await;
    assert_eq!((found.status(), found.output()), (&ExecutionStatus::Succeeded, Some(r#""done""#)));
    let waited = found.stop_date().unwrap().as_secs_f64() - found.start_date().as_secs_f64();
    assert!(waited >= 1.0, "not before its time: {waited}");
}

#[tokio::test]
async fn a_nested_execution_is_found_again_and_not_started_twice() {
    let local = start().await;
    let (child, mailbox) = waiting(&local, &json!({})).await;
    let arn = machine(&Client::new(&local.sdk), "parent", &parent(&child)).await;
    let execution = begin(&Client::new(&local.sdk), &arn, "e", &json!({"x": 5})).await;
    let token = token(&local, &mailbox, 0).await;

    let local = restart(local).await;
    let client = Client::new(&local.sdk);
    client.send_task_success().task_token(token).output(r#"{"y":6}"#).send().await.unwrap();
    assert_eq!(ended(&client, &execution).await.output(), Some(r#"{"y":6}"#));
    let children = client.list_executions().state_machine_arn(&child).send().await.unwrap();
    assert_eq!(children.executions().len(), 1);
}

#[tokio::test]
async fn stopping_a_parent_after_a_restart_stops_its_child() {
    let local = start().await;
    let (child, mailbox) = waiting(&local, &json!({})).await;
    let arn = machine(&Client::new(&local.sdk), "parent", &parent(&child)).await;
    let execution = begin(&Client::new(&local.sdk), &arn, "e", &json!({"x": 5})).await;
    token(&local, &mailbox, 0).await;

    let local = restart(local).await;
    let client = Client::new(&local.sdk);
    client.stop_execution().execution_arn(&execution).send().await.unwrap();
    assert_eq!(ended(&client, &execution).await.status(), &ExecutionStatus::Aborted);
    assert_eq!(ended(&client, CHILD).await.status(), &ExecutionStatus::Aborted);
}

#[tokio::test]
async fn an_endpoint_that_is_paused_only_shows() {
    let local = start().await;
    let (arn, mailbox) = waiting(&local, &json!({"TimeoutSeconds": 1})).await;
    let execution = begin(&Client::new(&local.sdk), &arn, "e", &json!({})).await;
    token(&local, &mailbox, 0).await;
    let before = types(&local, &execution).await;

    let local = restart_with(local, |options| options.paused = true).await;
    let client = Client::new(&local.sdk);
    let found = client.describe_execution().execution_arn(&execution).send().await.unwrap();
    assert_eq!(found.status(), &ExecutionStatus::Running);
    assert_eq!(types(&local, &execution).await, before);
    assert!(client.stop_execution().execution_arn(&execution).send().await.is_err(), "it cannot be stopped");

    let local = restart(local).await;
    let failed = ended(&Client::new(&local.sdk), &execution).await;
    assert_eq!(failed.error(), Some("States.Timeout"), "it goes on where it was");
}

#[tokio::test]
async fn a_running_execution_keeps_the_definition_it_began_with() {
    let local = start().await;
    let (arn, mailbox) = waiting(&local, &json!({})).await;
    let client = Client::new(&local.sdk);
    let execution = begin(&client, &arn, "old", &json!({})).await;
    let token = token(&local, &mailbox, 0).await;
    let update = client.update_state_machine().state_machine_arn(&arn);
    update.definition(pass().to_string()).send().await.unwrap();
    let nothing = client.update_state_machine().state_machine_arn(&arn).send().await.unwrap_err();
    assert_eq!(code(&nothing), "MissingRequiredParameter");

    let local = restart(local).await;
    let client = Client::new(&local.sdk);
    let new = begin(&client, &arn, "new", &json!({"n": 1})).await;
    assert_eq!(ended(&client, &new).await.output(), Some(r#"{"n":1}"#));
    client.delete_state_machine().state_machine_arn(&arn).send().await.unwrap();
    let gone = client.describe_state_machine().state_machine_arn(&arn).send().await.unwrap_err();
    assert_eq!(code(&gone), "StateMachineDoesNotExist");
    client.send_task_success().task_token(token).output("1").send().await.unwrap();
    assert_eq!(ended(&client, &execution).await.output(), Some("1"), "it ends though its machine is gone");
}

#[tokio::test]
async fn a_history_without_data_says_what_happened_and_not_with_what() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let (arn, mailbox) = waiting(&local, &json!({})).await;
    let execution = begin(&client, &arn, "e", &json!({"secret": "s3"})).await;
    let token = token(&local, &mailbox, 0).await;
    let read = async || {
        let history = client.get_execution_history().execution_arn(&execution).include_execution_data(false);
        format!("{:?}", history.send().await.unwrap())
    };
    assert!(!read().await.contains("s3"), "while it runs");
    client.send_task_success().task_token(token).output(r#""s3""#).send().await.unwrap();
    ended(&client, &execution).await;
    let after = read().await;
    assert!(after.contains("ExecutionSucceeded") && !after.contains("s3"), "{after}");
}
