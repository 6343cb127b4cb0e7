//! A deployment's own machines and functions at work.

use aws_sdk_lambda::primitives::Blob;
use rsqlflow_core::{ExecutionId, WorkflowStatus};
use rsqlflow_store::{Store, WorkflowRow};
use serde_json::{Value, json};

use crate::support::{Local, agent, start, until};

fn store(local: &Local) -> Store {
    Store::new(aws_sdk_dynamodb::Client::new(&local.sdk), local.endpoint.deployment().tables.clone())
}

/// Puts a workflow of one stage and triggers it; gives back the master's ARN.
async fn trigger(local: &Local, run: &str, stage: Value) -> String {
    let workflow = json!({"workflow_id": "w", "workflow_stages": [stage]});
    store(local).config().put(&workflow).await.unwrap();
    let request = json!({"workflow_id": "w", "workflow_execution_id": run}).to_string();
    let answer = aws_sdk_lambda::Client::new(&local.sdk)
        .invoke()
        .function_name("rsqlflow-workflow-trigger")
        .payload(Blob::new(request))
        .send()
        .await
        .unwrap();
    let payload = String::from_utf8(answer.payload().unwrap().as_ref().to_vec()).unwrap();
    assert_eq!(answer.function_error(), None, "{payload}");
    let payload: Value = serde_json::from_str(&payload).unwrap();
    payload["execution_arn"].as_str().unwrap().to_owned()
}

async fn closed(local: &Local, run: &str) -> WorkflowRow {
    let (store, run) = (store(local), ExecutionId::new(run).unwrap());
    until("the run to be closed", async || {
        let row = store.workflows().get(&run).await.unwrap()?;
        (row.execution_status != WorkflowStatus::Running).then_some(row)
    })
    .await
}

#[tokio::test]
async fn a_workflow_without_work_completes() {
    let local = start().await;
    let stage = json!({"execution_type": "parallel", "execution_flag": "n", "scripts": ["a.sh"]});
    let master = trigger(&local, "run-1", stage).await;
    assert_eq!(closed(&local, "run-1").await.execution_status, WorkflowStatus::Completed);
    let sfn = aws_sdk_sfn::Client::new(&local.sdk);
    until("the master's end", async || {
        let found = sfn.describe_execution().execution_arn(&master).send().await.unwrap();
        (found.status().as_str() == "SUCCEEDED").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_run_is_closed_when_its_master_is_stopped() {
    let local = start().await;
    // An agent that takes no job, so that the task waits for its token.
    let begun = local.dir.path().join("begun");
    agent(local.dir.path(), &format!("echo begun > {}", begun.display()));
    let stage = json!({"execution_type": "parallel", "scripts": ["a.sh"]});
    let master = trigger(&local, "run-1", stage).await;
    until("the command", async || begun.exists().then_some(())).await;
    let sfn = aws_sdk_sfn::Client::new(&local.sdk);
    sfn.stop_execution().execution_arn(&master).send().await.unwrap();
    let row = closed(&local, "run-1").await;
    assert!(row.execution_status != WorkflowStatus::Completed, "{row:?}");
    let child = "arn:aws:states:us-east-1:000000000000:execution:rsqlflow-parallel:run-1-s0000-c000";
    let child = sfn.describe_execution().execution_arn(child).send().await.unwrap();
    assert_eq!(child.status().as_str(), "ABORTED");
}
