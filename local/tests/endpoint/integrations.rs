//! Task states that call the endpoint's other services.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};

use crate::support::{Local, call, code, start, until};

const ROLE: &str = "arn:aws:iam::000000000000:role/test";

async fn create(local: &Local, name: &str, states: Value) -> String {
    let first = states.as_object().unwrap().keys().next().unwrap().clone();
    let definition = json!({"StartAt": first, "States": states}).to_string();
    let client = Client::new(&local.sdk);
    let created = client.create_state_machine().name(name).definition(definition).role_arn(ROLE).send().await;
    created.unwrap().state_machine_arn().to_owned()
}

/// Runs one Task state to its end.
async fn run(local: &Local, resource: &str, parameters: Value) -> DescribeExecutionOutput {
    let name = uuid(local).await;
    let task = json!({"Type": "Task", "Resource": format!("arn:aws:states:::{resource}"), "Parameters": parameters,
        "End": true});
    let machine = create(local, &name, json!({"Task": task})).await;
    let client = Client::new(&local.sdk);
    let execution = client.start_execution().state_machine_arn(machine).name("e").send().await.unwrap();
    until("the execution's end", async || {
        let found =
            client.describe_execution().execution_arn(execution.execution_arn()).send().await.unwrap();
        (*found.status() != ExecutionStatus::Running).then_some(found)
    })
    .await
}

/// A name that no machine has yet.
async fn uuid(local: &Local) -> String {
    let machines = Client::new(&local.sdk).list_state_machines().send().await.unwrap();
    format!("m{}", machines.state_machines().len())
}

async fn output(local: &Local, resource: &str, parameters: Value) -> Value {
    let ended = run(local, resource, parameters).await;
    assert_eq!(
        ended.status(),
        &ExecutionStatus::Succeeded,
        "{resource}: {:?} {:?}",
        ended.error(),
        ended.cause()
    );
    serde_json::from_str(ended.output().unwrap()).unwrap()
}

async fn failure(local: &Local, resource: &str, parameters: Value) -> (String, String) {
    let ended = run(local, resource, parameters).await;
    assert_eq!(ended.status(), &ExecutionStatus::Failed, "{resource}");
    (ended.error().unwrap().to_owned(), ended.cause().unwrap().to_owned())
}

async fn table(local: &Local) -> String {
    let body = json!({
        "TableName": "items", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    });
    let created = call(local, "DynamoDB_20120810.CreateTable", body).await;
    assert_eq!(created.status, 200, "{}", created.body);
    "items".to_owned()
}

#[tokio::test]
async fn dynamodb_is_called_in_both_ways() {
    let local = start().await;
    let table = table(&local).await;
    let item = json!({"id": {"S": "a"}, "n": {"N": "1"}});
    let put = output(&local, "dynamodb:putItem", json!({"TableName": table, "Item": item})).await;
    assert_eq!(put["SdkHttpMetadata"]["HttpStatusCode"], 200);
    let update = json!({
        "TableName": table, "Key": {"id": {"S": "a"}}, "UpdateExpression": "SET n = n + :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}}, "ReturnValues": "ALL_NEW",
    });
    assert_eq!(output(&local, "dynamodb:updateItem", update).await["Attributes"]["n"]["N"], "2");
    let get = json!({"TableName": table, "Key": {"id": {"S": "a"}}});
    let got = output(&local, "aws-sdk:dynamodb:getItem", get.clone()).await;
    assert_eq!(got, json!({"Item": {"id": {"S": "a"}, "n": {"N": "2"}}}));
    output(&local, "dynamodb:deleteItem", get.clone()).await;
    assert_eq!(output(&local, "aws-sdk:dynamodb:getItem", get).await.get("Item"), None);
}

#[tokio::test]
async fn errors_are_named_as_the_services_do() {
    let local = start().await;
    let table = table(&local).await;
    let put = json!({"TableName": table, "Item": {"id": {"S": "a"}}, "ConditionExpression": "attribute_exists(id)"});
    let (error, cause) = failure(&local, "dynamodb:putItem", put.clone()).await;
    assert_eq!(error, "DynamoDB.ConditionalCheckFailedException");
    let start = "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: \
                 ConditionalCheckFailedException; Request ID: ";
    assert!(cause.starts_with(start), "{cause}");
    let (error, cause) = failure(&local, "aws-sdk:dynamodb:putItem", put).await;
    assert_eq!(error, "DynamoDb.ConditionalCheckFailedException");
    let start = "The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: ";
    assert!(cause.starts_with(start), "{cause}");
    let wrong_key = json!({"TableName": table, "Key": {"other": {"S": "a"}}});
    assert_eq!(
        failure(&local, "dynamodb:getItem", wrong_key.clone()).await.0,
        "DynamoDB.AmazonDynamoDBException"
    );
    assert_eq!(failure(&local, "aws-sdk:dynamodb:getItem", wrong_key).await.0, "DynamoDb.DynamoDbException");
    let nowhere = json!({"TableName": "nowhere", "Key": {"id": {"S": "a"}}});
    assert_eq!(failure(&local, "dynamodb:getItem", nowhere).await.0, "DynamoDB.ResourceNotFoundException");
    let nobody = json!({"ExecutionArn": "arn:aws:states:us-east-1:000000000000:execution:m:e"});
    assert_eq!(
        failure(&local, "aws-sdk:sfn:describeExecution", nobody).await.0,
        "Sfn.ExecutionDoesNotExistException"
    );
    let nobody = json!({"TopicArn": "arn:aws:sns:us-east-1:000000000000:none", "Message": "m"});
    assert_eq!(failure(&local, "aws-sdk:sns:publish", nobody).await.0, "Sns.NotFoundException");
    let nobody = json!({"SecretId": "none"});
    let (error, _) = failure(&local, "aws-sdk:secretsmanager:getSecretValue", nobody).await;
    assert_eq!(error, "SecretsManager.ResourceNotFoundException");
    let nobody = json!({"FunctionName": "none"});
    assert_eq!(failure(&local, "aws-sdk:lambda:invoke", nobody).await.0, "Lambda.ResourceNotFoundException");
}

#[tokio::test]
async fn other_services_are_called_by_their_names() {
    let local = start().await;
    let secret = json!({"Name": "s", "SecretString": "text", "ClientRequestToken": "x".repeat(32)});
    assert_eq!(call(&local, "secretsmanager.CreateSecret", secret).await.status, 200);
    let secret = output(&local, "aws-sdk:secretsmanager:getSecretValue", json!({"SecretId": "s"})).await;
    assert_eq!(secret["SecretString"], "text");
    assert!(secret["CreatedDate"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{secret}");

    let child = create(&local, "child", json!({"P": {"Type": "Pass", "End": true}})).await;
    let begin = json!({"StateMachineArn": child, "Name": "c", "Input": "{\"a\":1}"});
    let begun = output(&local, "aws-sdk:sfn:startExecution", begin).await;
    assert!(begun["StartDate"].is_string(), "{begun}");
    let find = json!({"ExecutionArn": begun["ExecutionArn"]});
    let found = output(&local, "aws-sdk:sfn:describeExecution", find).await;
    assert_eq!((&found["Name"], &found["Input"]), (&json!("c"), &json!("{\"a\":1}")));

    let instances = output(&local, "aws-sdk:ssm:describeInstanceInformation", json!({})).await;
    assert_eq!(instances["InstanceInformationList"][0]["InstanceId"], "i-local000000000001");

    let event = json!({"FunctionName": "rsqlflow-workflow-trigger", "Payload": {"workflow_id": "nobody"}});
    let invoked = output(&local, "aws-sdk:lambda:invoke", event).await;
    assert_eq!((&invoked["StatusCode"], &invoked["FunctionError"]), (&json!(200), &json!("Unhandled")));
    assert!(invoked["Payload"].as_str().unwrap().contains("errorType"), "{invoked}");

    let detail = json!({"Source": "shop", "DetailType": "d", "Detail": {"a": 1}});
    let put = output(&local, "events:putEvents", json!({"Entries": [detail]})).await;
    assert_eq!(put["FailedEntryCount"], 0);
    let bad = json!({"Entries": [{"Source": "aws.x", "DetailType": "d", "Detail": {}}]});
    let (error, cause) = failure(&local, "events:putEvents", bad).await;
    assert_eq!(error, "EventBridge.FailedEntry");
    assert!(cause.contains("NotAuthorizedForSourceException"), "{cause}");
}

#[tokio::test]
async fn a_token_waits_behind_an_sdk_call() {
    let local = start().await;
    let table = table(&local).await;
    let task = json!({
        "Type": "Task", "Resource": "arn:aws:states:::aws-sdk:dynamodb:putItem.waitForTaskToken", "End": true,
        "Parameters": {"TableName": table, "Item": {"id": {"S": "token"}, "token": {"S.$": "$$.Task.Token"}}},
    });
    let machine = create(&local, "waiting", json!({"Wait": task})).await;
    let client = Client::new(&local.sdk);
    let execution = client.start_execution().state_machine_arn(machine).send().await.unwrap();
    let token = until("the token", async || {
        let get = json!({"TableName": "items", "Key": {"id": {"S": "token"}}});
        let got = call(&local, "DynamoDB_20120810.GetItem", get).await.json();
        got["Item"]["token"]["S"].as_str().map(str::to_owned)
    })
    .await;
    // Another execution answers it, by the SDK too.
    output(&local, "aws-sdk:sfn:sendTaskSuccess", json!({"TaskToken": token, "Output": "{\"ok\":true}"}))
        .await;
    let found = until("the end", async || {
        let found =
            client.describe_execution().execution_arn(execution.execution_arn()).send().await.unwrap();
        (*found.status() != ExecutionStatus::Running).then_some(found)
    })
    .await;
    assert_eq!(found.output(), Some("{\"ok\":true}"));
}

#[tokio::test]
async fn what_nobody_carries_out_is_refused_at_creation() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    for resource in ["aws-sdk:s3:listBuckets", "aws-sdk:dynamodb:createBackup", "sqs:sendMessage"] {
        let parameters = json!({"QueueUrl": "q", "MessageBody": "b"});
        let task = json!({"Type": "Task", "Resource": format!("arn:aws:states:::{resource}"), "End": true,
            "Parameters": parameters});
        let definition = json!({"StartAt": "T", "States": {"T": task}}).to_string();
        let created =
            client.create_state_machine().name("m").definition(definition).role_arn(ROLE).send().await;
        let refused = created.unwrap_err();
        assert_eq!(code(&refused), "InvalidDefinition", "{resource}");
    }
}

#[tokio::test]
async fn a_function_is_invoked_as_the_parameters_say() {
    let local = start().await;
    let with = |name: &str, value: Value| {
        let mut parameters =
            json!({"FunctionName": "rsqlflow-workflow-trigger", "Payload": {"workflow_id": "nobody"}});
        parameters[name] = value;
        parameters
    };
    for resource in ["lambda:invoke", "aws-sdk:lambda:invoke"] {
        // The function would fail if it ran.
        let dry = output(&local, resource, with("InvocationType", json!("DryRun"))).await;
        assert_eq!((&dry["StatusCode"], &dry["Payload"]), (&json!(204), &json!("")), "{resource}: {dry}");
        let queued = output(&local, resource, with("InvocationType", json!("Event"))).await;
        assert_eq!(queued["StatusCode"], 202, "{resource}: {queued}");
        for (name, value, wanted) in [
            ("LogType", json!("Tail"), "LogType other than None"),
            ("ClientContext", json!("e30="), "parameter ClientContext"),
            ("InvocationType", json!("Later"), "enum value set"),
            ("Payload", json!("{"), "Could not parse request body into json"),
        ] {
            let (error, cause) = failure(&local, resource, with(name, value)).await;
            assert!(
                error.starts_with("Lambda.") && cause.contains(wanted),
                "{resource} {name}: {error} {cause}"
            );
        }
        let missing = json!({"FunctionName": "none", "InvocationType": "DryRun"});
        assert_eq!(
            failure(&local, resource, missing).await.0,
            "Lambda.ResourceNotFoundException",
            "{resource}"
        );
    }
}

#[tokio::test]
async fn a_message_is_published_as_the_parameters_say() {
    let local = start().await;
    let sns = aws_sdk_sns::Client::new(&local.sdk);
    let topic = sns.create_topic().name("t").send().await.unwrap().topic_arn().unwrap().to_owned();
    for (number, resource) in ["sns:publish", "aws-sdk:sns:publish"].into_iter().enumerate() {
        let parameters =
            json!({"TargetArn": topic, "Message": "{\"default\":\"d\"}", "MessageStructure": "json"});
        let published = output(&local, resource, parameters).await;
        let kept = local.endpoint.published(&topic).await;
        assert_eq!(kept.len(), number + 1, "{resource}");
        assert_eq!(published["MessageId"], kept[number].message_id);
        for (parameters, wanted) in [
            (json!({"TopicArn": topic, "Message": "{}", "MessageStructure": "json"}), "No default entry"),
            (json!({"TopicArn": topic, "Message": "m", "MessageStructure": "xml"}), "must be json"),
            (json!({"TopicArn": topic, "Message": "m", "PhoneNumber": "+1"}), "parameter PhoneNumber"),
        ] {
            let cause = failure(&local, resource, parameters).await.1;
            assert!(cause.contains(wanted), "{resource}: {cause}");
        }
    }
}
