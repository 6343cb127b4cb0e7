//! Results that cannot be told at once.

use super::*;

#[tokio::test]
async fn an_agent_that_cannot_deliver_ends_when_it_is_asked_to() {
    let world = held().await;
    let (gate, id, network, mut agent) = behind_a_network(&world, LONG).await;
    // As when the endpoint is gone; and log and table do not even say so.
    network.fail(STATES, Fault::Cut);
    network.fail(TABLES, Fault::Cut);
    network.fail(LOGS, Fault::Silent);
    gate.open();
    tried_in_vain(&world, &network).await;
    let asked = Instant::now();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(agent.id().unwrap()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(agent.wait().await.unwrap().code(), Some(5), "undelivered");
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
    assert_eq!(world.spooled().len(), 1, "for the next one");

    let (code, flushed) = world.ask_agent(&world.url, "flush").await;
    assert_eq!((code, &flushed["delivered"][0]["how"]), (Some(0), &json!("answered")), "{flushed}");
    assert_eq!(world.end(&id).await.statuses(), [Completed]);
    assert_eq!(gate.starts(), 1);
}

#[tokio::test]
async fn a_killed_agents_result_is_delivered_by_flush() {
    let world = held().await;
    let (gate, id, network, mut agent) = behind_a_network(&world, LONG).await;
    network.fail(STATES, Fault::Cut);
    network.fail(TABLES, Fault::Cut);
    gate.open();
    tried_in_vain(&world, &network).await;
    let (_, held) = world.ask_agent(&world.url, "flush").await;
    assert_eq!((held["held"].as_u64(), held["delivered"].as_array().unwrap().len()), (Some(1), 0), "{held}");
    agent.kill().await.unwrap();
    world.reach(&id, 0, Running).await;

    let (code, flushed) = world.ask_agent(&world.url, "flush").await;
    assert_eq!((code, &flushed["delivered"][0]["how"]), (Some(0), &json!("answered")), "{flushed}");
    let run = world.end(&id).await;
    assert_eq!((run.statuses(), run.jobs[0].state.attempt), (vec![Completed], 1));
    assert_eq!(gate.starts(), 1);
    assert_eq!(world.spooled().len(), 0);
    assert_eq!(count(&world.child_history().await, "TaskTimedOut"), 0, "the answer came from the spool");
}

#[tokio::test]
async fn a_result_that_the_agent_may_not_report_waits_for_the_next_run() {
    let world = held().await;
    let (gate, id, network, mut agent) = behind_a_network(&world, LONG).await;
    network.fail("AWSStepFunctions.SendTaskSuccess", Fault::Denied);
    gate.open();
    assert_eq!(agent.wait().await.unwrap().code(), Some(5), "undelivered");
    world.reach(&id, 0, Completed).await;
    assert_eq!(world.spooled().len(), 1);
    let (code, left) = world.ask_agent(&network.url, "flush").await;
    assert_eq!((code, left["left"].as_array().unwrap().len()), (Some(5), 1), "{left}");
    let row = world.store.workflows().get(&id).await.unwrap().unwrap();
    assert!(!row.execution_status.is_closed(), "nobody has told the machine");

    world.release_commands();
    world.script("next.sh", "true");
    world.put_stage("next", "sequential", json!(["next.sh"])).await;
    assert!(world.run("next").await.completed());
    assert!(world.end(&id).await.completed());
    eventually("the spool to be empty", async || world.spooled().is_empty().then_some(())).await;
    assert_eq!(gate.starts(), 1);
}
