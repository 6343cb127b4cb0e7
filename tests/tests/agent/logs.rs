//! Logs that the service does not take, and those that are kept here.

use super::*;

#[tokio::test]
async fn old_local_logs_are_removed_and_those_of_running_jobs_are_not() {
    let world = World::start().await;
    world.set_agent("log_retention", "\"1h\"");
    let gate = world.gate("wait.sh");
    world.put_stage("w", "sequential", json!([{ "script": "wait.sh", "heartbeat": LONG }])).await;
    let id = world.begin("w").await;
    gate.started(1).await;
    let logs = world.instance().join("log");
    let old = logs.join("old/0000-00000-a1.log");
    std::fs::create_dir_all(old.parent().unwrap()).unwrap();
    std::fs::write(&old, "old\n").unwrap();
    let running = logs.join(format!("{id}/0000-00000-a1.log"));
    for log in [&old, &running] {
        let file = std::fs::File::options().write(true).open(log).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(7200)).unwrap();
    }
    world.script("next.sh", "true");
    world.put_stage("next", "sequential", json!(["next.sh"])).await;
    assert!(world.run("next").await.completed());
    eventually("the old log to be removed", async || (!old.exists()).then_some(())).await;
    assert!(running.exists(), "its script has only been silent for long");
    gate.open();
    assert!(world.end(&id).await.completed());
}

#[tokio::test]
async fn a_log_that_the_service_refuses_costs_only_the_log() {
    let world = World::start().await;
    world.set_agent("log_group", "\"no:group\"");
    world.script("chatty.sh", "seq 20000");
    world.put_stage("w", "sequential", json!(["chatty.sh"])).await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [Completed]);
    let row = world.job(&run.workflow.workflow_execution_id, 0, 0).await.unwrap();
    assert_eq!((row.log_complete, row.log_bytes), (Some(false), Some(108_894)));
    let local = world.instance().join(format!("log/{}/0000-00000-a1.log", row.workflow_execution_id));
    assert_eq!(std::fs::read_to_string(local).unwrap().lines().count(), 20_000, "it is kept on the instance");
}

#[tokio::test]
async fn the_end_of_a_killed_agents_log_is_sent_by_the_next() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", LONG).await;
    let network = Network::before(&world.url);
    network.fail(LOGS, Fault::Cut);
    let mut agent = world.agent_for(&network.url, &id, 1).spawn().unwrap();
    gate.started(1).await;
    network.fail(TABLES, Fault::Cut);
    gate.open();
    tried_in_vain(&world, &network).await;
    agent.kill().await.unwrap();
    let (code, flushed) = world.ask_agent(&world.url, "flush").await;
    assert_eq!((code, &flushed["delivered"][0]["how"]), (Some(0), &json!("answered")), "{flushed}");
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Completed]);
    assert_eq!(world.log(&run.jobs[0]).await, ["done"]);
    assert_eq!(world.job(&id, 0, 0).await.unwrap().log_complete, Some(true));
    let (_, again) = world.ask_agent(&world.url, "flush").await;
    assert_eq!(again["delivered"], json!([]), "{again}");
    assert_eq!(world.log(&run.jobs[0]).await, ["done"], "once");
}

#[tokio::test]
async fn a_silent_log_service_delays_neither_script_nor_result() {
    let world = held().await;
    world.set_agent("log_drain", "\"60s\"");
    // More than fits any pipe: a script that had to wait for the service would not end.
    world.script("chatty.sh", "head -c 4000000 /dev/zero | tr '\\0' x | fold -w 80");
    let id = begin(&world, "chatty.sh", LONG).await;
    let network = Network::before(&world.url);
    network.fail(LOGS, Fault::Silent);
    let begun = Instant::now();
    let mut agent = world.agent_for(&network.url, &id, 1).spawn().unwrap();
    assert!(world.end(&id).await.completed());
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(9), "shorter than even one call to the service: {took:?}");
    assert!(network.failed(LOGS) > 0);
    assert_eq!(world.job(&id, 0, 0).await.unwrap().log_complete, Some(false));
    agent.kill().await.unwrap();
}

#[tokio::test]
async fn a_log_that_arrives_after_the_result_is_complete_in_the_end() {
    let world = held().await;
    world.script("chatty.sh", "seq 20000");
    let id = begin(&world, "chatty.sh", LONG).await;
    let network = Network::before(&world.url);
    network.fail(LOGS, Fault::Cut);
    let mut agent = world.agent_for(&network.url, &id, 1).spawn().unwrap();
    let run = world.end(&id).await;
    let row = world.job(&id, 0, 0).await.unwrap();
    assert_eq!((row.log_complete, row.log_error.is_some()), (Some(false), true), "{row:?}");
    network.restore();
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
    let row = world.job(&id, 0, 0).await.unwrap();
    assert_eq!((row.log_complete, row.log_error), (Some(true), None));
    assert_eq!(world.log(&run.jobs[0]).await.len(), 20_000);
}
