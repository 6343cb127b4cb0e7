//! Once, and only once: repeated triggers, killed agents, stopped executions.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rsqlflow_core::WorkflowStatus;
use rsqlflow_core::protocol::JobStatus::{Cancelled, Completed, Lost, Running};
use rsqlflow_tests::{World, eventually};
use serde_json::json;

/// The shortest heartbeat that one machine allows: how long a lost agent takes to be found out.
const HEARTBEAT: u32 = 6;

/// A script that marks its start in a file and then waits for another.
fn waiting(world: &World) -> (std::path::PathBuf, std::path::PathBuf) {
    let (starts, go) = (world.file("starts"), world.file("go"));
    world.script(
        "wait.sh",
        &format!("echo $$ >> '{}'; until [[ -e '{}' ]]; do sleep 0.02; done", starts.display(), go.display()),
    );
    (starts, go)
}

async fn begin_waiting(world: &World, on_lost: &str) -> rsqlflow_core::ExecutionId {
    let job = json!({ "script": "wait.sh", "heartbeat": HEARTBEAT, "on_lost": on_lost });
    world.put_stage("w", "sequential", json!([job])).await;
    let id = world.begin("w").await;
    world.reach(&id, 0, Running).await;
    id
}

async fn script_pid(starts: &std::path::Path) -> i32 {
    eventually("the script's start", async || {
        std::fs::read_to_string(starts).ok()?.lines().last()?.parse().ok()
    })
    .await
}

fn agents(id: &rsqlflow_core::ExecutionId) -> Vec<i32> {
    // Its guard has the same command line.
    let is_agent = |pid: &i32| {
        std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "rsqlflow-agent\n")
    };
    World::processes(id.as_str()).into_iter().filter(is_agent).collect()
}

fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn one_id_is_one_run_while_it_runs_and_after() {
    let world = World::start().await;
    let (starts, go) = waiting(&world);
    world.put_stage("w", "sequential", json!(["wait.sh"])).await;
    let request = json!({ "workflow_id": "w", "workflow_execution_id": "night-1" });
    let first = world.trigger(request.clone()).await.unwrap();
    assert_eq!(first["status"], "started");
    let again = world.trigger(request.clone()).await.unwrap();
    assert_eq!(again["status"], "already_started");
    assert_eq!(first["execution_arn"], again["execution_arn"]);
    std::fs::write(go, "").unwrap();
    let id = "night-1".parse().unwrap();
    assert!(world.end(&id).await.completed());
    let after = world.trigger(request).await.unwrap();
    assert_eq!(after["status"], "already_started");
    assert_eq!(std::fs::read_to_string(starts).unwrap().lines().count(), 1);

    let other = world.trigger(json!({ "workflow_id": "other", "workflow_execution_id": "night-1" })).await;
    assert!(other.is_err(), "the id belongs to a run of another workflow: {other:?}");
}

#[tokio::test]
async fn two_triggers_at_once_make_one_run_under_forbid() {
    let world = World::start().await;
    let (starts, go) = waiting(&world);
    world.put_stage("w", "sequential", json!(["wait.sh"])).await;
    let trigger = |id: &str| world.trigger(json!({ "workflow_id": "w", "workflow_execution_id": id }));
    let (a, b) = tokio::join!(trigger("a"), trigger("b"));
    let (winner, loser) = match (&a, &b) {
        (Ok(_), Err(refused)) => ("a", refused),
        (Err(refused), Ok(_)) => ("b", refused),
        other => panic!("one must win: {other:?}"),
    };
    assert_eq!(loser.error_type, "WorkflowAlreadyRunning");
    assert!(loser.message.contains(winner), "{}", loser.message);
    std::fs::write(&go, "").unwrap();
    assert!(world.end(&winner.parse().unwrap()).await.completed());
    assert_eq!(std::fs::read_to_string(starts).unwrap().lines().count(), 1);

    let next = world.run("w").await;
    assert!(next.completed(), "the lock was given back: {next:?}");
}

#[tokio::test]
async fn runs_may_overlap_where_that_is_allowed() {
    let world = World::start().await;
    let (_, go) = waiting(&world);
    world
        .put(&json!({ "workflow_id": "w", "concurrency_policy": "allow",
            "workflow_stages": [{ "execution_type": "sequential", "scripts": ["wait.sh"] }] }))
        .await;
    let (a, b) = (world.begin("w").await, world.begin("w").await);
    world.reach(&a, 0, Running).await;
    world.reach(&b, 0, Running).await;
    std::fs::write(go, "").unwrap();
    assert!(world.end(&a).await.completed() && world.end(&b).await.completed());
}

#[tokio::test]
async fn a_killed_agent_leaves_no_script_behind_and_its_job_is_lost() {
    let world = World::start().await;
    let (starts, _) = waiting(&world);
    let id = begin_waiting(&world, "fail").await;
    let script = script_pid(&starts).await;
    let agents = agents(&id);
    assert_eq!(agents.len(), 1, "{agents:?}");
    kill(Pid::from_raw(agents[0]), Signal::SIGKILL).unwrap();
    eventually("the guard to end the script", async || (!is_alive(script)).then_some(())).await;

    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Lost]);
    assert!(run.message(0).contains("vanished"), "{}", run.message(0));
    assert_eq!(run.workflow.execution_status, WorkflowStatus::Failed);
    assert_eq!(std::fs::read_to_string(starts).unwrap().lines().count(), 1, "it was not rerun");
}

#[tokio::test]
async fn a_lost_job_is_rerun_where_that_is_asked_for() {
    let world = World::start().await;
    let (starts, go) = waiting(&world);
    let id = begin_waiting(&world, "rerun").await;
    script_pid(&starts).await;
    kill(Pid::from_raw(agents(&id)[0]), Signal::SIGKILL).unwrap();
    std::fs::write(go, "").unwrap();
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Completed]);
    assert_eq!(run.jobs[0].state.attempt, 2);
    assert_eq!(std::fs::read_to_string(starts).unwrap().lines().count(), 2);
}

#[tokio::test]
async fn stopping_the_execution_stops_the_script_and_frees_the_workflow() {
    let world = World::start().await;
    let (starts, go) = waiting(&world);
    let id = begin_waiting(&world, "fail").await;
    let script = script_pid(&starts).await;
    world.stop(&id).await;
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Cancelled]);
    assert_eq!(run.workflow.execution_status, WorkflowStatus::Cancelled);
    assert!(!is_alive(script), "the script is gone before its row is closed");
    std::fs::write(go, "").unwrap();
    assert!(world.run("w").await.completed(), "the lock was given back");
}

#[tokio::test]
async fn a_suspended_agent_finds_its_job_gone_and_reports_nothing() {
    let world = World::start().await;
    let (starts, go) = waiting(&world);
    let id = begin_waiting(&world, "fail").await;
    let script = script_pid(&starts).await;
    let agent = agents(&id)[0];
    kill(Pid::from_raw(agent), Signal::SIGSTOP).unwrap();
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Lost]);
    assert!(!is_alive(script), "the guard ended the script before the job was given up");
    std::fs::write(go, "").unwrap();
    kill(Pid::from_raw(agent), Signal::SIGCONT).unwrap();
    eventually("the agent to leave", async || (!is_alive(agent)).then_some(())).await;
    let row = world.job(&id, 0, 0).await.unwrap();
    assert_eq!(row.state.status, Lost, "a closed row stays closed");
}
