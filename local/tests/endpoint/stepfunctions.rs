//! Step Functions through its client. Tasks wait for tokens, which other executions receive.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::ProvideErrorMetadata as _;
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEventType};
use serde_json::json;

use crate::machines::{ROLE, begin, ended, machine, parent, pass, token, tokens, waiting};
use crate::support::{code, start, until};

#[tokio::test]
async fn an_execution_runs_and_shows_itself() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let arn = machine(&client, "m", &pass()).await;
    assert_eq!(arn, "arn:aws:states:us-east-1:000000000000:stateMachine:m");
    let execution = begin(&client, &arn, "e", &json!({"a": 1})).await;
    assert_eq!(execution, "arn:aws:states:us-east-1:000000000000:execution:m:e");
    let found = ended(&client, &execution).await;
    assert_eq!(found.status(), &ExecutionStatus::Succeeded);
    assert_eq!(
        (found.name(), found.input(), found.output()),
        (Some("e"), Some(r#"{"a":1}"#), Some(r#"{"a":1}"#))
    );
    assert!(found.stop_date().unwrap() >= found.start_date());

    let machine = client.describe_state_machine().state_machine_arn(&arn).send().await.unwrap();
    assert_eq!(machine.definition(), pass().to_string());
}

#[tokio::test]
async fn a_history_is_read_in_pages_both_ways() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let arn = machine(&client, "m", &pass()).await;
    let execution = begin(&client, &arn, "e", &json!({})).await;
    ended(&client, &execution).await;
    for reverse in [false, true] {
        let mut ids = Vec::new();
        let mut kinds = Vec::new();
        let mut token = None;
        loop {
            let page = client
                .get_execution_history()
                .execution_arn(&execution)
                .max_results(3)
                .reverse_order(reverse)
                .set_next_token(token)
                .send()
                .await
                .unwrap();
            assert!(page.events().len() <= 3);
            ids.extend(page.events().iter().map(|e| e.id()));
            kinds.extend(page.events().iter().map(|e| e.r#type().clone()));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        if reverse {
            ids.reverse();
            kinds.reverse();
        }
        assert_eq!(ids, [1, 2, 3, 4]);
        assert_eq!(kinds[0], HistoryEventType::ExecutionStarted);
        assert_eq!(kinds[3], HistoryEventType::ExecutionSucceeded);
    }
}

#[tokio::test]
async fn the_same_start_again_is_one_while_it_runs() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let (arn, mailbox) = waiting(&local, &json!({})).await;
    let start = |input: &str| client.start_execution().state_machine_arn(&arn).name("e").input(input).send();
    let first = start(r#"{"a": 1}"#).await.unwrap();
    let again = start(r#"{"a":1}"#).await.unwrap();
    assert_eq!((first.execution_arn(), first.start_date()), (again.execution_arn(), again.start_date()));
    assert_eq!(code(&start("{}").await.unwrap_err()), "ExecutionAlreadyExists");
    let token = token(&local, &mailbox, 0).await;
    client.send_task_success().task_token(token).output("1").send().await.unwrap();
    ended(&client, first.execution_arn()).await;
    assert_eq!(code(&start(r#"{"a": 1}"#).await.unwrap_err()), "ExecutionAlreadyExists");
    assert_eq!(tokens(&local, &mailbox).await.len(), 1);
}

#[tokio::test]
async fn a_token_is_answered_once() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let (arn, mailbox) = waiting(&local, &json!({})).await;
    let execution = begin(&client, &arn, "e", &json!({})).await;
    let token = token(&local, &mailbox, 0).await;
    client.send_task_heartbeat().task_token(&token).send().await.unwrap();
    let bad = client.send_task_success().task_token(&token).output("{").send().await.unwrap_err();
    assert_eq!(code(&bad), "InvalidOutput");
    client.send_task_success().task_token(&token).output(r#"{"x":2}"#).send().await.unwrap();
    assert_eq!(ended(&client, &execution).await.output(), Some(r#"{"x":2}"#));

    let late = client.send_task_success().task_token(&token).output("1").send().await.unwrap_err();
    assert_eq!(code(&late), "TaskTimedOut");
    let late = client.send_task_heartbeat().task_token(&token).send().await.unwrap_err();
    assert_eq!(code(&late), "TaskTimedOut");
    let unknown =
        client.send_task_failure().task_token(format!("{}==", "A".repeat(86))).send().await.unwrap_err();
    assert_eq!(code(&unknown), "TaskDoesNotExist");
    let malformed = client.send_task_heartbeat().task_token("no token").send().await.unwrap_err();
    assert_eq!(code(&malformed), "InvalidToken");
}

#[tokio::test]
async fn a_failure_and_a_missed_heartbeat_have_their_names() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let (arn, mailbox) = waiting(&local, &json!({"TimeoutSeconds": 60, "HeartbeatSeconds": 1})).await;
    let failing = begin(&client, &arn, "failing", &json!({})).await;
    let failing_token = token(&local, &mailbox, 0).await;
    let failure =
        client.send_task_failure().task_token(failing_token).error("JobFailed").cause("exit code 3");
    failure.send().await.unwrap();
    let failed = ended(&client, &failing).await;
    assert_eq!(failed.status(), &ExecutionStatus::Failed);
    assert_eq!((failed.error(), failed.cause()), (Some("JobFailed"), Some("exit code 3")));

    let silent = begin(&client, &arn, "silent", &json!({})).await;
    let token = token(&local, &mailbox, 1).await;
    let timed_out = ended(&client, &silent).await;
    assert_eq!(timed_out.error(), Some("States.Timeout"));
    let late = client.send_task_success().task_token(token).output("1").send().await.unwrap_err();
    assert_eq!(code(&late), "TaskTimedOut");
}

#[tokio::test]
async fn a_retry_has_a_new_token() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let retry = json!([{"ErrorEquals": ["Again"], "IntervalSeconds": 1, "MaxAttempts": 1}]);
    let (arn, mailbox) = waiting(&local, &json!({"Retry": retry})).await;
    let execution = begin(&client, &arn, "e", &json!({})).await;
    let first = token(&local, &mailbox, 0).await;
    client.send_task_failure().task_token(&first).error("Again").send().await.unwrap();
    let second = token(&local, &mailbox, 1).await;
    assert_ne!(first, second);
    let late = client.send_task_success().task_token(&first).output("1").send().await.unwrap_err();
    assert_eq!(code(&late), "TaskTimedOut");
    client.send_task_success().task_token(&second).output("2").send().await.unwrap();
    assert_eq!(ended(&client, &execution).await.output(), Some("2"));
}

#[tokio::test]
async fn a_nested_execution_gives_its_output() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let child = machine(&client, "child", &pass()).await;
    let arn = machine(&client, "parent", &parent(&child)).await;
    let execution = begin(&client, &arn, "e", &json!({"x": 5})).await;
    assert_eq!(ended(&client, &execution).await.output(), Some(r#"{"from":5}"#));
    // The same name again: that execution has ended.
    let again = begin(&client, &arn, "f", &json!({"x": 5})).await;
    let failed = ended(&client, &again).await;
    assert_eq!(failed.error(), Some("StepFunctions.ExecutionAlreadyExistsException"));
}

#[tokio::test]
async fn a_nested_failure_fails_the_parent() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let fail = json!({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Bad", "Cause": "because"}}});
    let child = machine(&client, "child", &fail).await;
    let arn = machine(&client, "parent", &parent(&child)).await;
    let execution = begin(&client, &arn, "e", &json!({"x": 5})).await;
    let failed = ended(&client, &execution).await;
    assert_eq!(failed.error(), Some("States.TaskFailed"));
    assert!(failed.cause().unwrap().contains("because"), "{failed:?}");
    let nobody = machine(&client, "orphan", &parent(&child.replace("child", "none"))).await;
    let execution = begin(&client, &nobody, "e", &json!({"x": 5})).await;
    let failed = ended(&client, &execution).await;
    assert_eq!(failed.error(), Some("StepFunctions.StateMachineDoesNotExistException"));
}

#[tokio::test]
async fn stopping_a_parent_stops_its_child() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let (child, mailbox) = waiting(&local, &json!({})).await;
    let arn = machine(&client, "parent", &parent(&child)).await;
    let execution = begin(&client, &arn, "e", &json!({"x": 5})).await;
    let token = token(&local, &mailbox, 0).await;
    client.stop_execution().execution_arn(&execution).error("Enough").cause("asked to").send().await.unwrap();
    let stopped = ended(&client, &execution).await;
    assert_eq!(stopped.status(), &ExecutionStatus::Aborted);
    assert_eq!((stopped.error(), stopped.cause()), (Some("Enough"), Some("asked to")));
    let child = ended(&client, "arn:aws:states:us-east-1:000000000000:execution:waiting:child").await;
    assert_eq!(child.status(), &ExecutionStatus::Aborted);
    let late = client.send_task_success().task_token(token).output("1").send().await.unwrap_err();
    assert_eq!(code(&late), "TaskTimedOut");
    // Once more changes nothing.
    let again = client.stop_execution().execution_arn(&execution).send().await.unwrap();
    assert_eq!(again.stop_date(), stopped.stop_date().unwrap());
}

#[tokio::test]
async fn a_timer_fires_without_anybody_asking() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let definition = json!({
        "StartAt": "W", "TimeoutSeconds": 1, "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": true}},
    });
    let arn = machine(&client, "m", &definition).await;
    let execution = begin(&client, &arn, "e", &json!({})).await;
    assert_eq!(ended(&client, &execution).await.status(), &ExecutionStatus::TimedOut);
}

#[tokio::test]
async fn a_missing_function_fails_its_task() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let definition = json!({"StartAt": "T", "States": {"T": {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "nobody", "Payload": {}}, "End": true,
    }}});
    let arn = machine(&client, "m", &definition).await;
    let execution = begin(&client, &arn, "e", &json!({})).await;
    assert_eq!(ended(&client, &execution).await.error(), Some("Lambda.ResourceNotFoundException"));
}

#[tokio::test]
async fn executions_are_listed_newest_first_by_status() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let (arn, mailbox) = waiting(&local, &json!({})).await;
    for number in 0..5 {
        begin(&client, &arn, &format!("e{number}"), &json!({})).await;
        token(&local, &mailbox, number).await;
    }
    let stopped = "arn:aws:states:us-east-1:000000000000:execution:waiting:e1";
    client.stop_execution().execution_arn(stopped).send().await.unwrap();
    let list = || client.list_executions().state_machine_arn(&arn);
    let first = list().max_results(2).send().await.unwrap();
    let names = |page: &aws_sdk_sfn::operation::list_executions::ListExecutionsOutput| {
        page.executions().iter().map(|e| e.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&first), ["e4", "e3"]);
    let rest = list().next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((names(&rest), rest.next_token()), (["e2", "e1", "e0"].map(str::to_owned).to_vec(), None));
    let running = list().status_filter(ExecutionStatus::Running).send().await.unwrap();
    assert_eq!(names(&running), ["e4", "e3", "e2", "e0"]);
}

#[tokio::test]
async fn many_executions_at_once_all_end() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let arn = machine(&client, "m", &pass()).await;
    let starts = (0..200).map(|number| {
        let start = client.start_execution().state_machine_arn(&arn).name(format!("e{number}"));
        tokio::spawn(async move { start.send().await.unwrap() })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap();
    }
    until("all to succeed", async || {
        let succeeded = client
            .list_executions()
            .state_machine_arn(&arn)
            .status_filter(ExecutionStatus::Succeeded)
            .max_results(1000)
            .send()
            .await
            .unwrap();
        (succeeded.executions().len() == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let create = |name: &str, definition: &str| {
        client.create_state_machine().name(name).definition(definition).role_arn(ROLE).send()
    };
    let arn = machine(&client, "m", &pass()).await;
    assert_eq!(create("m", &pass().to_string()).await.unwrap().state_machine_arn(), arn);
    let other = json!({"StartAt": "Q", "States": {"Q": {"Type": "Succeed"}}}).to_string();
    assert_eq!(code(&create("m", &other).await.unwrap_err()), "StateMachineAlreadyExists");
    assert_eq!(code(&create("a b", &other).await.unwrap_err()), "InvalidName");

    let nowhere = json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "Next": "Nowhere"}}}).to_string();
    let refused = create("n", &nowhere).await.unwrap_err();
    assert_eq!(code(&refused), "InvalidDefinition");
    assert!(format!("{refused:?}").contains("Nowhere"), "{refused:?}");
    let queue = json!({"StartAt": "S", "States": {"S": {
        "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": "q", "MessageBody": "b"}, "End": true,
    }}});
    let refused = create("q", &queue.to_string()).await.unwrap_err();
    assert_eq!(code(&refused), "InvalidDefinition");
    assert!(format!("{refused:?}").contains("/States/S/Resource"), "{refused:?}");

    let start =
        |machine: &str, input: &str| client.start_execution().state_machine_arn(machine).input(input).send();
    assert_eq!(code(&start(&arn, "{").await.unwrap_err()), "InvalidExecutionInput");
    assert_eq!(code(&start("m", "{}").await.unwrap_err()), "InvalidArn");
    let missing = arn.replace(":m", ":none");
    assert_eq!(code(&start(&missing, "{}").await.unwrap_err()), "StateMachineDoesNotExist");
    let describe =
        client.describe_execution().execution_arn("arn:aws:states:us-east-1:000000000000:execution:m:none");
    assert_eq!(code(&describe.send().await.unwrap_err()), "ExecutionDoesNotExist");
}

#[tokio::test]
async fn what_is_included_and_tokens_are_checked() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let arn = machine(&client, "m", &pass()).await;
    let execution = begin(&client, &arn, "e", &json!({"a": 1})).await;
    ended(&client, &execution).await;
    for (operation, member, arn) in
        [("DescribeExecution", "executionArn", &execution), ("DescribeStateMachine", "stateMachineArn", &arn)]
    {
        for (wanted, status) in [("ALL_DATA", 200), ("METADATA_ONLY", 200), ("SOME", 400)] {
            let body = json!({member: arn, "includedData": wanted});
            let answer = crate::support::call(&local, &format!("AWSStepFunctions.{operation}"), body).await;
            assert_eq!(answer.status, status, "{operation} {wanted}: {}", answer.body);
        }
    }
    let listed = client.list_executions().state_machine_arn(&arn).send().await.unwrap();
    assert_eq!(listed.executions()[0].name(), "e");
}

#[tokio::test]
async fn a_child_whose_input_is_null_gets_an_empty_object() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let child = machine(&client, "c", &pass()).await;
    let definition = json!({"StartAt": "Child", "States": {"Child": {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child, "Input": null},
        "OutputPath": "$.Input",
        "End": true,
    }}});
    let arn = machine(&client, "p", &definition).await;
    let execution = begin(&client, &arn, "e", &json!({})).await;
    assert_eq!(ended(&client, &execution).await.output(), Some("{}"));
}

#[tokio::test]
async fn a_text_that_is_no_token_is_an_invalid_token() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    for text in ["x", "AAAA", "not base64!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
        let refused = client.send_task_heartbeat().task_token(text).send().await.unwrap_err();
        assert_eq!(code(&refused), "InvalidToken", "{text}");
    }
}

#[tokio::test]
async fn an_unknown_status_is_refused_with_the_known_ones() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let arn = machine(&client, "m", &pass()).await;
    let list = client.list_executions().state_machine_arn(arn).status_filter("x".into());
    let refused = list.send().await.unwrap_err();
    assert_eq!(code(&refused), "ValidationException");
    let message = refused.meta().message().unwrap_or_default().to_owned();
    for status in ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"] {
        assert!(message.contains(status), "{message}");
    }
}
