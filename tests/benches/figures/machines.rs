//! What a run costs on Step Functions, counted in the histories of real runs.

use rsqlflow_tests::World;
use serde_json::{Value, json};

use crate::Figures;
use crate::embedded::stage;

/// The example of six scripts, and a stage of 2,000.
pub(crate) async fn measure(_: usize) -> Figures {
    let world = World::start().await;
    world.script("noop.sh", "");
    let two = json!(["noop.sh", "noop.sh"]);
    world
        .put(&json!({ "workflow_id": "example", "workflow_stages": [
            { "execution_type": "sequential", "scripts": two },
            { "execution_type": "parallel", "scripts": two },
            { "execution_type": "parallel", "scripts": two },
        ] }))
        .await;
    assert!(world.run("example").await.completed());
    let example = histories(&world).await;

    let world = World::start().await;
    world.script("noop.sh", "");
    stage(&world, "parallel", 2000).await;
    let large = histories(&world).await;

    let longest = large.iter().map(Vec::len).max().unwrap_or_default();
    let payload = large.iter().flatten().map(largest_payload).max().unwrap_or_default();
    Figures::from([
        ("stepfunctions.transitions.example".to_owned(), transitions(&example)),
        ("stepfunctions.transitions_per_script.2000".to_owned(), transitions(&large) / 2000.0),
        ("stepfunctions.max_history_events.2000".to_owned(), longest as f64),
        ("stepfunctions.max_payload_bytes.2000".to_owned(), payload as f64),
        ("lambda.invocations.example".to_owned(), invocations(&example)),
    ])
}

/// Every event of every execution. As JSON of the wire, since a payload may stand in any member.
async fn histories(world: &World) -> Vec<Vec<Value>> {
    let mut histories = Vec::new();
    for machine in world.call("AWSStepFunctions.ListStateMachines", &json!({})).await["stateMachines"]
        .as_array()
        .unwrap()
    {
        let list = json!({ "stateMachineArn": machine["stateMachineArn"], "maxResults": 1000 });
        let list = world.call("AWSStepFunctions.ListExecutions", &list).await;
        for execution in list["executions"].as_array().unwrap() {
            let mut events = Vec::new();
            let mut token = Value::Null;
            loop {
                let get = json!({ "executionArn": execution["executionArn"], "maxResults": 1000, "nextToken": token });
                let mut page = world.call("AWSStepFunctions.GetExecutionHistory", &get).await;
                events.append(page["events"].as_array_mut().unwrap());
                token = page["nextToken"].take();
                if token.is_null() {
                    break;
                }
            }
            histories.push(events);
        }
    }
    histories
}

fn kind(event: &Value) -> &str {
    event["type"].as_str().unwrap_or_default()
}

/// States entered, which is what AWS bills (Step Functions pricing, "state transition").
fn transitions(histories: &[Vec<Value>]) -> f64 {
    histories.iter().flatten().filter(|event| kind(event).ends_with("StateEntered")).count() as f64
}

fn invocations(histories: &[Vec<Value>]) -> f64 {
    let started = |event: &&Value| {
        kind(event) == "LambdaFunctionScheduled"
            || (kind(event) == "TaskScheduled"
                && event["taskScheduledEventDetails"]["resourceType"] == "lambda")
    };
    histories.iter().flatten().filter(started).count() as f64
}

/// The longest input or output in an event.
fn largest_payload(event: &Value) -> usize {
    let details = event.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_object());
    details
        .flatten()
        .filter(|(name, _)| matches!(name.as_str(), "input" | "output" | "parameters"))
        .filter_map(|(_, value)| Some(value.as_str()?.len()))
        .max()
        .unwrap_or_default()
}
