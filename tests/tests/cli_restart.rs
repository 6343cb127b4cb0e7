//! Mending a failed night: what completed stays, what failed runs again, what somebody did by hand is marked.

use rsqlflow_core::protocol::JobStatus::{Cancelled, Completed, Failed, Skipped};
use rsqlflow_tests::{Run, World};
use serde_json::{Value, json};

/// Two stages; `b` fails until there is a file `mended`.
async fn failed_night() -> (World, Value) {
    let world = World::start().await;
    world.script("ok.sh", "echo \"$3\"");
    world.script(
        "b.sh",
        &format!(
            "[[ -e '{}' ]] || {{ echo 'ERROR:  no such table'; exit 3; }}",
            world.file("mended").display()
        ),
    );
    let ok = |name: &str| json!({ "script": "ok.sh", "job_name": name, "args": ["{{ region }} {{ ts }}"] });
    let item = json!({ "workflow_id": "w", "parameters": { "region": "emea" }, "workflow_stages": [
        { "execution_type": "parallel", "scripts": [ok("a"), { "script": "b.sh", "job_name": "b" }] },
        { "execution_type": "sequential", "scripts": [ok("c")] } ] });
    world.put(&item).await;
    let _ =
        world.operator(&["start", "w", "--execution-id", "r1", "--param", "region=apac", "--watch"]).ends(1);
    (world, item)
}

async fn run(world: &World, id: &str) -> Run {
    world.end(&id.parse().unwrap()).await
}

#[tokio::test]
async fn what_failed_runs_again_with_the_same_parameters_and_date() {
    let (world, _) = failed_night().await;
    let first = run(&world, "r1").await;
    let said = world.log(&first.jobs[0]).await;
    assert_eq!(first.statuses(), [Completed, Failed]);
    let _ = world.operator(&["restart", "nobody"]).ends(2).says("run nobody does not exist");

    let again = world.operator(&["restart", "r1", "--execution-id", "r2", "--watch"]).ends(1);
    assert!(again.err.contains("3 jobs: 2 to run, 1 skipped"), "{again:?}");
    std::fs::write(world.file("mended"), "").unwrap();
    let _ =
        world.operator(&["restart", "r1"]).ends(2).says("r1 was already restarted as r2, which is Failed");
    let _ = world.operator(&["restart", "r2", "--all-failed", "--execution-id", "r3", "--watch"]).ends(0);
    let third = run(&world, "r3").await;
    assert_eq!(third.statuses(), [Skipped, Completed, Completed]);
    assert_eq!(third.message(0), "completed in r1", "the run that ran it, not the last");
    assert_eq!(third.workflow.restarted_from, Some("r2".parse().unwrap()));
    assert_eq!(third.workflow.parameters["region"], "apac");
    assert_eq!(world.log(&third.jobs[2]).await, said, "the same parameters, and the first run's moment");
    let shown = world.operator(&["status", "r3"]).ends(0);
    assert!(shown.out.contains("restarted_from") && shown.out.contains("r2"), "{shown:?}");

    let _ = world.operator(&["restart", "r3"]).ends(2).says("every job of r3 is done");
    let _ = world.operator(&["restart", "r3", "--from", "2"]).ends(2).says("Run 1 job again that completed");
    let _ =
        world.operator(&["restart", "r3", "--from", "2", "--yes", "--execution-id", "r4", "--watch"]).ends(0);
    assert_eq!(run(&world, "r4").await.statuses(), [Skipped, Skipped, Completed]);
    let _ =
        world.operator(&["restart", "r4", "--job", "b", "--yes", "--execution-id", "r5", "--watch"]).ends(0);
    assert_eq!(run(&world, "r5").await.statuses(), [Skipped, Completed, Skipped]);
    assert_eq!(run(&world, "r5").await.message(2), "completed in r4");
}

#[tokio::test]
async fn a_mark_is_audited_and_honoured() {
    let (world, _) = failed_night().await;
    let _ = world
        .operator(&["restart", "r1", "--from", "2"])
        .ends(2)
        .says("first b (0000#00001)")
        .says("rsqlflow mark r1");
    let mark = |more: &[&str]| {
        let mut args = vec!["mark", "r1"];
        args.extend(more);
        world.operator(&args)
    };
    let _ = mark(&["a", "skipped", "--reason", "x", "--yes"]).ends(2).says("it has completed");
    let _ = mark(&["b", "completed", "--reason", " ", "--yes"]).ends(2).says("the reason must have");
    let _ = mark(&["b", "completed"]).ends(2).says("--reason");
    let _ = mark(&["b", "completed", "--reason", "loaded by hand"]).ends(2).says("--yes");
    let _ = mark(&["b", "completed", "--reason", "loaded by hand", "--yes"]).ends(0).says("by ada@");
    let shown = world.operator(&["jobs", "r1", "--output", "json"]).ends(0).json();
    assert_eq!(shown["jobs"][1]["execution_status"], "Failed", "what happened stays");
    assert_eq!(shown["marks"][0]["reason"], "loaded by hand");
    let _ = world.operator(&["jobs", "r1"]).ends(0).says("Completed by ada@").says("loaded by hand");
    // A job that the run never came to.
    let _ = mark(&["c", "skipped", "--reason", "not tonight", "--by", "the on-call", "--yes"]).ends(0);
    let _ = world.operator(&["restart", "r1"]).ends(2).says("every job of r1 is done");
    let _ = world.operator(&["restart", "r1", "--job", "c", "--execution-id", "r2", "--watch"]).ends(0);
    let second = run(&world, "r2").await;
    assert_eq!(second.statuses(), [Skipped, Skipped, Completed]);
    assert!(second.message(1).starts_with("marked Completed in r1 by ada@"), "{}", second.message(1));
}

#[tokio::test]
async fn a_config_that_changed_is_shown_and_asked_for() {
    let (world, mut item) = failed_night().await;
    std::fs::write(world.file("mended"), "").unwrap();
    item["workflow_stages"][1]["scripts"][0]["args"] = json!(["changed {{ region }}"]);
    world.put(&item).await;
    let refused = world.operator(&["restart", "r1"]).ends(2).says("--config snapshot");
    let added = |line: &str| line.starts_with('+') && line.ends_with("\"changed {{ region }}\"");
    assert!(refused.err.lines().any(added), "{refused:?}");
    let bare = json!({ "workflow_id": "w", "restart": { "workflow_execution_id": "r1" } });
    assert_eq!(world.trigger(bare).await.unwrap_err().error_type, "WorkflowChanged", "any client is told");
    let _ =
        world.operator(&["restart", "r1", "--config", "snapshot", "--execution-id", "r2", "--watch"]).ends(0);
    let second = run(&world, "r2").await;
    assert!(world.log(&second.jobs[2]).await[0].starts_with("apac 20"));
    let _ = world
        .operator(&["restart", "r1", "--again", "--config", "current", "--execution-id", "r3", "--watch"])
        .ends(0);
    let third = run(&world, "r3").await;
    assert_eq!(third.statuses(), [Skipped, Completed, Completed]);
    assert_eq!(world.log(&third.jobs[2]).await, ["changed apac"]);
}

#[tokio::test]
async fn a_restart_by_any_client_is_made_once_and_refused_with_a_name() {
    let (world, _) = failed_night().await;
    let request =
        |restart: Value| json!({ "workflow_id": "w", "workflow_execution_id": "r2", "restart": restart });
    for (restart, error) in [
        (json!({ "workflow_execution_id": "nobody" }), "ExecutionNotFound"),
        (json!({ "workflow_execution_id": "r1", "from_stage": 9 }), "NotRestartable"),
        (json!({ "workflow_execution_id": "r1", "from_stage": 0 }), "InvalidRequest"),
        (
            json!({ "workflow_execution_id": "r1", "from_stage": 1, "job_ids": ["0000#00001"] }),
            "InvalidRequest",
        ),
        (json!({ "workflow_execution_id": "r1", "job_ids": ["0000#00009"] }), "NotRestartable"),
        (json!({ "workflow_execution_id": "r1", "stage": 1 }), "InvalidRequest"),
    ] {
        let refused = world.trigger(request(restart.clone())).await.unwrap_err();
        assert_eq!(refused.error_type, error, "{restart}: {}", refused.message);
    }
    let mut with_parameters = request(json!({ "workflow_execution_id": "r1" }));
    with_parameters["parameters"] = json!({ "region": "x" });
    assert_eq!(world.trigger(with_parameters).await.unwrap_err().error_type, "InvalidRequest");

    let good = request(json!({ "workflow_execution_id": "r1" }));
    assert_eq!(world.trigger(good.clone()).await.unwrap()["status"], "started");
    assert_eq!(world.trigger(good).await.unwrap()["status"], "already_started");
    let second = run(&world, "r2").await;
    assert_eq!(second.statuses()[..2], [Skipped, Failed]);
    assert!(!second.statuses().contains(&Cancelled));
}
