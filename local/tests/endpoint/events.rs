//! EventBridge over HTTP: rules, targets, and what they are given.

use aws_sdk_sns::Client as Sns;
use serde_json::{Value, json};

use crate::support::{Local, call, start, until};

async fn ok(local: &Local, operation: &str, body: Value) -> Value {
    let answer = call(local, &format!("AWSEvents.{operation}"), body).await;
    assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
    answer.json()
}

async fn refused(local: &Local, operation: &str, body: Value) -> (u16, String, String) {
    let answer = call(local, &format!("AWSEvents.{operation}"), body).await;
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (answer.status, text("__type"), text("message"))
}

async fn topic(local: &Local, name: &str) -> String {
    Sns::new(&local.sdk).create_topic().name(name).send().await.unwrap().topic_arn().unwrap().to_owned()
}

/// A rule for a source, with one target.
async fn rule(local: &Local, name: &str, pattern: &Value, mut target: Value) {
    ok(local, "PutRule", json!({"Name": name, "EventPattern": pattern.to_string()})).await;
    target["Id"] = json!("1");
    let put = ok(local, "PutTargets", json!({"Rule": name, "Targets": [target]})).await;
    assert_eq!(put["FailedEntryCount"], 0);
}

fn entry(source: &str, detail: &Value) -> Value {
    json!({"Source": source, "DetailType": "order", "Detail": detail.to_string(), "Resources": ["r"]})
}

/// The `number`th message of a topic, as JSON.
async fn message(local: &Local, topic: &str, number: usize) -> Value {
    let text =
        until("a message", async || Some(local.endpoint.published(topic).await.get(number)?.message.clone()))
            .await;
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

#[tokio::test]
async fn rules_are_kept_listed_and_deleted() {
    let local = start().await;
    let pattern = json!({"source": ["shop"]}).to_string();
    let put = ok(
        &local,
        "PutRule",
        json!({"Name": "a", "EventPattern": pattern, "Description": "d", "State": "DISABLED", "Tags": []}),
    )
    .await;
    let arn = "arn:aws:events:us-east-1:000000000000:rule/a";
    assert_eq!(put["RuleArn"], arn);
    let found = ok(&local, "DescribeRule", json!({"Name": "a", "EventBusName": "default"})).await;
    assert_eq!(
        found,
        json!({"Name": "a", "Arn": arn, "EventPattern": pattern, "State": "DISABLED", "Description": "d",
            "EventBusName": "default"})
    );
    ok(&local, "EnableRule", json!({"Name": "a"})).await;
    assert_eq!(ok(&local, "DescribeRule", json!({"Name": "a"})).await["State"], "ENABLED");
    ok(&local, "PutRule", json!({"Name": "b", "EventPattern": pattern})).await;

    // The deployment's own rule is one of them.
    let first = ok(&local, "ListRules", json!({"Limit": 2})).await;
    let rest = ok(&local, "ListRules", json!({"Limit": 2, "NextToken": first["NextToken"]})).await;
    let names: Vec<&str> = [&first, &rest]
        .iter()
        .flat_map(|page| page["Rules"].as_array().unwrap())
        .map(|rule| rule["Name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a", "b", "rsqlflow-master-ended"]);
    assert_eq!(rest.get("NextToken"), None);
    let own = ok(&local, "ListTargetsByRule", json!({"Rule": "rsqlflow-master-ended"})).await;
    assert_eq!(
        own["Targets"][0]["Arn"],
        "arn:aws:lambda:us-east-1:000000000000:function:rsqlflow-update-audit"
    );

    let topic = topic(&local, "t").await;
    ok(&local, "PutTargets", json!({"Rule": "a", "Targets": [{"Id": "x", "Arn": topic}]})).await;
    let by_target = ok(&local, "ListRuleNamesByTarget", json!({"TargetArn": topic})).await;
    assert_eq!(by_target["RuleNames"], json!(["a"]));
    let (_, code, message) = refused(&local, "DeleteRule", json!({"Name": "a"})).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("ValidationException", "Rule can't be deleted since it has targets.")
    );
    ok(&local, "RemoveTargets", json!({"Rule": "a", "Ids": ["x"]})).await;
    assert_eq!(ok(&local, "ListTargetsByRule", json!({"Rule": "a"})).await["Targets"], json!([]));
    ok(&local, "DeleteRule", json!({"Name": "a"})).await;
    let (_, code, message) = refused(&local, "DescribeRule", json!({"Name": "a"})).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("ResourceNotFoundException", "Rule a does not exist on EventBus default.")
    );
}

#[tokio::test]
async fn targets_get_what_they_asked_for() {
    let local = start().await;
    let pattern = json!({"source": ["shop"], "detail": {"price": [{"numeric": [">", 10]}]}});
    let topics = ["whole", "part", "constant", "filled", "disabled"];
    let mut arns = Vec::new();
    for name in topics {
        arns.push(topic(&local, name).await);
    }
    rule(&local, "whole", &pattern, json!({"Arn": arns[0]})).await;
    rule(&local, "part", &pattern, json!({"Arn": arns[1], "InputPath": "$.detail.item"})).await;
    rule(&local, "constant", &pattern, json!({"Arn": arns[2], "Input": "{\"a\":1}"})).await;
    let transformer = json!({
        "InputPathsMap": {"item": "$.detail.item"},
        "InputTemplate": "{\"rule\": \"<aws.events.rule-name>\", \"item\": <item>}",
    });
    rule(&local, "filled", &pattern, json!({"Arn": arns[3], "InputTransformer": transformer})).await;
    rule(&local, "disabled", &pattern, json!({"Arn": arns[4]})).await;
    ok(&local, "DisableRule", json!({"Name": "disabled"})).await;

    let cheap = entry("shop", &json!({"price": 10, "item": {"n": 0}}));
    let dear = entry("shop", &json!({"price": 11, "item": {"n": 1}}));
    let put = ok(&local, "PutEvents", json!({"Entries": [cheap, dear]})).await;
    assert_eq!(put["FailedEntryCount"], 0);
    let whole = message(&local, &arns[0], 0).await;
    assert_eq!(whole["id"], put["Entries"][1]["EventId"]);
    assert_eq!(
        (&whole["source"], &whole["detail-type"], &whole["resources"], &whole["detail"]["item"]["n"]),
        (&json!("shop"), &json!("order"), &json!(["r"]), &json!(1))
    );
    assert_eq!((&whole["account"], &whole["region"]), (&json!("000000000000"), &json!("us-east-1")));
    assert_eq!(message(&local, &arns[1], 0).await, json!({"n": 1}));
    assert_eq!(message(&local, &arns[2], 0).await, json!({"a": 1}));
    assert_eq!(message(&local, &arns[3], 0).await, json!({"rule": "filled", "item": {"n": 1}}));
    // Deliveries are made in order of their rules' names, so this one would have come first.
    assert!(local.endpoint.published(&arns[4]).await.is_empty());
}

#[tokio::test]
async fn entries_fail_one_by_one() {
    let local = start().await;
    let arn = topic(&local, "t").await;
    rule(&local, "all", &json!({"source": [{"prefix": ""}]}), json!({"Arn": arn, "InputPath": "$.source"}))
        .await;
    let put = ok(
        &local,
        "PutEvents",
        json!({"Entries": [
            {"DetailType": "d", "Detail": "{}"},
            {"Source": "s", "DetailType": "d", "Detail": "[]"},
            {"Source": "s", "DetailType": "d", "Detail": "{"},
            {"Source": "aws.ec2", "DetailType": "d", "Detail": "{}"},
            {"Source": "s", "DetailType": "d", "Detail": "{}", "EventBusName": "other"},
            entry("good", &json!({})),
        ]}),
    )
    .await;
    assert_eq!(put["FailedEntryCount"], 5);
    let codes: Vec<_> = put["Entries"].as_array().unwrap().iter().map(|e| e["ErrorCode"].as_str()).collect();
    assert_eq!(
        codes,
        [
            Some("InvalidArgument"),
            Some("MalformedDetail"),
            Some("MalformedDetail"),
            Some("NotAuthorizedForSourceException"),
            Some("ResourceNotFoundException"),
            None
        ]
    );
    assert_eq!(
        put["Entries"][0]["ErrorMessage"],
        "Parameter Source is not valid. Reason: Source is a required argument."
    );
    assert_eq!(message(&local, &arn, 0).await, json!("good"));

    let eleven: Vec<Value> = (0..11).map(|_| entry("s", &json!({}))).collect();
    assert_eq!(refused(&local, "PutEvents", json!({"Entries": eleven})).await.1, "ValidationException");
    let large = entry("s", &json!({"text": "x".repeat(1_048_576)}));
    let (_, code, message) = refused(&local, "PutEvents", json!({"Entries": [large]})).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("ValidationException", "Total size of the entries in the request is over the limit.")
    );
}

#[tokio::test]
async fn mistakes_have_their_codes() {
    let local = start().await;
    let tagged =
        json!({"Name": "r", "EventPattern": "{\"source\":[\"a\"]}", "Tags": [{"Key": "k", "Value": "v"}]});
    let (status, _, message) = refused(&local, "PutRule", tagged).await;
    assert!(status == 501 && message.contains("Tags of PutRule"), "{status} {message}");
    let put_rule = async |body: Value| refused(&local, "PutRule", body).await;
    let (_, code, message) = put_rule(json!({"Name": "a", "EventPattern": "{\"source\": \"x\"}"})).await;
    assert_eq!(code, "InvalidEventPatternException");
    assert_eq!(message, "Event pattern is not valid. Reason: \"source\" must be an object or an array");
    assert_eq!(put_rule(json!({"Name": "a"})).await.1, "ValidationException");
    assert_eq!(
        put_rule(json!({"Name": "a b", "EventPattern": "{\"a\":[1]}"})).await.1,
        "ValidationException"
    );
    let (status, _, message) = put_rule(json!({"Name": "a", "ScheduleExpression": "rate(1 day)"})).await;
    assert_eq!(status, 501);
    assert!(message.contains("Scheduler"), "{message}");
    let other = json!({"Name": "a", "EventPattern": "{\"a\":[1]}", "EventBusName": "other"});
    assert_eq!(put_rule(other).await.1, "ResourceNotFoundException");

    ok(&local, "PutRule", json!({"Name": "r", "EventPattern": "{\"a\":[1]}"})).await;
    let arn = topic(&local, "t").await;
    let put =
        async |target: Value| refused(&local, "PutTargets", json!({"Rule": "r", "Targets": [target]})).await;
    let (_, _, message) = put(json!({"Id": "1", "Arn": arn, "Input": "{}", "InputPath": "$"})).await;
    assert!(message.starts_with("Only one of Input, InputPath, or InputTransformer"), "{message}");
    let (status, _, message) = put(json!({"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"})).await;
    assert_eq!(status, 501);
    assert!(message.contains("service sqs"), "{message}");
    let (_, _, message) =
        put(json!({"Id": "1", "Arn": arn, "RetryPolicy": {"MaximumRetryAttempts": 200}})).await;
    assert!(message.contains("maximumRetryAttempts"), "{message}");
    let six: Vec<Value> = (0..6).map(|n| json!({"Id": n.to_string(), "Arn": arn})).collect();
    let (_, code, _) = refused(&local, "PutTargets", json!({"Rule": "r", "Targets": six})).await;
    assert_eq!(code, "LimitExceededException");
    assert_eq!(ok(&local, "ListTargetsByRule", json!({"Rule": "r"})).await["Targets"], json!([]));

    let event = json!({"id": "1", "account": "0", "source": "shop", "time": "t", "region": "r", "resources": [],
        "detail-type": "d", "detail": {"a": 1}});
    let test = json!({"EventPattern": "{\"detail\":{\"a\":[1]}}", "Event": event.to_string()});
    assert_eq!(ok(&local, "TestEventPattern", test).await["Result"], true);
    let test = json!({"EventPattern": "{\"detail\":{\"a\":[2]}}", "Event": event.to_string()});
    assert_eq!(ok(&local, "TestEventPattern", test).await["Result"], false);
    let test = json!({"EventPattern": "{\"detail\":{\"a\":[2]}}", "Event": "{}"});
    assert_eq!(refused(&local, "TestEventPattern", test).await.1, "ValidationException");

    let buses = ok(&local, "ListEventBuses", json!({})).await;
    assert_eq!(buses["EventBuses"][0]["Arn"], "arn:aws:events:us-east-1:000000000000:event-bus/default");
    assert_eq!(ok(&local, "DescribeEventBus", json!({})).await["Name"], "default");
    assert_eq!(refused(&local, "CreateEventBus", json!({"Name": "x"})).await.0, 501);
}

#[tokio::test]
async fn an_event_starts_an_execution_and_its_status_is_an_event() {
    let local = start().await;
    let sfn = aws_sdk_sfn::Client::new(&local.sdk);
    let definition = json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}});
    let role = "arn:aws:iam::000000000000:role/r";
    let machine = sfn
        .create_state_machine()
        .name("m")
        .definition(definition.to_string())
        .role_arn(role)
        .send()
        .await
        .unwrap()
        .state_machine_arn()
        .to_owned();
    let statuses = topic(&local, "statuses").await;
    let changed = json!({
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [machine], "status": [{"anything-but": "FAILED"}]},
    });
    rule(&local, "changed", &changed, json!({"Arn": statuses, "InputPath": "$.detail"})).await;
    let target = json!({"Arn": machine, "RoleArn": role, "InputPath": "$.detail"});
    rule(&local, "start", &json!({"source": ["shop"]}), target).await;
    ok(&local, "PutEvents", json!({"Entries": [entry("shop", &json!({"n": 7}))]})).await;

    let mut details = [message(&local, &statuses, 0).await, message(&local, &statuses, 1).await];
    // Neither the service nor the endpoint promises the order of two events.
    details.sort_by_key(|detail| detail["status"].to_string());
    assert_eq!((&details[0]["status"], &details[0]["stopDate"]), (&json!("RUNNING"), &Value::Null));
    assert_eq!((&details[1]["status"], &details[1]["output"]), (&json!("SUCCEEDED"), &json!("{\"n\":7}")));
    assert_eq!(details[0]["executionArn"], details[1]["executionArn"]);
    let execution = details[1]["executionArn"].as_str().unwrap();
    let found = sfn.describe_execution().execution_arn(execution).send().await.unwrap();
    assert_eq!(found.input(), Some("{\"n\":7}"));
}

#[tokio::test]
async fn an_event_invokes_a_function() {
    let local = start().await;
    let store = rsqlflow_store::Store::new(
        aws_sdk_dynamodb::Client::new(&local.sdk),
        local.endpoint.deployment().tables.clone(),
    );
    let stage = json!({"execution_type": "parallel", "execution_flag": "n", "scripts": ["a.sh"]});
    store.config().put(&json!({"workflow_id": "w", "workflow_stages": [stage]})).await.unwrap();
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:rsqlflow-workflow-trigger";
    rule(&local, "trigger", &json!({"detail-type": ["order"]}), json!({"Arn": arn, "InputPath": "$.detail"}))
        .await;
    let detail = json!({"workflow_id": "w", "workflow_execution_id": "by-event"});
    ok(&local, "PutEvents", json!({"Entries": [entry("shop", &detail)]})).await;
    let run = rsqlflow_core::ExecutionId::new("by-event").unwrap();
    until("the run", async || store.workflows().get(&run).await.unwrap()).await;
}

#[tokio::test]
async fn commands_tell_the_bus_how_they_stand() {
    let local = start().await;
    crate::support::agent(local.dir.path(), "exit 3");
    let topic = topic(&local, "commands").await;
    let pattern = json!({"source": ["aws.ssm"], "detail-type": [{"prefix": "EC2 Command"}]});
    rule(&local, "commands", &pattern, json!({"Arn": topic})).await;
    let parameters = json!({"ExecutionId": ["e"], "JobId": ["0000#00000"], "Attempt": ["1"]});
    let send = json!({
        "DocumentName": local.endpoint.deployment().ssm_document,
        "InstanceIds": ["i-local000000000001"], "Parameters": parameters,
    });
    let sent = call(&local, "AmazonSSM.SendCommand", send).await.json();
    let mut seen = Vec::new();
    for number in 0..4 {
        let event = message(&local, &topic, number).await;
        assert_eq!(
            event["resources"],
            json!(["arn:aws:ec2:us-east-1:000000000000:instance/i-local000000000001"])
        );
        assert_eq!(event["detail"]["command-id"], sent["Command"]["CommandId"]);
        let kind = if event["detail"]["instance-id"].is_null() { "command" } else { "invocation" };
        seen.push(format!("{kind} {}", event["detail"]["status"].as_str().unwrap()));
    }
    seen.sort();
    assert_eq!(seen, ["command Failed", "command InProgress", "invocation Failed", "invocation InProgress"]);
}

#[tokio::test]
async fn no_status_of_a_command_is_told_twice() {
    let local = crate::support::start_with(|options| options.instances = 3).await;
    let gate = crate::run_command::gated(local.dir.path());
    let topic = topic(&local, "commands").await;
    let pattern = json!({"source": ["aws.ssm"], "detail-type": [{"prefix": "EC2 Command"}]});
    rule(&local, "commands", &pattern, json!({"Arn": topic})).await;
    let ssm = aws_sdk_ssm::Client::new(&local.sdk);
    let id = crate::run_command::sent(crate::run_command::send(&ssm).max_concurrency("1")).await;
    let details = async || crate::run_command::details(&ssm, &id).await;
    until("the first", async || (details().await[0] == "InProgress").then_some(())).await;
    // The command goes on, as everybody was told.
    ssm.cancel_command().command_id(&id).instance_ids("i-local000000000002").send().await.unwrap();
    crate::run_command::open(&gate).await;
    until("the third", async || (details().await == ["Success", "Cancelled", "InProgress"]).then_some(()))
        .await;
    crate::run_command::open(&gate).await;
    let mut seen = Vec::new();
    for number in 0..7 {
        let detail = message(&local, &topic, number).await["detail"].clone();
        let whose = detail["instance-id"].as_str().map_or("command", |id| &id[id.len() - 1..]).to_owned();
        seen.push(format!("{whose} {}", detail["status"].as_str().unwrap()));
    }
    seen.sort();
    let expected = [
        "1 InProgress",
        "1 Success",
        "2 Cancelled",
        "3 InProgress",
        "3 Success",
        "command Cancelled",
        "command InProgress",
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn every_end_is_told_however_soon_a_redrive_follows() {
    let local = start().await;
    let sfn = aws_sdk_sfn::Client::new(&local.sdk);
    let definition = json!({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Bad"}}});
    let machine = crate::machines::machine(&sfn, "m", &definition).await;
    let statuses = topic(&local, "statuses").await;
    let pattern = json!({"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}});
    rule(&local, "changed", &pattern, json!({"Arn": statuses, "InputPath": "$.detail"})).await;
    let execution = crate::machines::begin(&sfn, &machine, "e", &json!({})).await;
    const REDRIVES: usize = 20;
    for _ in 0..REDRIVES {
        // As soon as the service says that it has ended; a refusal says that it has not.
        until("a redrive", async || sfn.redrive_execution().execution_arn(&execution).send().await.ok())
            .await;
    }
    let mut told = std::collections::BTreeMap::new();
    for number in 0..2 * (REDRIVES + 1) {
        let detail = message(&local, &statuses, number).await;
        let status = detail["status"].as_str().unwrap().to_owned();
        assert_eq!(detail["error"].is_null(), status == "RUNNING", "{detail}");
        *told.entry(status).or_insert(0) += 1;
    }
    let expected = [("FAILED".to_owned(), REDRIVES + 1), ("RUNNING".to_owned(), REDRIVES + 1)];
    assert_eq!(told, expected.into());
}
