//! Cancelled jobs.

use super::*;

#[tokio::test]
async fn a_running_job_hears_of_a_cancel_long_before_its_next_renewal() {
    let world = World::start().await;
    let gate = world.gate("wait.sh");
    world.put_stage("w", "sequential", json!([{ "script": "wait.sh", "heartbeat": LONG }])).await;
    let id = world.begin("w").await;
    gate.started(1).await;
    let running = world.reach(&id, 0, Running).await;
    let names: Vec<String> = World::processes(&format!("--execution-id {id}"))
        .into_iter()
        .map(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default())
        .collect();
    assert!(names.iter().any(|name| name == "rsqlflow-agent\n"), "as ps shows it: {names:?}");

    let asked = Instant::now();
    request_cancel(&world, &id, 0).await;
    let row = world.reach(&id, 0, Cancelled).await;
    assert!(asked.elapsed() < HEARD, "{:?}", asked.elapsed());
    assert_eq!(row.state.beat, running.state.beat + 1, "one renewal was hastened, and it decided");
    assert_eq!(world.end(&id).await.statuses(), [Cancelled]);
    let script = world.scripts().join("wait.sh");
    assert_eq!(World::processes(&script.display().to_string()).len(), 0, "the script is gone");
}

#[tokio::test]
async fn looks_can_be_turned_off() {
    let world = held().await;
    world.set_agent("cancel_poll", "0");
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", SHORT).await;
    let network = Network::before(&world.url);
    // A look would be cut, and would be the only read.
    let mut agent = world.agent_for(&network.url, &id, 1).spawn().unwrap();
    gate.started(1).await;
    network.fail("DynamoDB_20120810.GetItem", Fault::Cut);
    request_cancel(&world, &id, 0).await;
    world.reach(&id, 0, Cancelled).await;
    assert_eq!(network.failed("DynamoDB_20120810.GetItem"), 0);
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_table_that_answers_no_look_costs_only_the_looks() {
    let world = held().await;
    let (gate, id, network, mut agent) = behind_a_network(&world, SHORT).await;
    // Answers to these would come after the next renewal is due.
    network.fail("DynamoDB_20120810.GetItem", Fault::Silent);
    outlast_a_heartbeat(&world, &id, 0).await;
    gate.open();
    let run = world.end(&id).await;
    assert_eq!((run.statuses(), run.jobs[0].state.attempt), (vec![Completed], 1));
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn what_is_cancelled_before_the_claim_is_never_started() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", LONG).await;
    request_cancel(&world, &id, 0).await;
    let status = world.agent_for(&world.url, &id, 1).status().await.unwrap();
    assert_eq!(status.code(), Some(0));
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Cancelled]);
    assert_eq!(run.message(0), "cancelled before it started");
    assert_eq!(run.jobs[0].state.attempt, 1, "the agent has answered, not a later launcher");
    assert_eq!(gate.starts(), 0);
}
