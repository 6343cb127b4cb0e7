//! What the agent tells people on an instance: `doctor`, `status`, `flush`.

use rsqlflow_core::protocol::JobStatus::Running;
use rsqlflow_tests::{World, WorldOptions};
use serde_json::{Value, json};

/// The health of each check, and what was found, by its name.
fn found<'a>(told: &'a Value, name: &str) -> (&'a str, &'a str, Option<&'a str>) {
    let checks = told["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"].as_str().unwrap().starts_with(name));
    let check = check.unwrap_or_else(|| panic!("no check {name} in {told:#}"));
    (check["health"].as_str().unwrap(), check["found"].as_str().unwrap(), check["hint"].as_str())
}

fn bad(told: &Value) -> Vec<&str> {
    let checks = told["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["health"] == "failed").map(|check| check["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_doctor_finds_nothing_wrong_and_changes_nothing() {
    let secret =
        json!({ "host": "127.0.0.1", "port": 1, "username": "u", "password": "hunter22", "dbname": "d" });
    let options = WorldOptions { secrets: vec![("etl".to_owned(), secret)], ..WorldOptions::default() };
    let world = World::with(options).await;
    world.script("a.sh", "true");
    let (code, told) = world.ask_agent(&world.url, "doctor").await;
    assert_eq!(bad(&told), ["database 127.0.0.1:1"], "{told:#}");
    assert_eq!((code, &told["healthy"], &told["version"]), (Some(7), &json!(false), &json!(1)));
    assert!(!told.to_string().contains("hunter22"));
    for name in
        ["settings", "users", "scripts", "rsql", "spool", "logs", "results", "region", "credentials", "clock"]
    {
        assert_eq!(found(&told, name).0, "ok", "{name} in {told:#}");
    }
    assert_eq!(found(&told, "secret etl"), ("ok", "can be read, with all fields that scripts need", None));
    let (health, group, _) = found(&told, "log group");
    assert!(health == "ok" && group.starts_with("accepts lines (logs:PutLogEvents)"), "{group}");
    assert!(group.contains("CreateLogStream") && group.contains("was not tested"), "{group}");
    assert_eq!(found(&told, "task tokens").0, "ok");
    let tables = told["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["name"].as_str().unwrap().starts_with("table"));
    let tables: Vec<_> = tables.map(|check| check["found"].as_str().unwrap()).collect();
    assert_eq!(tables, ["can be read", "can be written"]);
    let client = aws_sdk_dynamodb::Client::new(&world.sdk);
    let rows = client.scan().table_name(&world.deployment.tables.job_audit).send().await.unwrap();
    assert_eq!(rows.count(), 0, "nothing was written");

    world.set_agent("secret", "\"\"");
    let (code, told) = world.ask_agent(&world.url, "doctor").await;
    assert_eq!((code, &told["healthy"]), (Some(0), &json!(true)), "{told:#}");
}

#[tokio::test]
async fn each_problem_is_told_with_its_mend() {
    let world = World::start().await;
    world.set_agent("job_audit_table", "\"nobody\"");
    world.set_agent("log_group", "\"/nobody\"");
    world.set_agent("secret", "\"nobody\"");
    world.set_agent("script_dir", "\"/nowhere/scripts\"");
    world.set_agent("run_as", "\"no-such-user\"");
    let (code, told) = world.ask_agent(&world.url, "doctor").await;
    assert_eq!(code, Some(7));
    let names = ["users", "scripts /nowhere", "table nobody", "table nobody", "secret nobody"];
    let bad = bad(&told);
    assert_eq!(bad.len(), names.len(), "{told:#}");
    assert!(bad.iter().zip(names).all(|(bad, name)| bad.starts_with(name)), "{bad:?}");
    let every = told["checks"].as_array().unwrap();
    assert!(every.iter().all(|check| (check["health"] == "ok") == check["hint"].is_null()), "{told:#}");
    let (health, group, hint) = found(&told, "log group /nobody");
    assert!(health == "warning" && group.starts_with("does not exist; a job creates it"), "{group}");
    assert!(hint.unwrap().contains("log_group"), "{hint:?}");

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, told) = world.ask_agent(&format!("http://{nobody}"), "doctor").await;
    assert_eq!(code, Some(7));
    assert!(found(&told, "table").2.unwrap().contains("network"), "{told:#}");
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_told_and_do_not_hide_what_runs() {
    let world = World::start().await;
    world.script("wait.sh", &format!("until [[ -e '{}' ]]; do sleep 0.02; done", world.file("go").display()));
    world.put_stage("w", "sequential", json!(["wait.sh"])).await;
    let id = world.begin("w").await;
    world.reach(&id, 0, Running).await;
    let (code, told) = world.ask_agent(&world.url, "status").await;
    assert_eq!((code, told["running"].as_array().unwrap().len()), (Some(0), 1), "{told:#}");
    assert_eq!((&told["settings_error"], &told["spool_dir_is_default"]), (&Value::Null, &json!(false)));

    world.set_agent("colour", "\"red\"");
    world.set_agent("log_level", "\"loud\"");
    let (code, told) = world.ask_agent(&world.url, "status").await;
    assert_eq!((code, &told["running"][0]["workflow_execution_id"]), (Some(3), &json!(id)), "{told:#}");
    assert!(told["settings_error"].as_str().unwrap().contains("colour"), "{told:#}");
    assert_eq!(told["spool_dir_is_default"], false, "the spool could still be read: {told:#}");
    let spool = told["spool_dir"].to_string();
    world.set_agent("spool_dir", "7");
    let (code, told) = world.ask_agent(&world.url, "status").await;
    assert_eq!((code, &told["running"]), (Some(3), &json!([])), "{told:#}");
    assert_eq!(
        (&told["spool_dir"], &told["spool_dir_is_default"]),
        (&json!("/var/lib/rsqlflow"), &json!(true))
    );
    world.set_agent("spool_dir", &spool);
    let (code, told) = world.ask_agent(&world.url, "doctor").await;
    assert_eq!((code, bad(&told)), (Some(3), vec!["setting log_level", "setting colour"]), "{told:#}");
    assert!(found(&told, "setting colour").2.unwrap().contains("the settings are prefix, "), "{told:#}");

    std::fs::write(world.file("go"), "").unwrap();
    assert!(world.end(&id).await.completed());
}

/// A library like those that watch machines from within each process.
const WATCHER: &str = "#include <pthread.h>\n#include <unistd.h>\n\
    static void *wait_on(void *nothing) { for (;;) pause(); return nothing; }\n\
    __attribute__((constructor)) static void begin(void) { pthread_t t; pthread_create(&t, 0, wait_on, 0); }\n";

#[tokio::test]
async fn a_library_that_puts_a_thread_into_every_process_is_named() {
    let world = World::start().await;
    let (source, library) = (world.file("watcher.c"), world.file("watcher.so"));
    std::fs::write(&source, WATCHER).unwrap();
    let mut compiler = tokio::process::Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-pthread", "-o"]).args([&library, &source]);
    assert!(compiler.status().await.unwrap().success());
    let mut doctor = world.agent(&world.url);
    let output =
        doctor.args(["doctor", "--output", "json"]).env("LD_PRELOAD", &library).output().await.unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), bad(&told)), (Some(7), vec!["threads"]), "{told:#}");
    let (_, found, hint) = found(&told, "threads");
    assert!(found.starts_with("a process with 2 threads") && hint.unwrap().contains("preload"), "{told:#}");
}
