//! State machines for tests.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};

use crate::support::{Local, until};

pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/test";

pub(crate) async fn machine(client: &Client, name: &str, definition: &Value) -> String {
    let created = client.create_state_machine().name(name).definition(definition.to_string()).role_arn(ROLE);
    created.send().await.unwrap().state_machine_arn().to_owned()
}

pub(crate) async fn begin(client: &Client, machine: &str, name: &str, input: &Value) -> String {
    let started = client.start_execution().state_machine_arn(machine).name(name).input(input.to_string());
    started.send().await.unwrap().execution_arn().to_owned()
}

pub(crate) async fn ended(client: &Client, execution: &str) -> DescribeExecutionOutput {
    until("the execution's end", async || {
        let found = client.describe_execution().execution_arn(execution).send().await.unwrap();
        (*found.status() != ExecutionStatus::Running).then_some(found)
    })
    .await
}

pub(crate) fn pass() -> Value {
    json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}})
}

/// A machine whose task gives its token to an execution of another machine and waits; and that other machine.
pub(crate) async fn waiting(local: &Local, limits: &Value) -> (String, String) {
    let client = Client::new(&local.sdk);
    let mailbox = machine(&client, "mailbox", &pass()).await;
    let mut task = json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.waitForTaskToken",
        "Parameters": {"StateMachineArn": mailbox, "Input": {"token.$": "$$.Task.Token"}},
        "End": true,
    });
    for (name, value) in limits.as_object().unwrap() {
        task[name] = value.clone();
    }
    let definition = json!({"StartAt": "Wait for it", "States": {"Wait for it": task}});
    (machine(&client, "waiting", &definition).await, mailbox)
}

/// The tokens that the mailbox got, oldest first.
pub(crate) async fn tokens(local: &Local, mailbox: &str) -> Vec<String> {
    let client = Client::new(&local.sdk);
    let listed = client.list_executions().state_machine_arn(mailbox).send().await.unwrap();
    let mut tokens = Vec::new();
    for execution in listed.executions().iter().rev() {
        let found =
            client.describe_execution().execution_arn(execution.execution_arn()).send().await.unwrap();
        let input: Value = serde_json::from_str(found.input().unwrap()).unwrap();
        tokens.push(input["token"].as_str().unwrap().to_owned());
    }
    tokens
}

pub(crate) async fn token(local: &Local, mailbox: &str, number: usize) -> String {
    until("a token", async || tokens(local, mailbox).await.get(number).cloned()).await
}

/// A machine that starts another one and waits for its end.
pub(crate) fn parent(child: &str) -> Value {
    json!({"StartAt": "Child", "States": {"Child": {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child, "Name": "child", "Input": {"from.$": "$.x"}},
        "OutputPath": "$.Output",
        "End": true,
    }}})
}
