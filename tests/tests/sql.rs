//! Jobs that are SQL, from the item to the closed row: real functions, the endpoint's Data API, and a PostgreSQL.

use rsqlflow_core::protocol::JobStatus::{Cancelled, Completed, Failed, Running, TimedOut, Triggered};
use rsqlflow_core::{ExecutionId, Function};
use rsqlflow_tests::{World, WorldOptions, eventually};
use rsqlflow_tests_postgres::Cluster;
use serde_json::{Value, json};

/// A world with a warehouse `night`.
async fn world(postgres: &Cluster, options: WorldOptions) -> World {
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", postgres.port);
    World::with(WorldOptions { warehouses: vec![("night".to_owned(), url)], ..options }).await
}

fn sql(name: &str, sql: impl Into<Value>) -> Value {
    json!({ "job_name": name, "sql": sql.into() })
}

/// Statements at work in the database whose text holds `text`.
fn at_work(postgres: &Cluster, text: &str) -> usize {
    let sql = format!(
        "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() \
         and query like '%{text}%'"
    );
    postgres.ask(&sql).parse().unwrap()
}

#[tokio::test]
async fn statements_run_without_an_instance_and_their_log_says_what_ran() {
    let postgres = Cluster::start();
    let world = world(&postgres, WorldOptions::default()).await;
    world.script("last.sh", "echo the script ran after them");
    world
        .put(&json!({
            "workflow_id": "w",
            "parameters": { "name": "it's", "table": "t" },
            "workflow_stages": [
                { "scripts": [
                    sql("create", json!(["create table {{ table }} (id int, name varchar(20), day varchar(10))"])),
                    sql("load", json!(["insert into t values (1, :name, :ds)", "insert into t values (2, null, :ds); select id, name from t order by id"])),
                    "last.sh",
                ] },
                { "execution_type": "parallel", "scripts": [
                    sql("a", "select 1 as one"), sql("b", "create user u password 's3cret'; drop user u"),
                ] },
            ],
        }))
        .await;
    let run = world.run("w").await;
    assert!(run.completed(), "{:?}", run.workflow.error_message);
    assert_eq!(run.statuses(), [Completed; 5]);
    assert_eq!(postgres.ask("select id, name from t order by id"), "1|it's\n2|");

    let load = &run.jobs[1];
    let log = world.log(load).await;
    assert!(log[0].starts_with("-- warehouse night (workgroup night, database "), "{log:?}");
    for line in [
        "insert into t values (1, :name, :ds)",
        "-- statement 3 of 3",
        "select id, name from t order by id",
        "id | name",
        "1  | it's",
        "2  | NULL",
    ] {
        assert!(log.iter().any(|one| one == line), "{line}: {log:?}");
    }
    assert_eq!(log.iter().filter(|line| line.starts_with("-- FINISHED")).count(), 3, "{log:?}");
    assert_eq!(load.log_complete, Some(true));
    assert_eq!((load.tries.len(), load.tries[0].error_message.as_deref()), (1, None));
    assert_eq!((load.instance_id.as_deref(), load.state.exit_code), (None, None));
    let row = world.job(&run.workflow.workflow_execution_id, 0, 1).await.unwrap();
    assert!(row.state.statement_id.is_some() && row.state.wake_at.is_none());
    assert!(!serde_json::to_string(&row.job).unwrap().contains("insert"), "a row holds no SQL");
    let secret = world.log(&run.jobs[4]).await.join("\n");
    assert!(secret.contains("password '…'") && !secret.contains("s3cret"), "{secret}");
    assert!(world.log(&run.jobs[2]).await.contains(&"the script ran after them".to_owned()));
}

#[tokio::test]
async fn a_statement_that_fails_names_itself_and_undoes_the_others_unless_each_stands_alone() {
    let postgres = Cluster::start();
    let _ = postgres.ask("create table t (id int)");
    let world = world(&postgres, WorldOptions::default()).await;
    let texts =
        json!(["insert into t values (1)", "insert into t values (1 / 0)", "insert into t values (3)"]);
    world.put_stage("one", "sequential", json!([sql("load", texts.clone())])).await;
    let run = world.run("one").await;
    assert_eq!(run.statuses(), [Failed]);
    assert!(run.message(0).starts_with("statement 2 of 3: "), "{}", run.message(0));
    assert!(run.message(0).contains("division by zero"), "{}", run.message(0));
    assert_eq!(postgres.ask("select count(*) from t"), "0");
    let log = world.log(&run.jobs[0]).await;
    assert!(log.iter().any(|line| line.contains("division by zero")), "{log:?}");

    let mut each = sql("load", texts);
    each["transaction"] = json!(false);
    world.put_stage("each", "sequential", json!([each])).await;
    let run = world.run("each").await;
    assert_eq!(run.statuses(), [Failed]);
    assert!(run.message(0).starts_with("statement 2 of 3: "), "{}", run.message(0));
    // "A failure of one statement does not affect the others" (Redshift Data API reference, `ExecutionMode`).
    assert_eq!(postgres.ask("select id from t order by id"), "1\n3");
}

#[tokio::test]
async fn a_failed_statement_is_tried_again_after_its_delay_and_each_try_is_recorded() {
    let postgres = Cluster::start();
    let _ = postgres.ask("create table t (id int)");
    let world = world(&postgres, WorldOptions::default()).await;
    let mut job = sql("load", "insert into late select 1");
    (job["retries"], job["retry_delay"], job["retry_backoff"]) = (json!(3), json!(1), json!(1));
    world.put_stage("w", "sequential", json!([job])).await;
    let id = world.begin("w").await;
    let waiting = world.reach(&id, 0, Triggered).await;
    assert!(waiting.state.wake_at.is_some() && waiting.state.statement_id.is_none());
    let _ = postgres.ask("create table late (id int)");
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Completed]);
    let tries = &run.jobs[0].tries;
    assert!(tries.len() >= 2, "{tries:?}");
    let failed = &tries[..tries.len() - 1];
    assert!(failed.iter().all(|one| one.error_message.as_ref().unwrap().contains("\"late\"")), "{tries:?}");
    assert_eq!(tries.last().unwrap().error_message, None);
    assert_eq!(postgres.ask("select count(*) from late"), "1");

    let mut job = sql("load", "select * from nowhere");
    (job["retries"], job["retry_delay"]) = (json!(1), json!(0));
    world.put_stage("never", "sequential", json!([job])).await;
    let run = world.run("never").await;
    assert_eq!((run.statuses(), run.jobs[0].tries.len(), run.jobs[0].state.attempt), (vec![Failed], 2, 2));
}

/// Waits until the statement runs in the database, and its row shows it.
async fn at_work_as(world: &World, postgres: &Cluster, id: &ExecutionId, text: &str) {
    eventually("the statement to run", async || {
        let row = world.job(id, 0, 0).await?;
        (row.state.status == Running && row.state.statement_id.is_some() && at_work(postgres, text) == 1)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_run_is_closed_when_its_statement_has_ended() {
    let postgres = Cluster::start();
    let world = world(&postgres, WorldOptions::default()).await;
    let jobs = json!([sql("long", "select pg_sleep(600), 'cancel me'"), sql("next", "select 1")]);
    world.put_stage("w", "sequential", jobs).await;
    let id = world.begin("w").await;
    at_work_as(&world, &postgres, &id, "cancel me").await;
    world.stop(&id).await;
    let run = world.end(&id).await;
    assert_eq!(run.jobs[0].state.status, Cancelled, "{}", run.message(0));
    assert_eq!(at_work(&postgres, "cancel me"), 0, "the row is closed when the statement has ended");
    assert_eq!(run.jobs.get(1).map_or(Cancelled, |job| job.state.status), Cancelled);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_times_out() {
    let postgres = Cluster::start();
    let world = world(&postgres, WorldOptions::default()).await;
    let mut job = sql("long", "select pg_sleep(600), 'too long'");
    job["timeout"] = json!(2);
    world.put_stage("w", "sequential", json!([job])).await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [TimedOut], "{}", run.message(0));
    assert!(run.message(0).contains("longer than its timeout"), "{}", run.message(0));
    assert_eq!(at_work(&postgres, "too long"), 0);
}

#[tokio::test]
async fn who_cancels_it_in_the_warehouse_makes_it_fail() {
    let postgres = Cluster::start();
    let world = world(&postgres, WorldOptions::default()).await;
    world.put_stage("w", "sequential", json!([sql("long", "select pg_sleep(600), 'by an admin'")])).await;
    let id = world.begin("w").await;
    at_work_as(&world, &postgres, &id, "by an admin").await;
    let _ = postgres.ask(
        "select pg_cancel_backend(pid) from pg_stat_activity where query like '%by an admin%' and pid <> pg_backend_pid()",
    );
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Failed], "{}", run.message(0));
    assert!(run.message(0).contains("cancel"), "{}", run.message(0));
}

#[tokio::test]
async fn completion_events_are_only_hints() {
    let postgres = Cluster::start();
    let world =
        world(&postgres, WorldOptions { drop_statement_events: true, ..WorldOptions::default() }).await;
    // Longer than its launcher waits.
    world.put_stage("w", "sequential", json!([sql("long", "select pg_sleep(3)")])).await;
    let id = world.begin("w").await;
    // Early, doubled, of others, and of nobody.
    for name in
        [format!("{id}/0000#00000/1"), format!("{id}/0000#00000/7"), "w/0000#00000/1".into(), "x".into()]
    {
        let event = json!({
            "source": "aws.redshift-data", "detail-type": "Redshift Data Statement Status Change",
            "detail": { "statementId": "no such id", "statementName": name, "state": "FINISHED" },
        });
        for _ in 0..2 {
            world.invoke(&world.deployment.functions[Function::Clock], &event).await.unwrap();
        }
    }
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Completed], "{}", run.message(0));
    assert_eq!((run.jobs[0].tries.len(), run.jobs[0].state.attempt), (1, 1));
    assert_eq!(
        world.log(&run.jobs[0]).await.iter().filter(|line| line.starts_with("-- FINISHED")).count(),
        1
    );
}

#[tokio::test]
async fn a_killed_endpoint_starts_no_statement_twice() {
    let postgres = Cluster::start();
    let _ = postgres.ask("create table t (id int)");
    let mut world = world(&postgres, WorldOptions::default()).await;
    let mut job = sql("load", "insert into t select 1 from pg_sleep(4)");
    (job["retries"], job["retry_delay"]) = (json!(2), json!(1));
    world.put_stage("w", "sequential", json!([job])).await;
    let id = world.begin("w").await;
    at_work_as(&world, &postgres, &id, "pg_sleep(4)").await;
    world.kill();
    world.restart();
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Completed], "{}", run.message(0));
    // The one that was at work when the endpoint was killed may have ended well for the database; a try beside it would
    // have made three.
    let rows: u32 = postgres.ask("select count(*) from t").parse().unwrap();
    assert!((1..=2).contains(&rows), "{rows}");
}

#[tokio::test]
async fn a_warehouse_that_is_refused_fails_the_job_with_its_name() {
    let postgres = Cluster::start();
    let world = world(&postgres, WorldOptions::default()).await;
    let mut job = sql("a", "select 1");
    job["warehouse"] = json!("day");
    world.put_stage("w", "sequential", json!([job])).await;
    let refused = world.trigger(json!({ "workflow_id": "w" })).await.unwrap_err();
    assert_eq!(refused.error_type, "InvalidWorkflow");
    assert!(refused.message.contains(r#""day" is not a warehouse of the deployment"#), "{}", refused.message);
    assert!(refused.message.contains("night"), "{}", refused.message);
}

#[tokio::test]
async fn fifty_statements_at_once_all_end() {
    let postgres = Cluster::start();
    let _ = postgres.ask("create table t (id int)");
    let world = world(&postgres, WorldOptions::default()).await;
    let jobs: Vec<Value> =
        (0..50).map(|i| sql(&format!("j{i}"), format!("insert into t values ({i})"))).collect();
    world.put_stage("w", "parallel", json!(jobs)).await;
    let run = world.run("w").await;
    assert!(run.completed(), "{:?}", run.workflow.error_message);
    assert_eq!(postgres.ask("select count(*), count(distinct id) from t"), "50|50");
}
