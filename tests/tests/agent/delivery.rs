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

/// Makes a table with the keys of the job audit table, and answers with its name.
async fn another_job_table(world: &World) -> String {
    let client = aws_sdk_dynamodb::Client::new(&world.sdk);
    let name = &world.deployment.tables.job_audit;
    let table = client.describe_table().table_name(name).send().await.unwrap().table.unwrap();
    let other = format!("other-{name}");
    let keys = table.key_schema().to_vec();
    let names: Vec<_> = keys.iter().map(|key| key.attribute_name().to_owned()).collect();
    let kept =
        table.attribute_definitions().iter().filter(|a| names.contains(&a.attribute_name().to_owned()));
    client
        .create_table()
        .table_name(&other)
        .set_key_schema(Some(keys.clone()))
        .set_attribute_definitions(Some(kept.cloned().collect()))
        .billing_mode(aws_sdk_dynamodb::types::BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
    other
}

#[tokio::test]
async fn a_result_without_a_row_is_kept_and_named() {
    let world = held().await;
    let (gate, id, network, mut agent) = behind_a_network(&world, LONG).await;
    network.fail(STATES, Fault::Cut);
    network.fail(TABLES, Fault::Cut);
    gate.open();
    tried_in_vain(&world, &network).await;
    agent.kill().await.unwrap();
    // As when somebody has changed the prefix: the table is there, and the row is not.
    let other = another_job_table(&world).await;
    world.set_agent("job_audit_table", &format!("{other:?}"));
    let (code, flushed) = world.ask_agent(&world.url, "flush").await;
    assert_eq!((code, flushed["delivered"].as_array().unwrap().len()), (Some(5), 0), "{flushed}");
    assert_eq!(flushed["left"][0]["result"]["workflow_execution_id"], json!(id), "{flushed}");
    assert!(flushed["left"][0]["reason"].as_str().unwrap().contains("has no row of it"), "{flushed}");
    assert_eq!(world.spooled().len(), 1);

    world.set_agent("job_audit_table", &format!("{:?}", world.deployment.tables.job_audit));
    let (code, flushed) = world.ask_agent(&world.url, "flush").await;
    assert_eq!((code, &flushed["delivered"][0]["how"]), (Some(0), &json!("answered")), "{flushed}");
    assert_eq!(world.end(&id).await.statuses(), [Completed]);
}

#[tokio::test]
async fn an_agent_that_may_not_heartbeat_fails_the_first_attempt_and_names_the_action() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", LONG).await;
    let network = Network::before(&world.url);
    network.fail("AWSStepFunctions.SendTaskHeartbeat", Fault::Denied);
    let status = world.agent_for(&network.url, &id, 1).status().await.unwrap();
    assert_eq!(status.code(), Some(0), "the job is settled");
    let run = world.end(&id).await;
    assert_eq!((run.statuses(), run.jobs[0].state.attempt), (vec![Failed], 1));
    assert!(run.message(0).contains("states:SendTaskHeartbeat"), "{}", run.message(0));
    assert!(run.message(0).contains("hint: "), "{}", run.message(0));
    assert_eq!(gate.starts(), 0);
}

#[tokio::test]
async fn the_log_of_a_job_whose_table_is_away_says_so_at_its_end() {
    let world = held().await;
    let (_gate, id, network, mut agent) = behind_a_network(&world, SHORT).await;
    network.fail(TABLES, Fault::Cut);
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
    let log = world.instance().join(format!("log/{id}/0000-00000-a1.log"));
    let log = std::fs::read_to_string(log).unwrap();
    let last = log.lines().last().unwrap();
    assert!(last.starts_with("rsqlflow: stopped: no answer from the audit table for "), "{last}");
    assert!(last.ends_with(", and the lease has expired"), "{last}");
}
