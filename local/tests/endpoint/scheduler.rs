//! EventBridge Scheduler over HTTP.

use aws_sdk_sns::Client as Sns;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{Local, Raw, by_port, raw, restart, start, until};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn send(local: &Local, line: &str, body: Value) -> Raw {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    raw(local, line, &[JSON], body.as_bytes()).await
}

async fn ok(local: &Local, line: &str, body: Value) -> Value {
    let answer = send(local, line, body).await;
    assert_eq!(answer.status, 200, "{line}: {}", answer.body);
    answer.json()
}

async fn refused(local: &Local, line: &str, body: Value) -> (u16, String) {
    let answer = send(local, line, body).await;
    assert!(answer.head.contains("x-amzn-errortype: "), "{}", answer.head);
    (answer.status, format!("{} {}", answer.head, answer.json()["Message"]))
}

async fn topic(local: &Local) -> String {
    Sns::new(&local.sdk).create_topic().name("t").send().await.unwrap().topic_arn().unwrap().to_owned()
}

fn schedule(expression: &str, target: &str) -> Value {
    json!({
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": target, "RoleArn": "arn:aws:iam::000000000000:role/r"},
        "ClientToken": "token-1",
    })
}

/// `at(…)` so many seconds from now, in whole seconds.
fn in_seconds(seconds: i64) -> (String, Timestamp) {
    let moment = Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap();
    (format!("at({})", moment.strftime("%Y-%m-%dT%H:%M:%S")), moment)
}

#[tokio::test]
async fn schedules_are_kept_shown_changed_and_deleted() {
    let local = start().await;
    let topic = topic(&local).await;
    let mut wanted = schedule("cron(0 3 ? * MON-FRI *)", &topic);
    wanted["ScheduleExpressionTimezone"] = json!("America/New_York");
    wanted["Description"] = json!("nightly");
    let arn = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/nightly";
    assert_eq!(ok(&local, "POST /schedules/nightly", wanted.clone()).await["ScheduleArn"], arn);
    // The same request again is the same answer, another is a conflict.
    assert_eq!(ok(&local, "POST /schedules/nightly", wanted.clone()).await["ScheduleArn"], arn);
    wanted["ClientToken"] = json!("token-2");
    let (status, text) = refused(&local, "POST /schedules/nightly", wanted.clone()).await;
    assert_eq!(status, 409);
    assert!(
        text.contains("ConflictException") && text.contains("Schedule nightly already exists."),
        "{text}"
    );

    let found = ok(&local, "GET /schedules/nightly", Value::Null).await;
    assert_eq!(
        (&found["Arn"], &found["GroupName"], &found["State"]),
        (&json!(arn), &json!("default"), &json!("ENABLED"))
    );
    assert_eq!(
        found["Target"]["RetryPolicy"],
        json!({"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400})
    );
    assert_eq!((&found["ActionAfterCompletion"], &found["Description"]), (&json!("NONE"), &json!("nightly")));
    assert!(found["CreationDate"].is_number());

    wanted["State"] = json!("DISABLED");
    ok(&local, "PUT /schedules/nightly", wanted.clone()).await;
    ok(&local, "POST /schedule-groups/etl", json!({"ClientToken": "x"})).await;
    wanted["GroupName"] = json!("etl");
    ok(&local, "POST /schedules/weekly", wanted).await;
    let names = |list: &Value| -> Vec<String> {
        let list = list["Schedules"].as_array().unwrap();
        list.iter().map(|s| s["Name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&ok(&local, "GET /schedules", Value::Null).await), ["nightly", "weekly"]);
    let page = ok(&local, "GET /schedules?MaxResults=1", Value::Null).await;
    assert_eq!(names(&page), ["nightly"]);
    let token = page["NextToken"].as_str().unwrap().replace('/', "%2F");
    assert_eq!(
        names(&ok(&local, &format!("GET /schedules?NextToken={token}"), Value::Null).await),
        ["weekly"]
    );
    assert_eq!(
        names(&ok(&local, "GET /schedules?ScheduleGroup=etl&State=DISABLED", Value::Null).await),
        ["weekly"]
    );
    assert_eq!(names(&ok(&local, "GET /schedules?State=ENABLED", Value::Null).await), [""; 0]);

    ok(&local, "DELETE /schedules/nightly?groupName=default&clientToken=x", Value::Null).await;
    let (status, text) = refused(&local, "GET /schedules/nightly", Value::Null).await;
    assert_eq!(status, 404);
    assert!(text.contains("ResourceNotFoundException"), "{text}");
    ok(&local, "DELETE /schedule-groups/etl", Value::Null).await;
    assert_eq!(refused(&local, "GET /schedules/weekly?groupName=etl", Value::Null).await.0, 404);
    let groups = ok(&local, "GET /schedule-groups", Value::Null).await;
    assert_eq!(groups["ScheduleGroups"].as_array().unwrap().len(), 1);
    assert_eq!(ok(&local, "GET /schedule-groups/default", Value::Null).await["State"], "ACTIVE");
}

#[tokio::test]
async fn mistakes_have_their_codes() {
    let local = start().await;
    let topic = topic(&local).await;
    for (change, wanted) in [
        (json!({"ScheduleExpression": "cron(0 3 * * MON *)"}), "Invalid Schedule Expression"),
        (json!({"ScheduleExpression": "every day"}), "Invalid Schedule Expression"),
        (json!({"ScheduleExpressionTimezone": "Mars/Olympus"}), "Invalid Schedule Expression Timezone"),
        (json!({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}), "MaximumWindowInMinutes"),
        (json!({"StartDate": 1_000_000_000}), "cannot be earlier than 5 minutes ago"),
        (json!({"Target": {"Arn": "x", "RoleArn": "arn:aws:iam::000000000000:role/r"}}), "Provided Arn"),
        (json!({"Target": {"Arn": topic, "RoleArn": "r"}}), "Provided RoleArn"),
    ] {
        let mut body = schedule("rate(1 day)", &topic);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, text) = refused(&local, "POST /schedules/s", body).await;
        assert_eq!(status, 400, "{text}");
        assert!(text.contains("ValidationException") && text.contains(wanted), "{wanted}: {text}");
    }
    let mut body = schedule("rate(1 day)", &topic);
    body["KmsKeyArn"] = json!("arn:aws:kms:us-east-1:000000000000:key/k");
    let (status, text) = refused(&local, "POST /schedules/s", body.clone()).await;
    assert_eq!(status, 501);
    assert!(text.contains("KmsKeyArn"), "{text}");
    body.as_object_mut().unwrap().remove("KmsKeyArn");
    body["GroupName"] = json!("none");
    assert_eq!(refused(&local, "POST /schedules/s", body).await.0, 404);
    assert_eq!(refused(&local, "POST /schedules/a%20b", schedule("rate(1 day)", &topic)).await.0, 400);
    assert_eq!(refused(&local, "DELETE /schedule-groups/default", Value::Null).await.0, 400);
    assert_eq!(refused(&local, "PATCH /schedules/s", Value::Null).await.0, 501);
    for member in ["GroupName", "ClientToken"] {
        let mut body = schedule("rate(1 day)", &topic);
        body[member] = json!(7);
        let (status, text) = refused(&local, "POST /schedules/s", body).await;
        assert!(status == 400 && text.contains("SerializationException") && text.contains(member), "{text}");
    }
    let mut body = schedule("rate(1 day)", &topic);
    body["ClientToken"] = json!("no token");
    for (line, body) in [
        ("POST /schedules/s", body),
        ("POST /schedule-groups/g", json!({"ClientToken": ""})),
        ("DELETE /schedules/s?clientToken=a%20b", Value::Null),
        ("DELETE /schedule-groups/g?clientToken=a%20b", Value::Null),
        ("GET /schedules?NextToken=other", Value::Null),
        ("GET /schedule-groups?NextToken=a%2Fb", Value::Null),
    ] {
        let (status, text) = refused(&local, line, body).await;
        assert!(status == 400 && text.contains("ValidationException"), "{line}: {text}");
    }
    let (status, text) =
        refused(&local, "POST /schedule-groups/g", json!({"Tags": [{"Key": "k", "Value": "v"}]})).await;
    assert!(status == 501 && text.contains("Tags of CreateScheduleGroup"), "{text}");
}

#[tokio::test]
async fn a_rate_fires_at_once_and_tells_its_context() {
    let local = start().await;
    let topic = topic(&local).await;
    let mut body = schedule("rate(1 hour)", &topic);
    let input = json!({
        "arn": "<aws.scheduler.schedule-arn>",
        "time": "<aws.scheduler.scheduled-time>",
        "id": "<aws.scheduler.execution-id>",
        "attempt": "<aws.scheduler.attempt-number>",
    });
    body["Target"]["Input"] = json!(input.to_string());
    ok(&local, "POST /schedules/s", body).await;
    let message =
        until("the firing", async || Some(local.endpoint.published(&topic).await.first()?.message.clone()))
            .await;
    let message: Value = serde_json::from_str(&message).unwrap();
    assert_eq!(message["arn"], "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s");
    assert_eq!(message["attempt"], "1");
    assert_eq!(message["id"].as_str().unwrap().len(), 36);
    assert!(message["time"].as_str().unwrap().parse::<Timestamp>().is_ok(), "{message}");
    // A schedule without input tells what it is.
    ok(&local, "PUT /schedules/s", schedule("rate(1 hour)", &topic)).await;
    let message = until("the default input", async || {
        Some(local.endpoint.published(&topic).await.get(1)?.message.clone())
    })
    .await;
    let message: Value = serde_json::from_str(&message).unwrap();
    assert_eq!(
        (&message["source"], &message["detail-type"]),
        (&json!("aws.scheduler"), &json!("Scheduled Event"))
    );
}

#[tokio::test]
async fn a_schedule_of_one_time_starts_an_execution_and_goes_away() {
    let local = start().await;
    let sfn = aws_sdk_sfn::Client::new(&local.sdk);
    let definition = json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}).to_string();
    let role = "arn:aws:iam::000000000000:role/r";
    let created =
        sfn.create_state_machine().name("m").definition(definition).role_arn(role).send().await.unwrap();
    let machine = created.state_machine_arn();
    let (expression, moment) = in_seconds(2);
    let mut body = schedule(&expression, machine);
    body["Target"]["Input"] = json!("{\"n\":1}");
    body["ActionAfterCompletion"] = json!("DELETE");
    ok(&local, "POST /schedules/once", body).await;
    let execution = until("the execution", async || {
        let list = sfn.list_executions().state_machine_arn(machine).send().await.unwrap();
        list.executions().first().map(|execution| execution.execution_arn().to_owned())
    })
    .await;
    assert!(Timestamp::now() >= moment);
    let found = sfn.describe_execution().execution_arn(execution).send().await.unwrap();
    assert_eq!(found.input(), Some("{\"n\":1}"));
    assert_eq!(refused(&local, "GET /schedules/once", Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_time_that_passed_while_the_endpoint_was_down_fires_at_its_start() {
    let local = start().await;
    let topic = topic(&local).await;
    let (expression, moment) = in_seconds(3);
    ok(&local, "POST /schedules/once", schedule(&expression, &topic)).await;
    assert!(local.endpoint.published(&topic).await.is_empty());
    let endpoint = local.endpoint;
    endpoint.shutdown().await;
    until("the time to pass", async || (Timestamp::now() > moment).then_some(())).await;
    let endpoint = rsqlflow_local::Endpoint::start(crate::support::options(local.dir.path())).await.unwrap();
    let local = Local { sdk: by_port(&endpoint), endpoint, dir: local.dir };
    until("the firing", async || local.endpoint.published(&topic).await.first().cloned()).await;
    // Once: another start finds nothing to do, and the schedule still there.
    let local = restart(local).await;
    assert_eq!(ok(&local, "GET /schedules/once", Value::Null).await["ScheduleExpression"], expression);
    assert_eq!(local.endpoint.published(&topic).await.len(), 1);
}
