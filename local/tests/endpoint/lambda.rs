//! Lambda through its client: the functions of the deployment.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use serde_json::{Value, json};

use crate::support::{code, raw, start};

const TRIGGER: &str = "rsqlflow-workflow-trigger";

#[tokio::test]
async fn what_a_function_raises_is_its_payload() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let event = json!({"workflow_id": "nobody"}).to_string();
    let arn = format!("arn:aws:lambda:us-east-1:000000000000:function:{TRIGGER}");
    for function in [TRIGGER, &arn] {
        let answer =
            client.invoke().function_name(function).payload(Blob::new(event.clone())).send().await.unwrap();
        assert_eq!((answer.status_code(), answer.function_error()), (200, Some("Unhandled")), "{function}");
        assert_eq!(answer.executed_version(), Some("$LATEST"));
        let payload: Value = serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap();
        assert_eq!(payload["errorType"], "WorkflowNotFound");
        assert!(payload["errorMessage"].as_str().unwrap().contains("nobody"), "{payload}");
    }
}

#[tokio::test]
async fn events_are_taken_and_unknown_functions_refused() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let invoke = |function: &str, kind| client.invoke().function_name(function).invocation_type(kind).send();
    let taken = invoke(TRIGGER, InvocationType::Event).await.unwrap();
    assert_eq!((taken.status_code(), taken.function_error()), (202, None));
    assert_eq!(invoke(TRIGGER, InvocationType::DryRun).await.unwrap().status_code(), 204);
    for kind in [InvocationType::Event, InvocationType::RequestResponse, InvocationType::DryRun] {
        assert_eq!(code(&invoke("nobody", kind).await.unwrap_err()), "ResourceNotFoundException");
    }
}

#[tokio::test]
async fn an_event_that_is_not_json_is_refused() {
    let local = start().await;
    let line = format!("POST /2015-03-31/functions/{TRIGGER}/invocations");
    let answer = raw(&local, &line, &[], b"{").await;
    assert_eq!(answer.status, 400);
    assert!(answer.head.contains("x-amzn-errortype: InvalidRequestContentException"), "{}", answer.head);
}
