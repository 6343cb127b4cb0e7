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

/// A machine whose task publishes its token and waits; and the topic.
pub(crate) async fn waiting(local: &Local, limits: &Value) -> (String, String) {
    let sns = aws_sdk_sns::Client::new(&local.sdk);
    let topic = sns.create_topic().name("tokens").send().await.unwrap().topic_arn().unwrap().to_owned();
    let mut task = json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish.waitForTaskToken",
        "Parameters": {"TopicArn": topic, "Message.$": "$$.Task.Token"},
        "End": true,
    });
    for (name, value) in limits.as_object().unwrap() {
        task[name] = value.clone();
    }
    let definition = json!({"StartAt": "Wait for it", "States": {"Wait for it": task}});
    (machine(&Client::new(&local.sdk), "waiting", &definition).await, topic)
}

pub(crate) async fn token(local: &Local, topic: &str, number: usize) -> String {
    until("a token", async || Some(local.endpoint.published(topic).await.get(number)?.message.clone())).await
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
