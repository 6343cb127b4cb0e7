//! The clients that people have: the AWS CLI, and boto3 in `tests/clients/`.

use std::path::Path;

use rsqlflow_tests::{World, WorldOptions, eventually};
use rsqlflow_tests_postgres::Cluster;
use serde_json::{Map, Value, json};

const MACHINE: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:rsqlflow-";
const LOG_GROUP: &str = "/ops/rsql-logs/";

/// A value as DynamoDB writes it.
fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(value) => json!({ "N": value.to_string() }),
        Value::String(value) => json!({ "S": value }),
        Value::Array(values) => json!({ "L": values.iter().map(attribute).collect::<Vec<_>>() }),
        Value::Object(members) => json!({ "M": item(members) }),
    }
}

fn item(members: &Map<String, Value>) -> Value {
    members.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<Map<_, _>>().into()
}

fn put(world: &World, workflow: &Value) {
    let text = item(workflow.as_object().expect("an object")).to_string();
    world.aws(&["dynamodb", "put-item", "--table-name", "rsqlflow-config-table", "--item", &text]);
}

/// Invokes the trigger; the answer names the run and its execution.
fn trigger(world: &World, workflow: &str) -> (String, String) {
    let file = world.file("answer.json");
    let request = json!({ "workflow_id": workflow }).to_string();
    let answer = world.aws(&[
        "lambda",
        "invoke",
        "--function-name",
        "rsqlflow-workflow-trigger",
        "--payload",
        &request,
        file.to_str().expect("a path"),
    ]);
    assert_eq!(answer["StatusCode"], 200);
    assert_eq!(answer["FunctionError"], Value::Null, "{answer}");
    let payload: Value = serde_json::from_slice(&std::fs::read(file).expect("an answer")).expect("JSON");
    let text = |name: &str| payload[name].as_str().unwrap_or_else(|| panic!("{payload}")).to_owned();
    (text("workflow_execution_id"), text("execution_arn"))
}

async fn ended(world: &World, arn: &str) -> Value {
    eventually("the execution's end", async || {
        let execution = world.aws(&["stepfunctions", "describe-execution", "--execution-arn", arn]);
        (execution["status"] != "RUNNING").then_some(execution)
    })
    .await
}

fn texts<'a>(list: &'a Value, pointer: &str) -> Vec<&'a str> {
    let list = list.as_array().unwrap_or_else(|| panic!("a list: {list}"));
    list.iter().map(|entry| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default()).collect()
}

fn job_rows(world: &World, run: &str) -> Value {
    let values = json!({ ":run": { "S": run }, ":stage": { "S": "0" } }).to_string();
    let answer = world.aws(&[
        "dynamodb",
        "query",
        "--table-name",
        "rsqlflow-job-audit-table",
        "--key-condition-expression",
        "workflow_execution_id = :run AND begins_with(job_id, :stage)",
        "--expression-attribute-values",
        &values,
    ]);
    answer["Items"].clone()
}

fn workflow_status(world: &World, run: &str) -> String {
    let key = json!({ "workflow_execution_id": { "S": run } }).to_string();
    let table = "rsqlflow-workflow-audit-table";
    let answer =
        world.aws(&["dynamodb", "get-item", "--table-name", table, "--key", &key, "--consistent-read"]);
    answer["Item"]["execution_status"]["S"].as_str().unwrap_or_default().to_owned()
}

/// The six-script example, with scripts that need no database.
async fn example() -> (World, String, String) {
    let world = World::start().await;
    for number in 1..=6 {
        world.script(&format!("rsql_blog_script_{number}.sh"), &format!("echo this is script {number}"));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/blog/workflow.json");
    let workflow: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    put(&world, &workflow);
    let (run, arn) = trigger(&world, "blog_test_workflow");
    (world, run, arn)
}

#[tokio::test]
async fn the_aws_cli_runs_the_example_and_finds_all_about_it() {
    let (world, run, arn) = example().await;
    let execution = ended(&world, &arn).await;
    assert_eq!(execution["status"], "SUCCEEDED", "{execution}");
    assert_eq!(execution["name"], json!(run));

    let history = |more: &[&str]| {
        let mut args = vec!["stepfunctions", "get-execution-history", "--execution-arn", &arn];
        args.extend(more);
        world.aws(&args)
    };
    let whole = history(&[])["events"].clone();
    let types = texts(&whole, "/type");
    assert_eq!((types[0], types[types.len() - 1]), ("ExecutionStarted", "ExecutionSucceeded"));
    assert_eq!(types.iter().filter(|event| **event == "TaskSubmitted").count(), 3, "a child for each stage");
    assert_eq!(history(&["--page-size", "7"])["events"], whole, "pages add up to the whole");
    let mut backward = history(&["--reverse-order", "--page-size", "7"])["events"].clone();
    backward.as_array_mut().unwrap().reverse();
    assert_eq!(backward, whole);
    let first = history(&["--max-items", "3"]);
    let token = first["NextToken"].as_str().expect("there is more");
    let second = history(&["--starting-token", token]);
    assert_eq!(first["events"].as_array().unwrap().len(), 3);
    assert_eq!(second["events"][0]["id"], 4);

    let executions = |machine: &str, status: &str| {
        let machine = format!("{MACHINE}{machine}");
        let args = ["stepfunctions", "list-executions", "--state-machine-arn", &machine];
        let answer = world.aws(&[&args[..], &["--status-filter", status]].concat());
        texts(&answer["executions"], "/name").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(executions("master", "SUCCEEDED"), [run.as_str()]);
    assert_eq!(executions("master", "RUNNING"), [] as [String; 0]);
    assert_eq!(executions("sequential", "SUCCEEDED"), [format!("{run}-s0000-c000")]);
    assert_eq!(executions("parallel", "SUCCEEDED").len(), 2);

    let values = json!({ ":workflow": { "S": "blog_test_workflow" } }).to_string();
    let runs = world.aws(&[
        "dynamodb",
        "query",
        "--table-name",
        "rsqlflow-workflow-audit-table",
        "--index-name",
        "workflow_id-index",
        "--key-condition-expression",
        "workflow_id = :workflow",
        "--expression-attribute-values",
        &values,
    ]);
    assert_eq!(texts(&runs["Items"], "/workflow_execution_id/S"), [run.as_str()]);
    assert_eq!(texts(&runs["Items"], "/execution_status/S"), ["Completed"]);
    let rows = job_rows(&world, &run);
    let names: Vec<_> = (1..=6).map(|number| format!("rsql_blog_script_{number}.sh")).collect();
    assert_eq!(texts(&rows, "/job_name/S"), names);
    assert_eq!(texts(&rows, "/execution_status/S"), ["Completed"; 6]);
}

#[tokio::test]
async fn the_aws_cli_reads_logs_commands_and_secrets() {
    let (world, run, arn) = example().await;
    ended(&world, &arn).await;
    let rows = job_rows(&world, &run);

    let prefix = format!("{run}/");
    let filter = |more: &[&str]| {
        let args =
            ["logs", "filter-log-events", "--log-group-name", LOG_GROUP, "--log-stream-name-prefix", &prefix];
        let answer = world.aws(&[&args[..], more].concat());
        let mut messages = texts(&answer["events"], "/message");
        messages.sort_unstable();
        messages.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let lines: Vec<_> = (1..=6).map(|number| format!("this is script {number}")).collect();
    assert_eq!(filter(&[]), lines);
    assert_eq!(filter(&["--page-size", "2"]), lines);
    assert_eq!(filter(&["--filter-pattern", "\"script 4\""]), lines[3..4]);
    assert_eq!(filter(&["--end-time", "1000"]), [] as [String; 0], "nothing is so old");
    let stream = rows[1]["log_stream"]["S"].as_str().unwrap();
    let args =
        ["logs", "get-log-events", "--log-group-name", LOG_GROUP, "--log-stream-name", stream, "--limit"];
    let events = world.aws(&[&args[..], &["10"]].concat());
    assert_eq!(texts(&events["events"], "/message"), [lines[1].as_str()]);

    let mut sent = texts(&rows, "/ssm_command_id/S");
    sent.sort_unstable();
    let listed = world.aws(&["ssm", "list-command-invocations", "--details"]);
    let listed = &listed["CommandInvocations"];
    let mut commands = texts(listed, "/CommandId");
    commands.sort_unstable();
    assert_eq!(commands, sent);
    assert_eq!(texts(listed, "/Status"), ["Success"; 6]);
    assert_eq!(texts(listed, "/InstanceId"), ["i-local000000000001"; 6]);
    let one = world.aws(&["ssm", "list-command-invocations", "--command-id", sent[0]]);
    assert_eq!(texts(&one["CommandInvocations"], "/CommandId"), [sent[0]]);

    assert_eq!(world.aws(&["sts", "get-caller-identity"])["Account"], "000000000000");
    let create = ["secretsmanager", "create-secret", "--name", "team/db", "--secret-string"];
    let created = world.aws(&[&create[..], &[r#"{"host": "h"}"#]].concat());
    for id in ["team/db", created["ARN"].as_str().unwrap()] {
        let value = world.aws(&["secretsmanager", "get-secret-value", "--secret-id", id]);
        assert_eq!(value["SecretString"], r#"{"host": "h"}"#);
        assert_eq!(value["VersionId"], created["VersionId"]);
    }
    let error = world.try_aws(&[&create[..], &["again"]].concat()).unwrap_err();
    assert!(error.contains("(ResourceExistsException)"), "{error}");
}

#[tokio::test]
async fn the_aws_cli_stops_an_execution_and_its_script() {
    let world = World::start().await;
    let mark = format!("7{}", std::process::id());
    let started = world.file("started");
    world.script("long.sh", &format!("touch '{}'; sleep {mark}", started.display()));
    put(
        &world,
        &json!({ "workflow_id": "long", "defaults": { "heartbeat": 6 },
            "workflow_stages": [{ "execution_type": "sequential", "scripts": ["long.sh", "long.sh"] }] }),
    );
    let (run, arn) = trigger(&world, "long");
    eventually("the script's start", async || started.exists().then_some(())).await;
    assert_eq!(workflow_status(&world, &run), "Running");

    let stop = ["stepfunctions", "stop-execution", "--execution-arn", &arn];
    world.aws(&[&stop[..], &["--error", "Operator", "--cause", "enough for today"]].concat());
    let execution = ended(&world, &arn).await;
    assert_eq!(execution["status"], "ABORTED");
    assert_eq!((&execution["error"], &execution["cause"]), (&json!("Operator"), &json!("enough for today")));

    eventually("the run's row closed", async || (workflow_status(&world, &run) != "Running").then_some(()))
        .await;
    assert_eq!(World::processes(&format!("sleep {mark}")), [] as [i32; 0]);
    assert_eq!(workflow_status(&world, &run), "Cancelled");
    assert_eq!(texts(&job_rows(&world, &run), "/execution_status/S"), ["Cancelled"; 2]);
    let child = arn.replace("rsqlflow-master", "rsqlflow-sequential") + "-s0000-c000";
    assert_eq!(ended(&world, &child).await["status"], "ABORTED");
}

/// The tests of a file in `tests/clients/`, which start from an endpoint with nothing in it.
async fn boto3(module: &str, instances: u16) {
    let world = World::with(WorldOptions { instances, ..WorldOptions::default() }).await;
    world.boto3(module, &[]);
}

#[tokio::test]
async fn boto3_runs_and_stops_workflows() {
    boto3("workflow", 1).await;
}

#[tokio::test]
async fn boto3_has_machines_of_its_own() {
    boto3("machines", 1).await;
}

#[tokio::test]
async fn boto3_gets_errors_by_class() {
    boto3("errors", 1).await;
}

#[tokio::test]
async fn boto3_pages_and_waits() {
    boto3("paging", 12).await;
}

#[tokio::test]
async fn boto3_starts_a_workflow_by_an_event_and_only_once() {
    boto3("events", 1).await;
}

#[tokio::test]
async fn boto3_with_200_clients_at_once() {
    boto3("crowd", 1).await;
}

/// A world whose warehouse `night` is a PostgreSQL of the test's own.
async fn with_warehouse() -> (World, Cluster) {
    let cluster = Cluster::start();
    let url = format!("postgres://postgres:s3cret@127.0.0.1:{}/postgres", cluster.port);
    let options = WorldOptions { warehouses: vec![("night".to_owned(), url)], ..WorldOptions::default() };
    (World::with(options).await, cluster)
}

#[tokio::test]
async fn boto3_runs_sql() {
    let (world, _cluster) = with_warehouse().await;
    world.boto3("redshift", &[]);
}

#[tokio::test]
async fn the_cli_runs_sql() {
    let (world, cluster) = with_warehouse().await;
    let run = |sql: &str| {
        let place = ["--workgroup-name", "night", "--database", "postgres", "--wait-time-seconds", "30"];
        world.aws(&[&["redshift-data", "execute-statement", "--sql", sql][..], &place].concat())
    };
    let made = run("create table t (x int); ");
    assert_eq!((&made["Status"], &made["HasResultSet"]), (&json!("FINISHED"), &json!(false)), "{made}");
    let _ = cluster.ask("insert into t values (1), (2)");
    let selected = run("select sum(x) as total from t");
    let id = selected["Id"].as_str().expect("an id");
    let result = world.aws(&["redshift-data", "get-statement-result", "--id", id]);
    assert_eq!(result["Records"], json!([[{ "longValue": 3 }]]), "{result}");
    let described = world.aws(&["redshift-data", "describe-statement", "--id", id]);
    assert_eq!(described["QueryString"], "select sum(x) as total from t");

    // The password is in no answer and in no file of the state directory.
    assert!(!described.to_string().contains("s3cret"));
    for file in std::fs::read_dir(world.state_dir()).expect("the state directory") {
        let path = file.expect("a file").path();
        if path.is_file() {
            let text = std::fs::read(&path).expect("a file");
            let holds = text.windows(6).any(|part| part == b"s3cret");
            assert!(!holds, "{} holds the password", path.display());
        }
    }
}

#[tokio::test]
async fn a_statement_that_was_open_at_kill_9_fails_and_ends_on_the_server() {
    let (mut world, cluster) = with_warehouse().await;
    let place = ["--workgroup-name", "night", "--database", "postgres"];
    let sent = world.aws(
        &[&["redshift-data", "execute-statement", "--sql", "select pg_sleep(602)"][..], &place].concat(),
    );
    let id = sent["Id"].as_str().expect("an id").to_owned();
    let sleeping = "select count(*) from pg_stat_activity where query like '%pg_sleep(602)%' and state = 'active' \
                    and pid <> pg_backend_pid()";
    eventually("the statement runs", async || (cluster.ask(sleeping) == "1").then_some(())).await;
    world.kill();
    world.restart();
    let described = eventually("the statement's end", async || {
        let found = world.aws(&["redshift-data", "describe-statement", "--id", &id]);
        (found["Status"] != "STARTED").then_some(found)
    })
    .await;
    assert_eq!(described["Status"], "FAILED", "{described}");
    let error = described["Error"].as_str().unwrap_or_default();
    assert!(error.contains("whether it took effect is not known"), "{error}");
    eventually("the end on the server", async || (cluster.ask(sleeping) == "0").then_some(())).await;
}
