//! Every job that was handed out and every run comes to an end that says what happened, whatever the services, the rows
//! or the functions do.

#![expect(clippy::unwrap_used, reason = "also what the tests share is run by tests only")]

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use rsqlflow_core::protocol::JobStatus::{Cancelled, Completed, Failed, Pending, Running, Triggered};
use rsqlflow_core::protocol::{Change, Contract};
use rsqlflow_core::{ExecutionId, Function, JobId, Timestamp, WorkflowId, WorkflowStatus};
use rsqlflow_store::{JobRow, Note, Notification, Store, WorkflowRow};
use rsqlflow_tests::{Fault, Network, Refused, World, WorldOptions, binary};
use serde_json::{Value, json};

const FIRST: JobId = JobId::new(0, 0);

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

fn ago(minutes: i64) -> Timestamp {
    Timestamp::from_millis(now().as_millis() - minutes * 60_000)
}

async fn idle() -> World {
    World::with(WorldOptions { hold_commands: true, instances: 2, ..WorldOptions::default() }).await
}

/// An idle world into which rows may be written by hand. A run is under way: when an endpoint starts, it closes the runs
/// that it finds open, and has done that by now.
async fn idle_for_rows() -> World {
    let world = idle().await;
    world.script("a.sh", "echo");
    world.put_stage("first", "sequential", json!(["a.sh"])).await;
    let id = world.begin("first").await;
    world.reach(&id, 0, Triggered).await;
    world
}

async fn invoke(world: &World, function: Function, payload: &Value) -> Result<Value, Refused> {
    world.invoke(&world.deployment.functions[function], payload).await
}

/// A run without an execution, with one job.
async fn hand_out(store: &Store, id: &str, started: Timestamp) -> ExecutionId {
    let run: WorkflowRow = serde_json::from_value(json!({
        "workflow_execution_id": id, "workflow_id": "w", "execution_status": "Running", "execution_start_ts": started,
    }))
    .unwrap();
    store.workflows().open(&run).await.unwrap();
    let id = run.workflow_execution_id;
    let job = json!({
        "job_name": "a.sh", "script": "a.sh", "args": [], "env": {}, "timeout": 3600, "heartbeat": 180, "retries": 0,
        "retry_delay": 60, "retry_backoff": 1.0, "ok_exit_codes": [0], "on_lost": "fail",
        "target": { "instance_ids": ["i-local000000000001", "i-local000000000002"] },
    });
    let job = serde_json::from_value(job).unwrap();
    store.jobs().hand_out(&JobRow::handed_out(id.clone(), run.workflow_id, FIRST, job)).await.unwrap();
    id
}

/// A run whose second job was handed out and not yet sent.
async fn with_a_pending_job(world: &World, workflow: &str) -> ExecutionId {
    world.script("a.sh", "echo");
    let target = json!({ "instance_ids": ["i-local000000000001", "i-local000000000002"] });
    world
        .put(&json!({
            "workflow_id": workflow,
            "defaults": { "target": target },
            "workflow_stages": [{ "scripts": ["a.sh", "a.sh"] }],
        }))
        .await;
    let id = world.begin(workflow).await;
    world.reach(&id, 0, Triggered).await;
    id
}

/// Calls the launcher for the second job, by a network that the test can break.
async fn launch(world: &World, network: &Network, id: &ExecutionId, retry: u16) -> Result<Value, Refused> {
    let event = json!({
        "workflow_execution_id": id, "stage": 0, "position": 1, "task_token": "t", "entered": now(), "retry": retry,
    });
    world.call_process(&binary("bootstrap"), "rsql-invoke", &network.url, &event).await
}

async fn second(world: &World, id: &ExecutionId) -> JobRow {
    world.job(id, 0, 1).await.unwrap()
}

async fn row(world: &World, id: &ExecutionId) -> JobRow {
    world.job(id, 0, 0).await.unwrap()
}

/// Writes a column of an item as nothing of ours would.
async fn damage(world: &World, table: &str, key: &[(&str, &str)], column: &str, value: AttributeValue) {
    let mut update = aws_sdk_dynamodb::Client::new(&world.sdk)
        .update_item()
        .table_name(table)
        .update_expression("SET #c = :v")
        .expression_attribute_names("#c", column)
        .expression_attribute_values(":v", value);
    for (name, text) in key {
        update = update.key(*name, AttributeValue::S((*text).to_owned()));
    }
    update.send().await.unwrap();
}

async fn damage_job(world: &World, id: &ExecutionId, column: &str, value: AttributeValue) {
    let key = [("workflow_execution_id", id.as_str()), ("job_id", "0000#00000")];
    damage(world, &world.deployment.tables.job_audit, &key, column, value).await;
}

#[tokio::test]
async fn an_instance_that_takes_no_command_is_left_out() {
    let mut world = idle_for_rows().await;
    world.deployment.timing.lambda_timeout = Duration::from_secs(10);
    let network = Network::before(&world.url);
    let id = with_a_pending_job(&world, "w").await;
    network.fail_first(1, "AmazonSSM.SendCommand", Fault::Refused("InvalidInstanceId"));
    let answer = launch(&world, &network, &id, 0).await.unwrap();
    assert_eq!(answer, json!({ "did": "sent", "attempt": 1 }));
    let sent = second(&world, &id).await;
    assert_eq!((sent.state.status, network.failed("AmazonSSM.SendCommand")), (Triggered, 1));

    let none = with_a_pending_job(&world, "v").await;
    network.fail("AmazonSSM.SendCommand", Fault::Refused("InvalidInstanceId"));
    launch(&world, &network, &none, 0).await.unwrap();
    let failed = second(&world, &none).await;
    let message = failed.state.error_message.unwrap();
    assert_eq!(failed.state.status, Failed, "{message}");
    for instance in ["i-local000000000001", "i-local000000000002"] {
        assert!(message.contains(instance), "{message}");
    }
}

#[tokio::test]
async fn a_throttled_launch_waits_and_a_job_that_could_not_be_sent_has_failed() {
    let mut world = idle_for_rows().await;
    world.deployment.timing.lambda_timeout = Duration::from_secs(10);
    let network = Network::before(&world.url);
    let id = with_a_pending_job(&world, "w").await;
    network.fail("AmazonSSM.SendCommand", Fault::Refused("ThrottlingException"));
    let refused = launch(&world, &network, &id, 0).await.unwrap_err();
    assert_eq!(refused.error_type, "LaunchNotConfirmed", "{}", refused.message);
    // The machine calls three times again after such failures. From then on the task waits for its heartbeat instead.
    let waiting = launch(&world, &network, &id, 3).await.unwrap();
    assert_eq!(waiting, json!({ "did": "waiting", "attempt": 2 }));
    assert_eq!(second(&world, &id).await.state.status, Triggered);
    network.restore();
    let sent = launch(&world, &network, &id, 4).await.unwrap();
    assert_eq!(sent, json!({ "did": "sent", "attempt": 3 }), "as soon as the service allows it");
    network.fail("AmazonSSM.SendCommand", Fault::Refused("ThrottlingException"));
    launch(&world, &network, &id, 7).await.unwrap();
    let failed = second(&world, &id).await;
    let message = failed.state.error_message.unwrap();
    assert_eq!(failed.state.status, Failed, "nobody cancelled it: {message}");
    assert!(message.contains("could not be sent") && message.contains("Throttling"), "{message}");
}

#[tokio::test]
async fn a_job_that_no_agent_took_up_in_any_attempt_has_failed() {
    let world = idle().await;
    world.script("a.sh", "echo");
    world.put_stage("w", "parallel", json!(["a.sh"])).await;
    let id = world.begin("w").await;
    world.reach(&id, 0, Triggered).await;
    // As the machine does when the job's tries are used up.
    let request = json!({ "workflow_execution_id": id, "stage": 0, "chunk": 0 });
    let refused = invoke(&world, Function::ParallelLoadCheck, &request).await.unwrap_err();
    assert_eq!(refused.error_type, "StageFailed", "{}", refused.message);
    let row = row(&world, &id).await;
    let message = row.state.error_message.unwrap();
    assert_eq!(row.state.status, Failed, "{message}");
    assert!(message.contains("no agent took up attempt 1") && message.contains("hint: "), "{message}");
}

/// Damages a job's row in some way, stops the run, and sees that everything is closed and the lock is free.
async fn ends_although(what: &str, column: &str, value: AttributeValue, said: &str) {
    let world = idle().await;
    world.script("a.sh", "echo");
    world.put_stage("w", "sequential", json!(["a.sh"])).await;
    let id = world.begin("w").await;
    world.reach(&id, 0, Triggered).await;
    damage_job(&world, &id, column, value).await;
    world.stop(&id).await;
    let closed = rsqlflow_tests::eventually(what, async || {
        world.store.workflows().get(&id).await.unwrap().filter(|row| row.execution_status.is_closed())
    })
    .await;
    assert_eq!(closed.execution_status, WorkflowStatus::Cancelled, "{what}");
    let standing = world.store.jobs().all_standings(&id).await.unwrap().remove(0);
    let message = standing.error_message.unwrap_or_default();
    assert_eq!(standing.status, Cancelled, "{what}: {message}");
    assert!(message.contains(said), "{what}: {message}");
    world.begin("w").await;
}

#[tokio::test]
async fn a_row_of_a_newer_contract_does_not_hold_the_lock() {
    let newer = Contract(Contract::NEWEST.0 + 1);
    let said = format!("contract {newer}");
    ends_although("a newer contract", "contract", AttributeValue::N(newer.to_string()), &said).await;
}

#[tokio::test]
async fn a_row_whose_job_cannot_be_read_does_not_hold_the_lock() {
    let text = AttributeValue::S("{}".to_owned());
    ends_although("a damaged job", "job", text, "could not be read completely").await;
}

#[tokio::test]
async fn a_row_whose_times_cannot_be_read_does_not_hold_the_lock() {
    let text = AttributeValue::S("yesterday".to_owned());
    ends_although("a damaged time", "token_entered", text, "could not be read completely").await;
}

#[tokio::test]
async fn a_run_whose_row_is_damaged_is_reported_and_holds_up_no_other() {
    let world = idle_for_rows().await;
    let damaged = hand_out(&world.store, "damaged", ago(60)).await;
    let stale = hand_out(&world.store, "stale", ago(60)).await;
    let table = &world.deployment.tables.workflow_audit;
    let text = AttributeValue::S("yesterday".to_owned());
    damage(&world, table, &[("workflow_execution_id", "damaged")], "execution_start_ts", text).await;
    let hopeless = AttributeValue::S("Running".to_owned());
    damage(&world, table, &[("workflow_execution_id", "no run")], "execution_status", hopeless).await;
    let answer = invoke(&world, Function::Clock, &json!({ "all": true })).await.unwrap();
    let ids = |list: &str| -> Vec<String> {
        let listed = answer[list].as_array().unwrap().iter();
        listed
            .map(|one| {
                let id = one.get("workflow_execution_id").or_else(|| one.get("key")).unwrap();
                id.as_str().unwrap().to_owned()
            })
            .collect()
    };
    assert_eq!(ids("closed").len(), 2, "{answer}");
    let mut unreadable = ids("unreadable");
    unreadable.sort();
    assert_eq!(unreadable, ["damaged", "no run"], "{answer}");
    assert_eq!(ids("failed"), Vec::<String>::new(), "{answer}");
    for id in [damaged, stale] {
        let run = world.store.workflows().to_close(&id).await.unwrap().unwrap();
        assert_eq!(run.row.execution_status, WorkflowStatus::Failed, "{id}");
    }
}

#[tokio::test]
async fn runs_that_were_cut_off_before_their_executions_began_are_closed_by_the_next_endpoint() {
    let mut world = idle_for_rows().await;
    let runs = [hand_out(&world.store, "one", ago(60)).await, hand_out(&world.store, "other", ago(30)).await];
    world.kill();
    world.restart();
    for run in &runs {
        assert_eq!(world.end(run).await.workflow.execution_status, WorkflowStatus::Cancelled, "{run}");
    }
    let _ = world.operator(&["list"]).ends(0);
}

#[tokio::test]
async fn the_same_request_of_lambda_starts_one_run() {
    let world = idle().await;
    world.script("a.sh", "echo");
    world
        .put(&json!({
            "workflow_id": "w",
            "defaults": { "target": { "instance_ids": ["i-0123456789abcdef0"] } },
            "workflow_stages": [{ "scripts": ["a.sh"] }],
        }))
        .await;
    // The process is given the same request id both times, as at a retry of an asynchronous invocation.
    let call = async || {
        let event = json!({ "workflow_id": "w" });
        world.call_process(&binary("bootstrap"), "workflow-trigger", &world.url, &event).await.unwrap()
    };
    let (first, again) = (call().await, call().await);
    assert_eq!((&first["status"], &again["status"]), (&json!("started"), &json!("already_started")));
    assert_eq!(first["workflow_execution_id"], again["workflow_execution_id"]);
    let workflow = WorkflowId::new("w").unwrap();
    assert_eq!(world.store.workflows().of_workflow(&workflow, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn only_the_rows_of_a_closed_run_expire() {
    let kept = ("RSQLFLOW_AUDIT_RETENTION".to_owned(), "2d".to_owned());
    let world = World::with(WorldOptions { env: vec![kept], ..WorldOptions::default() }).await;
    let gate = world.gate("wait.sh");
    world.put_stage("w", "sequential", json!(["wait.sh"])).await;
    let id = world.begin("w").await;
    let open = world.reach(&id, 0, Running).await;
    let run = world.store.workflows().get(&id).await.unwrap().unwrap();
    assert_eq!((open.expires_at, run.expires_at), (None, None), "while the run is open");
    gate.open();
    let run = world.end(&id).await.workflow;
    let row = row(&world, &id).await;
    let expected = run.execution_end_ts.unwrap().as_millis() / 1_000 + 2 * 24 * 3_600;
    assert_eq!(run.expires_at, Some(expected));
    assert_eq!((row.state.status, row.expires_at), (Completed, Some(expected)));
    let plan = aws_sdk_dynamodb::Client::new(&world.sdk)
        .get_item()
        .table_name(&world.deployment.tables.job_audit)
        .key("workflow_execution_id", AttributeValue::S(id.to_string()))
        .key("job_id", AttributeValue::S("plan".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(plan.item.unwrap()["expires_at"], AttributeValue::N(expected.to_string()));
}

/// Makes a closed run of which something is left to do.
async fn closed(world: &World, id: &str, column: &str, value: &str) -> ExecutionId {
    let id = hand_out(&world.store, id, ago(120)).await;
    let table = &world.deployment.tables.workflow_audit;
    let columns = [
        ("execution_status", "Failed".to_owned()),
        ("execution_end_ts", ago(60).to_string()),
        ("attention", "closed".to_owned()),
        (column, value.to_owned()),
    ];
    for (column, value) in columns {
        let key = [("workflow_execution_id", id.as_str())];
        damage(world, table, &key, column, AttributeValue::S(value)).await;
    }
    id
}

#[tokio::test]
async fn a_late_iterator_writes_nothing_into_a_closed_run_and_what_it_wrote_is_closed() {
    let world = idle().await;
    world.script("a.sh", "echo");
    world.put_stage("w", "sequential", json!(["a.sh"])).await;
    let id = world.begin("w").await;
    world.reach(&id, 0, Triggered).await;
    world.stop(&id).await;
    world.end(&id).await;
    let request = json!({ "workflow_execution_id": id, "stage": 0, "chunk": 0 });
    let refused = invoke(&world, Function::SequentialIterator, &request).await.unwrap_err();
    assert_eq!(refused.error_type, "ExecutionNotFound", "{}", refused.message);

    let late = closed(&world, "late", "closing_since", &ago(60).to_string()).await;
    assert_eq!(row(&world, &late).await.state.status, Pending);
    let answer = invoke(&world, Function::Clock, &json!({})).await.unwrap();
    assert_eq!(answer["settled"][0]["workflow_execution_id"], "late", "{answer}");
    assert_eq!(row(&world, &late).await.state.status, Cancelled);
    let again = invoke(&world, Function::Clock, &json!({})).await.unwrap();
    assert_eq!(again["settled"], json!([]), "{again}");
}

#[tokio::test]
async fn a_notification_that_its_closer_did_not_send_is_sent_by_the_clock() {
    let topic = "arn:aws:sns:us-east-1:000000000000:ends";
    let env = vec![("RSQLFLOW_TOPIC_ARN".to_owned(), topic.to_owned())];
    let world = World::with(WorldOptions { hold_commands: true, env, ..WorldOptions::default() }).await;
    world.script("a.sh", "echo");
    world.put_stage("w", "sequential", json!(["a.sh"])).await;
    let first = world.begin("w").await;
    world.reach(&first, 0, Triggered).await;
    // As a closer leaves it that ends between the close and the notification.
    let id = closed(&world, "silent", "notification", "Due").await;
    let answer = invoke(&world, Function::Clock, &json!({})).await.unwrap();
    assert_eq!(answer["notified"][0]["workflow_execution_id"], "silent", "{answer}");
    let run = world.store.workflows().get(&id).await.unwrap().unwrap();
    assert_eq!((run.notification, run.not_delivered), (Some(Notification::Sent), None));
    let again = invoke(&world, Function::Clock, &json!({})).await.unwrap();
    assert_eq!(again["notified"], json!([]), "{again}");
}

/// As an agent of before rows had a budget may have left it: tries that fill the item to its last bytes.
#[tokio::test]
async fn a_row_that_is_full_is_closed_all_the_same() {
    let world = idle_for_rows().await;
    for (name, from) in [("by-agent", Running), ("by-closer", Triggered)] {
        let id = hand_out(&world.store, name, ago(60)).await;
        for (column, value) in [
            ("execution_status", AttributeValue::S(from.to_string())),
            ("attempt", AttributeValue::N("1".to_owned())),
            ("owner", AttributeValue::S("o".to_owned())),
        ] {
            damage_job(&world, &id, column, value).await;
        }
        let tries = |bytes: usize| {
            let one = [
                ("start_ts".to_owned(), AttributeValue::S(now().to_string())),
                ("end_ts".to_owned(), AttributeValue::S(now().to_string())),
                ("error_message".to_owned(), AttributeValue::S("x".repeat(bytes))),
            ];
            AttributeValue::L(vec![AttributeValue::M(one.into())])
        };
        damage_job(&world, &id, "tries", tries(408_000)).await;
        let outcome = rsqlflow_core::protocol::Outcome::without_exit(Failed, "exit code 1 ".repeat(200));
        if from == Running {
            let close = Change::Close { attempt: 1, owner: rsqlflow_core::Owner::new("o"), outcome };
            let row = world.store.jobs().change(&id, FIRST, &close, Note::new().end(now())).await.unwrap();
            assert_eq!((row.state.status, row.tries.len()), (Failed, 0));
        } else {
            let request =
                json!({ "workflow_execution_id": id, "trouble": { "Error": "E", "Cause": "c".repeat(900) } });
            let ended = invoke(&world, Function::UpdateAudit, &request).await.unwrap_err();
            assert_eq!(ended.error_type, "WorkflowFailed", "{}", ended.message);
            assert!(row(&world, &id).await.state.status.is_closed());
        }
    }
}

#[tokio::test]
async fn a_payload_that_is_no_object_is_refused_in_a_sentence() {
    let world = idle().await;
    for (payload, what) in [(json!([]), "a list"), (json!("w"), "a text"), (json!(null), "nothing")] {
        let refused = invoke(&world, Function::WorkflowTrigger, &payload).await.unwrap_err();
        assert_eq!(refused.error_type, "InvalidRequest");
        let expected = format!("the payload must be a JSON object, but is {what}");
        assert!(refused.message.contains(&expected), "{}", refused.message);
    }
    world.put(&json!({ "workflow_id": "w", "workflow_stages": [], "retries": 1.5 })).await;
    let request = json!({ "workflow_id": "w", "answer_refusal": true });
    let answer = invoke(&world, Function::WorkflowTrigger, &request).await.unwrap();
    let refused = &answer["refused"];
    assert_eq!(refused["error"], "InvalidWorkflow", "{answer}");
    let problems = refused["problems"].as_array().unwrap();
    assert!(problems.iter().any(|problem| problem["path"] == "retries"), "{answer}");
    let same = invoke(&world, Function::WorkflowTrigger, &json!({ "workflow_id": "w" })).await.unwrap_err();
    assert_eq!(same.error_type, "InvalidWorkflow", "without asking, the function fails");
}
