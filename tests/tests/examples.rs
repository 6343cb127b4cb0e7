//! The examples run as they are, and `rsql check` finds nothing in them, and ten mistakes once they are planted.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rsqlflow_core::protocol::JobStatus::{Completed, Skipped};
use rsqlflow_tests::{Run, World, WorldOptions, command};
use rsqlflow_tests_postgres::Cluster;
use serde_json::{Value, json};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// A world with an example's scripts and workflow.
async fn world(example: &str, cluster: &Cluster) -> (World, String) {
    let secret = json!({ "host": "127.0.0.1", "port": cluster.port, "username": "postgres", "password": "unused here", "dbname": "postgres" });
    let world =
        World::with(WorldOptions { secrets: vec![("db".to_owned(), secret)], ..Default::default() }).await;
    let folder = examples().join(example);
    let copied = Command::new("cp").arg("-R").arg(folder.join("scripts/.")).arg(world.scripts()).status();
    assert!(copied.unwrap().success());
    let workflow: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("workflow.json")).unwrap()).unwrap();
    world.put(&workflow).await;
    let id = workflow["workflow_id"].as_str().unwrap().to_owned();
    (world, id)
}

async fn log_of(world: &World, run: &Run, position: usize) -> String {
    world.log(&run.jobs[position]).await.join("\n")
}

#[tokio::test]
async fn blog() {
    let cluster = Cluster::start();
    let (world, id) = world("blog", &cluster).await;
    // Twice: the first script makes everything anew.
    for _ in 0..2 {
        let run = world.run(&id).await;
        assert_eq!(run.statuses(), [Completed; 6], "{run:?}");
        assert!(log_of(&world, &run, 5).await.contains("rows inserted: 1"));
    }
    let rows = cluster.ask("select order_id, customer, amount, loaded_by from blog_test.orders order by 1");
    let expected = "1|Ada|199.50|rsql_blog_script_3.sh\n2|Grace|299.50|rsql_blog_script_4.sh\n\
        3|Edsger|399.50|rsql_blog_script_5.sh\n4|Barbara|499.50|rsql_blog_script_6.sh";
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn bteq() {
    let cluster = Cluster::start();
    let (world, id) = world("bteq", &cluster).await;
    for (changed, added) in [(0, 4), (4, 0)] {
        let run = world.run(&id).await;
        assert_eq!(run.statuses(), [Completed; 2], "{run:?}");
        let log = log_of(&world, &run, 1).await;
        assert!(log.contains(&format!("customers changed: {changed}\ncustomers added: {added}")), "{log}");
        // The report, as `\export` wrote it.
        assert!(log.contains("(exported 3 rows)\nCustomers by city\n  city    customers"), "{log}");
        assert!(log.contains("London            2"), "{log}");
    }
    assert_eq!(cluster.ask("select name from bteq_dw.customers where customer_id = 1"), "Ada L.");

    // The ways that the job seldom takes: nothing to do, and a statement that fails.
    world
        .put_stage("alone", "sequential", json!([{ "script": "customers.sh", "ok_exit_codes": [0, 4] }]))
        .await;
    let nothing = world.run("alone").await;
    assert!(nothing.completed(), "{nothing:?}");
    assert_eq!(nothing.jobs[0].state.exit_code, Some(4));

    let broken = "insert into bteq_stage.customers values (9, 'Niklaus', 'Zürich', now()); \
        alter table bteq_dw.customers add check (customer_id < 9)";
    let _ = cluster.ask(broken);
    let failed = world.run("alone").await;
    assert_eq!(failed.jobs[0].state.exit_code, Some(8), "{failed:?}");
    assert!(failed.message(0).contains("(SQLSTATE 23514)"), "{}", failed.message(0));
    assert_eq!(cluster.ask("select count(*) from bteq_stage.customers"), "1", "it was rolled back");
}

/// Generates the data of the example into the endpoint's bucket `elt`.
fn generate(world: &World) -> PathBuf {
    let bucket = world.state_dir().join("s3/elt");
    let made = Command::new(examples().join("elt/generate.sh")).arg(&bucket).status();
    assert!(made.unwrap().success());
    bucket
}

#[tokio::test]
async fn elt() {
    let cluster = Cluster::start();
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", cluster.port);
    let options = WorldOptions { warehouses: vec![("night".to_owned(), url)], ..Default::default() };
    let world = World::with(options).await;
    let bucket = generate(&world);
    let text = std::fs::read_to_string(examples().join("elt/workflow.json")).unwrap();
    let mut workflow: Value = serde_json::from_str(&text).unwrap();
    workflow["defaults"]["retry_delay"] = json!(0);
    world.put(&workflow).await;

    let totals = "select year, sum(orders), sum(revenue) from mart.yearly_sales group by 1 order by 1";
    let expected = "2020|400|1709912.09\n2021|400|1714424.94\n2022|400|1711130.69\n2023|400|1707858.63\n2024|400|1713158.76";
    // Twice: what a run finds it replaces.
    for _ in 0..2 {
        let run = world.run("elt").await;
        assert_eq!(run.statuses(), [Completed; 7], "{run:?}");
        assert_eq!(cluster.ask(totals), expected);
        assert_eq!(cluster.ask("select count(*), count(distinct loaded) from mart.customer"), "150|1");
        assert!(log_of(&world, &run, 6).await.contains("\n2024 | 400    | 1713158.76"));
    }

    let away = world.file("away");
    std::fs::rename(bucket.join("sales"), &away).unwrap();
    let failed = world.run("elt").await;
    assert!(!failed.completed());
    assert!(failed.message(3).contains("s3://elt/sales/"), "{}", failed.message(3));
    assert_eq!((failed.jobs[3].tries.len(), failed.jobs.len()), (2, 4), "nothing after it was handed out");
    std::fs::rename(&away, bucket.join("sales")).unwrap();
    let of = json!({ "workflow_execution_id": failed.workflow.workflow_execution_id });
    let answer = world.trigger(json!({ "workflow_id": "elt", "restart": of })).await.unwrap();
    let again = world.trigger(json!({ "workflow_id": "elt" })).await.unwrap_err();
    assert_eq!(again.error_type, "WorkflowAlreadyRunning");
    let id = answer["workflow_execution_id"].as_str().unwrap().parse().unwrap();
    let restarted = world.end(&id).await;
    assert!(restarted.completed(), "{restarted:?}");
    let skipped = restarted.statuses().iter().filter(|status| **status == Skipped).count();
    assert_eq!(skipped, 3, "{restarted:?}");
    assert_eq!(cluster.ask(totals), expected);
}

fn check(path: &Path) -> Output {
    command("rsql").arg("check").arg(path).output().unwrap()
}

#[test]
fn rsql_check_finds_nothing_in_them() {
    let output = check(&examples());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// A script of the examples, a text in it, what stands there instead, and what is found where the change begins, or so
/// many lines further down.
const MISTAKES: [(&str, &str, &str, &str, usize); 10] = [
    ("blog/scripts/rsql_blog_script_1.sh", "    \\exit 20\n", "", "error-without-exit", 0),
    ("blog/scripts/rsql_blog_script_1.sh", "\\endif\n\nCREATE", "CREATE", "unbalanced-if", 0),
    ("blog/scripts/rsql_blog_script_2.sh", "\\exit 0", "\\exit 194", "exit-status", 0),
    ("blog/scripts/rsql_blog_script_3.sh", ":ACTIVITYCOUNT <> 1", ":ACTIVITYCONT <> 1", "unset-variable", 0),
    ("blog/scripts/rsql_blog_script_4.sh", "\\remark 'rows", "\\remrak 'rows", "unknown-command", 0),
    ("blog/scripts/rsql_blog_script_5.sh", "'Edsger'", "'Edsger", "open-quote", 0),
    ("blog/scripts/rsql_blog_script_6.sh", "\\exit 0\n", "\\exit 0\nSELECT 1;\n", "unreachable", 1),
    ("bteq/scripts/customers.rsql", "\\goto NOTHING_STAGED", "\\goto NOTHING", "unknown-label", 0),
    ("bteq/scripts/customers.rsql", "\\label FAILED", "\\label NOTHING_STAGED", "duplicate-label", 0),
    ("blog/scripts/rsql_blog_script_6.sh", "\\exit 0\n", "\\exit 0\r\n", "crlf", 0),
];

#[test]
fn rsql_check_finds_ten_planted_mistakes_at_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    for (number, (script, right, wrong, rule, down)) in MISTAKES.into_iter().enumerate() {
        let text = std::fs::read_to_string(examples().join(script)).unwrap();
        let (before, _) = text.split_once(right).unwrap_or_else(|| panic!("{script} has no {right:?}"));
        let mut line = before.matches('\n').count() + 1 + down;
        if rule == "error-without-exit" || rule == "unbalanced-if" {
            // Told where the \if is.
            line = before[..before.rfind("\\if").unwrap()].matches('\n').count() + 1;
        }
        let planted = dir.path().join(format!("{number}-{}", script.rsplit('/').next().unwrap()));
        std::fs::write(&planted, text.replacen(right, wrong, 1)).unwrap();
        let output = check(&planted);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let place = format!("{}:{line}:", planted.display());
        assert!(
            said.lines().any(|l| l.starts_with(&place) && l.ends_with(&format!("[{rule}]"))),
            "{rule} at line {line} of {script}: {said}"
        );
        assert_eq!(output.status.code(), Some(1));
    }
}
