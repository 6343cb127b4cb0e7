//! What `rsqlflow cost` foretells is what a run then does.

use std::time::Duration;

use rsqlflow_core::WorkflowStatus;
use rsqlflow_tests::{World, eventually_within, shown};
use serde_json::{Value, json};

/// Every event of every execution, as JSON of the wire.
async fn events(world: &World) -> Vec<Value> {
    let mut all = Vec::new();
    let machines = world.call("AWSStepFunctions.ListStateMachines", &json!({})).await;
    for machine in machines["stateMachines"].as_array().unwrap() {
        let list = json!({ "stateMachineArn": machine["stateMachineArn"], "maxResults": 1000 });
        let list = world.call("AWSStepFunctions.ListExecutions", &list).await;
        for execution in list["executions"].as_array().unwrap() {
            let mut token = Value::Null;
            loop {
                let get = json!({ "executionArn": execution["executionArn"], "maxResults": 1000, "nextToken": token });
                let mut page = world.call("AWSStepFunctions.GetExecutionHistory", &get).await;
                all.append(page["events"].as_array_mut().unwrap());
                token = page["nextToken"].take();
                if token.is_null() {
                    break;
                }
            }
        }
    }
    all
}

fn count(events: &[Value], is_it: impl Fn(&Value) -> bool) -> usize {
    events.iter().filter(|event| is_it(event)).count()
}

async fn foretold_is_done(stages: &[(&str, usize)]) {
    let world = World::start().await;
    world.script("noop.sh", "");
    let stages: Vec<Value> = stages
        .iter()
        .map(|(kind, jobs)| json!({ "execution_type": kind, "scripts": vec!["noop.sh"; *jobs] }))
        .chain([json!({ "execution_flag": "n", "scripts": ["never.sh"] })])
        .collect();
    let workflow = json!({ "workflow_id": "w", "workflow_stages": stages });
    let file = world.file("w.json");
    std::fs::write(&file, workflow.to_string()).unwrap();
    let told = world.operator(&["cost", file.to_str().unwrap(), "--output", "json"]).ends(0).json();
    let usage = &told["rsqlflow"]["usage_per_run"];

    world.put(&workflow).await;
    let id = world.begin("w").await;
    // Five hundred jobs take their time on a busy machine.
    let row = eventually_within(Duration::from_secs(400), "the end of the run", async || {
        let row = world.store.workflows().get(&id).await.unwrap().unwrap();
        row.execution_status.is_closed().then_some(row)
    })
    .await;
    assert_eq!(row.execution_status, WorkflowStatus::Completed, "{row:?}");
    let events = events(&world).await;
    let entered = count(&events, |event| event["type"].as_str().unwrap().ends_with("StateEntered"));
    assert_eq!(usage["transitions"], entered, "{told}");
    let invoked = count(&events, |event| {
        event["type"] == "LambdaFunctionScheduled"
            || (event["type"] == "TaskScheduled"
                && event["taskScheduledEventDetails"]["resourceType"] == "lambda")
    });
    // The trigger stands in no history.
    assert_eq!(told["rsqlflow"]["lambda_invocations"], invoked + 1, "{told}");
    let sent =
        count(&events, |event| event["taskScheduledEventDetails"]["resource"] == "invoke.waitForTaskToken");
    assert_eq!((&usage["commands"], &usage["calls"]["rsql-invoke"]), (&json!(sent), &json!(sent)));
}

#[tokio::test]
async fn the_example_does_what_was_foretold() {
    Box::pin(foretold_is_done(&[("sequential", 2), ("parallel", 2), ("parallel", 2)])).await;
}

#[tokio::test]
async fn a_stage_of_two_chunks_does_what_was_foretold() {
    Box::pin(foretold_is_done(&[("parallel", 503), ("sequential", 1)])).await;
}

#[test]
fn a_file_that_is_wrong_is_told_as_by_validate() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("w.json");
    std::fs::write(&file, r#"{ "workflow_id": "w", "workflow_stages": [{ "scripts": ["/a.sh"] }] }"#)
        .unwrap();
    let run = |args: &[&str]| -> rsqlflow_tests::Said {
        let mut command = rsqlflow_tests::command("rsqlflow");
        command.arg("cost").arg(&file).args(args).output().unwrap().into()
    };
    let _ = run(&[]).ends(2).says("workflow_stages[0].scripts[0]");
    std::fs::write(&file, r#"{ "workflow_id": "w", "workflow_stages": [{ "scripts": ["a.sh"] }] }"#).unwrap();
    let _ = run(&[]).ends(0).says("state transitions").says("us-east-1").says("AWS's sample");
    let _ = run(&["--job-minutes=-1"]).ends(2).says("from 0");
    let month = |runs: &str| {
        let told = run(&["--output", "json", "--runs-per-month", runs]).ends(0).json();
        told["rsqlflow"]["usd_per_month"]["total"].as_f64().unwrap()
    };
    assert!((month("60") - 2.0 * month("30")).abs() < 1e-9);
}

#[test]
fn the_page_shows_what_the_command_says() {
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/nightly");
    let mut command = rsqlflow_tests::command("rsqlflow");
    let said: rsqlflow_tests::Said =
        command.args(["cost", "nightly.json"]).current_dir(example).output().unwrap().into();
    shown("aws.md", "rsqlflow cost nightly.json", &said.ends(0).out);
}
