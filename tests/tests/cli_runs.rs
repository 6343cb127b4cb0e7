//! What an operator does with workflows and runs: puts, starts, watches, reads, cancels.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rsqlflow_core::WorkflowStatus;
use rsqlflow_core::protocol::JobStatus::{Cancelled, Completed, Pending, Running};
use rsqlflow_tests::{Said, World, WorldOptions, eventually};
use serde_json::{Value, json};

fn write(world: &World, name: &str, workflow: &Value) -> String {
    let path = world.file(name);
    std::fs::write(&path, workflow.to_string()).unwrap();
    path.display().to_string()
}

/// A script that waits until the world has a file `go`.
fn waiting(world: &World) {
    world.script(
        "wait.sh",
        &format!(
            "echo begun; until [[ -e '{}' ]]; do sleep 0.02; done; echo done",
            world.file("go").display()
        ),
    );
}

fn workflow(id: &str, scripts: &[&str]) -> Value {
    json!({ "workflow_id": id, "workflow_description": "for tests", "defaults": { "heartbeat": 6 },
        "workflow_stages": [{ "execution_type": "sequential", "scripts": scripts }] })
}

#[tokio::test]
async fn a_workflow_is_put_shown_compared_started_and_listed() {
    let world = World::start().await;
    world.script("say.sh", "echo \"$3 $4\"");
    let mut item = workflow("w", &[]);
    item["parameters"] = json!({ "region": "emea" });
    item["workflow_stages"][0]["scripts"] = json!([{ "script": "say.sh", "args": ["in", "{{ region }}"] }]);
    let file = write(&world, "w.json", &item);

    let _ = world.operator(&["history"]).ends(0).says("no runs");
    let _ = world.operator(&["diff", &file]).ends(2).says("workflow \"w\" does not exist");
    assert_eq!(world.operator(&["put", &file]).ends(0).out.split_whitespace().next(), Some("created"));
    let _ = world.operator(&["put", &file]).ends(0).says("unchanged");
    let _ = world.operator(&["diff", &file]).ends(0).says("no difference");
    let shown: Value = world.operator(&["get", "w"]).ends(0).json();
    assert_eq!(shown, item, "what is shown can be put again");
    let _ = world.operator(&["get", "x"]).ends(2).says("hint: run `rsqlflow list`");

    item["workflow_description"] = json!("other");
    write(&world, "w.json", &item);
    let differs = world.operator(&["diff", &file]).ends(1);
    assert!(differs.out.contains("-   \"workflow_description\": \"for tests\""), "{differs:?}");
    let _ = world.operator(&["put", &file]).ends(2).says("--yes");
    assert_eq!(world.operator(&["get", "w"]).json()["workflow_description"], "for tests", "nothing was done");
    let _ = world.operator(&["put", &file, "--yes"]).ends(0).says("replaced");
    item["workflow_stages"] = json!("none");
    write(&world, "w.json", &item);
    let _ = world.operator(&["put", &file, "--yes"]).ends(2).says("workflow_stages");

    let run =
        world.operator(&["start", "w", "--execution-id", "r1", "--param", "region=apac", "--watch"]).ends(0);
    assert!(run.out.contains("Completed  r1  1 Completed"), "{run:?}");
    assert_eq!(world.operator(&["logs", "r1", "say.sh"]).ends(0).out, "in apac\n");
    let _ = world.operator(&["start", "w", "--execution-id", "r1"]).ends(2).says("run r1 already exists");
    let _ = world.operator(&["start", "w", "--param", "regio=x"]).ends(2).says("did you mean \"region\"");
    let id = world.operator(&["start", "w"]).ends(0).out.trim().to_owned();
    let _ = world.operator(&["watch", &id]).ends(0).says("Completed");

    let listed = world.operator(&["list", "--output", "json"]).ends(0).json();
    assert_eq!(listed["workflows"][0]["last_run"]["workflow_execution_id"], json!(id));
    let history = world.operator(&["history", "w", "--output", "json"]).ends(0).json();
    let ids: Vec<&Value> =
        history["runs"].as_array().unwrap().iter().map(|r| &r["workflow_execution_id"]).collect();
    assert_eq!(ids, [&json!(id), &json!("r1")], "newest first");
    assert_eq!(world.operator(&["history", "--output", "json"]).json()["runs"].as_array().unwrap().len(), 2);
    let _ = world.operator(&["history", "x"]).ends(2).says("does not exist");
    let _ = world.operator(&["status", "nobody"]).ends(2).says("run nobody does not exist");
}

#[tokio::test]
async fn a_run_is_watched_left_and_cancelled() {
    let world = World::start().await;
    waiting(&world);
    world.put(&workflow("w", &["wait.sh", "wait.sh"])).await;
    let _ = world.operator(&["start", "w", "--execution-id", "r"]).ends(0);
    let id = "r".parse().unwrap();
    world.reach(&id, 0, Running).await;

    let watch = world.operator_in_background(&["watch", "r"]);
    eventually("the watcher listens", async || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", watch.id())).ok()?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?.trim().to_owned();
        (u64::from_str_radix(&caught, 16).ok()? & 0b10 != 0).then_some(())
    })
    .await;
    kill(Pid::from_raw(i32::try_from(watch.id()).unwrap()), Signal::SIGINT).unwrap();
    let left = Said::from(watch.wait_with_output().unwrap()).ends(130).says("r continues");
    assert!(!left.err.contains("cancelling"), "{left:?}");
    assert_eq!(world.job(&id, 0, 0).await.unwrap().state.status, Running);

    let _ = world.operator(&["cancel", "r"]).ends(2).says("confirmation required: Cancel r of workflow w");
    assert_eq!(world.job(&id, 0, 0).await.unwrap().state.status, Running, "refused means nothing is done");
    let _ = world.operator(&["cancel", "r", "--yes"]).ends(0).says("within 2 s").says("Cancelled");
    let run = world.end(&id).await;
    assert_eq!((run.statuses()[0], run.workflow.execution_status), (Cancelled, WorkflowStatus::Cancelled));
    let _ = world.operator(&["cancel", "r", "--yes"]).ends(2).says("r has already ended: it is Cancelled");
    let _ = world.operator(&["watch", "r"]).ends(1);
}

#[tokio::test]
async fn one_job_is_cancelled_and_the_run_goes_on() {
    let world = World::start().await;
    waiting(&world);
    world.script("ok.sh", "exit 0");
    world
        .put(&json!({ "workflow_id": "w", "defaults": { "heartbeat": 6 }, "workflow_stages": [
            { "execution_type": "sequential", "on_failure": "continue",
              "scripts": ["wait.sh", { "script": "ok.sh", "job_name": "second" }, { "script": "ok.sh", "job_name": "third" }] },
            { "execution_type": "sequential", "scripts": [{ "script": "ok.sh", "job_name": "last" }] } ] }))
        .await;
    let _ = world.operator(&["start", "w", "--execution-id", "r"]).ends(0);
    let id = "r".parse().unwrap();
    world.reach(&id, 0, Running).await;
    world.reach(&id, 1, Pending).await;
    let _ = world.operator(&["cancel", "r", "--job", "nope", "--yes"]).ends(2).says("has no job \"nope\"");
    let _ = world
        .operator(&["cancel", "r", "--job", "last", "--yes"])
        .ends(2)
        .says("the run has not reached it yet");
    let _ =
        world.operator(&["cancel", "r", "--job", "second", "--yes"]).ends(0).says("Cancelled  0000#00001");
    let one =
        world.operator(&["cancel", "r", "--job", "wait.sh", "--yes", "--output", "json"]).ends(0).json();
    assert_eq!(one["execution_status"], "Cancelled");
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Cancelled, Cancelled, Completed, Completed]);
    assert_eq!(run.message(1), "cancelled by the operator before it started");
    assert!(run.completed(), "its stage may fail");
}

#[tokio::test]
async fn lines_are_followed_until_the_job_is_closed() {
    let world = World::start().await;
    waiting(&world);
    world.put(&workflow("w", &["wait.sh"])).await;
    let _ = world.operator(&["start", "w", "--execution-id", "r"]).ends(0);
    world.reach(&"r".parse().unwrap(), 0, Running).await;
    let one = world.operator_in_background(&["logs", "r", "wait.sh", "-f"]);
    let mut all = world.operator_in_background(&["logs", "r", "-f", "--output", "json"]);
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(all.stdout.take().unwrap()), &mut first)
        .unwrap();
    assert_eq!(serde_json::from_str::<Value>(&first).unwrap()["line"], "begun");
    std::fs::write(world.file("go"), "").unwrap();
    assert_eq!(Said::from(one.wait_with_output().unwrap()).ends(0).out, "begun\ndone\n");
    all.wait().unwrap();
}

#[tokio::test]
async fn a_run_whose_end_nobody_told_is_swept() {
    let world = World::with(WorldOptions { hold_commands: true, ..WorldOptions::default() }).await;
    world.script("ok.sh", "exit 0");
    world.put(&workflow("w", &["ok.sh"])).await;
    let working = world.begin("w").await;
    world.reach(&working, 0, rsqlflow_core::protocol::JobStatus::Triggered).await;
    let mut lost = world.store.workflows().get(&working).await.unwrap().unwrap();
    for (id, hours) in [("old", 2), ("young", 0)] {
        lost.workflow_execution_id = id.parse().unwrap();
        lost.execution_start_ts =
            rsqlflow_core::Timestamp::from(jiff::Timestamp::now()).plus_millis(-hours * 3_600_000);
        world.store.workflows().open(&lost).await.unwrap();
    }
    let found = world.operator(&["sweep", "--dry-run", "--output", "json"]).ends(0).json();
    assert_eq!(found["closed"][0]["workflow_execution_id"], "old");
    assert_eq!(found["running"].as_array().unwrap().len(), 2, "{found}");
    let _ = world.operator(&["doctor"]).ends(0).says("first old").says("hint: if they are still open");
    let _ = world.operator(&["sweep"]).ends(2).says("Close 1 run on");
    let _ =
        world.operator(&["sweep", "--yes"]).ends(0).says("closed  old  w  closed as Failed: never started");
    let _ = world.operator(&["sweep", "--yes"]).ends(0).says("0 closed, 2 running");
    let row = world.store.workflows().get(&"old".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(row.execution_status, WorkflowStatus::Failed);
    world.release_commands();
    let _ = world.end(&working).await;
}

#[tokio::test]
async fn a_mistyped_workflow_is_answered_with_the_one_that_was_meant() {
    let world = World::start().await;
    for id in ["nightly_load", "weekly_report"] {
        let file = write(&world, "w.json", &workflow(id, &[]));
        let _ = world.operator(&["put", &file]).ends(0);
    }
    for command in ["start", "get", "history"] {
        let said = world.operator(&[command, "nigthly-load"]).ends(2).says("does not exist");
        let _ = said.says("did you mean \"nightly_load\"? run `rsqlflow list`");
        let said = world.operator(&[command, "other"]).ends(2).says("hint: run `rsqlflow list`");
        assert!(!said.err.contains("did you mean"), "{said:?}");
    }
}
