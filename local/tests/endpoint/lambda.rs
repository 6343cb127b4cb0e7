//! Lambda through its client: the functions of the deployment.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use base64::Engine as _;
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

#[tokio::test]
async fn functions_are_listed_and_described() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let all = client.list_functions().send().await.unwrap();
    let names: Vec<_> = all.functions().iter().map(|f| f.function_name().unwrap()).collect();
    assert_eq!(names.len(), 7);
    assert!(names.is_sorted() && names.contains(&TRIGGER), "{names:?}");
    let (mut paged, mut marker) = (Vec::new(), None);
    loop {
        let page = client.list_functions().max_items(4).set_marker(marker).send().await.unwrap();
        paged.extend(page.functions().iter().map(|f| f.function_name().unwrap().to_owned()));
        marker = page.next_marker().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(paged, names);
    let arn = format!("arn:aws:lambda:us-east-1:000000000000:function:{TRIGGER}");
    let found = client.get_function().function_name(&arn).qualifier("$LATEST").send().await.unwrap();
    let configuration = found.configuration().unwrap();
    assert_eq!(configuration.function_arn(), Some(arn.as_str()));
    assert_eq!(configuration.handler(), Some("workflow-trigger"));
    let same = client.get_function_configuration().function_name(TRIGGER).send().await.unwrap();
    assert_eq!((same.timeout(), same.handler()), (configuration.timeout(), configuration.handler()));
    assert_eq!(
        code(&client.get_function().function_name("nobody").send().await.unwrap_err()),
        "ResourceNotFoundException"
    );
    let version = client.get_function().function_name(TRIGGER).qualifier("7").send().await.unwrap_err();
    assert_eq!(code(&version), "ResourceNotFoundException");
    let wild = client.get_function().function_name("a b").send().await.unwrap_err();
    assert_eq!(code(&wild), "ValidationException");
    let page = client.list_functions().max_items(0).send().await.unwrap_err();
    assert_eq!(code(&page), "ValidationException");
    assert_eq!(
        code(&client.list_aliases().function_name(TRIGGER).send().await.unwrap_err()),
        "NotImplemented"
    );
}

#[tokio::test]
async fn the_log_of_an_invocation_comes_with_it() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let invoke = client.invoke().function_name(TRIGGER).payload(Blob::new(r#"{"workflow_id": "nobody"}"#));
    let answer = invoke.log_type(aws_sdk_lambda::types::LogType::Tail).send().await.unwrap();
    let log = base64::engine::general_purpose::STANDARD.decode(answer.log_result().unwrap()).unwrap();
    let log = String::from_utf8(log).unwrap();
    let lines: Vec<_> = log.lines().collect();
    assert!(lines[0].starts_with("START RequestId: ") && lines[0].ends_with(" Version: $LATEST"), "{log}");
    assert!(lines[1].starts_with("WorkflowNotFound: "), "{log}");
    assert!(lines.last().unwrap().contains("\tDuration: "), "{log}");
}

#[tokio::test]
async fn payloads_have_limits() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let invoke = |kind: InvocationType, size: usize| {
        let payload = Blob::new(serde_json::to_vec(&"x".repeat(size - 2)).unwrap());
        client.invoke().function_name(TRIGGER).invocation_type(kind).payload(payload).send()
    };
    const MB: usize = 1024 * 1024;
    let large = invoke(InvocationType::Event, MB + 1).await.unwrap_err();
    assert_eq!(code(&large), "RequestEntityTooLargeException");
    assert_eq!(invoke(InvocationType::Event, MB).await.unwrap().status_code(), 202);
    let large = invoke(InvocationType::RequestResponse, 6 * MB + 1).await.unwrap_err();
    assert_eq!(large.raw_response().unwrap().status().as_u16(), 413);
    let largest = invoke(InvocationType::RequestResponse, 6 * MB).await.unwrap();
    assert_eq!(largest.function_error(), Some("Unhandled"), "a text is no request of the trigger");
    let kind = InvocationType::from("Later");
    assert_eq!(code(&invoke(kind, 2).await.unwrap_err()), "ValidationException");
}
