//! The endpoint is killed at any moment of a run, again and again, and started again: nothing is lost, nothing is
//! done twice.

use std::collections::BTreeMap;
use std::time::Duration;

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{ExecutionId, WorkflowStatus};
use rsqlflow_tests::{Run, World, eventually, eventually_within};
use serde_json::{Value, json};

/// How often the endpoint is killed while a workflow runs.
const KILLS: usize = 200;

/// The longest that an endpoint lives after it has answered its first request.
const LONGEST_LIFE: Duration = Duration::from_millis(120);

/// How long a run may take without further kills. A missed heartbeat would cost 30 s, so few of them fit in.
const PATIENCE: Duration = Duration::from_secs(90);

const PARALLEL: usize = 6;
const LINES: usize = 40;

fn workflow() -> Value {
    let scripts: Vec<String> = (0..PARALLEL).map(|i| format!("p{i}.sh")).collect();
    json!({ "workflow_id": "w", "defaults": { "heartbeat": 30 }, "workflow_stages": [
        { "execution_type": "sequential", "scripts": ["s0.sh", "s1.sh"] },
        { "execution_type": "parallel", "scripts": scripts },
        { "execution_type": "sequential", "scripts": ["s2.sh"] },
    ] })
}

#[tokio::test]
async fn an_endpoint_that_is_killed_at_any_moment_loses_and_repeats_nothing() {
    let mut world = World::start().await;
    let scripts =
        ["s0", "s1", "s2"].map(str::to_owned).into_iter().chain((0..PARALLEL).map(|i| format!("p{i}")));
    let scripts: Vec<String> = scripts.collect();
    for name in &scripts {
        // It marks its start, writes its lines, works a little, and marks its end.
        let marks = world.file("marks").display().to_string();
        world.script(
            &format!("{name}.sh"),
            &format!(
                "echo start {name} >> '{marks}'\nfor i in {{1..{LINES}}}; do echo \"{name} line $i\"; done\nsleep 0.05\n\
                 echo end {name} >> '{marks}'"
            ),
        );
    }
    world.put(&workflow()).await;

    let mut random = fastrand::Rng::with_seed(17);
    let (mut kills, mut runs) = (0, 0);
    while kills < KILLS {
        runs += 1;
        std::fs::write(world.file("marks"), "").unwrap();
        let id: ExecutionId = format!("run-{runs}").parse().unwrap();
        begin(&world, &id).await;
        loop {
            if kills < KILLS {
                tokio::time::sleep(LONGEST_LIFE.mul_f64(random.f64())).await;
                world.kill();
                kills += 1;
                world.restart();
            }
            let patience = if kills < KILLS { Duration::from_millis(1) } else { PATIENCE };
            if let Some(run) = closed(&world, &id, patience).await {
                check(&world, &run, &scripts).await;
                break;
            }
        }
    }
    println!("{kills} kills in {runs} runs");
}

/// The end of a master is an event, which closes the run. It must outlive the endpoint that noted it.
#[tokio::test]
async fn a_stopped_run_is_closed_although_the_endpoint_was_killed() {
    let mut world = World::start().await;
    world.script("w.sh", "sleep 60");
    world
        .put(&json!({ "workflow_id": "w", "workflow_stages": [
        { "execution_type": "sequential", "scripts": ["w.sh"] } ] }))
        .await;
    let mut random = fastrand::Rng::with_seed(23);
    for round in 0..10 {
        let id: ExecutionId = format!("stopped-{round}").parse().unwrap();
        begin(&world, &id).await;
        let arn = eventually("the master's execution", async || {
            world.store.workflows().get(&id).await.unwrap()?.state_machine_execution_arn
        })
        .await;
        let client = aws_sdk_sfn::Client::new(&world.sdk);
        client.stop_execution().execution_arn(arn).send().await.unwrap();
        tokio::time::sleep(Duration::from_millis(20).mul_f64(random.f64())).await;
        world.kill();
        world.restart();
        let run = closed(&world, &id, PATIENCE).await.unwrap();
        assert_eq!(run.workflow.execution_status, WorkflowStatus::Cancelled, "{:?}", run.workflow);
        assert!(run.jobs.iter().all(|job| job.state.status.is_closed()), "{:?}", run.jobs);
    }
}

/// Starts a run. Asked again with the same id it is the same run.
async fn begin(world: &World, id: &ExecutionId) {
    let request = json!({ "workflow_id": "w", "workflow_execution_id": id });
    world.trigger(request).await.unwrap();
}

/// The run, if it is closed by then.
async fn closed(world: &World, id: &ExecutionId, patience: Duration) -> Option<Run> {
    let row = async || {
        let row = world.store.workflows().get(id).await.unwrap().unwrap();
        row.execution_status.is_closed().then_some(row)
    };
    let workflow = if patience < Duration::from_secs(1) {
        row().await?
    } else {
        eventually_within(patience, &format!("the end of {id}"), row).await
    };
    let jobs = world.store.jobs().all_summaries(id).await.unwrap();
    Some(Run { workflow, jobs })
}

async fn check(world: &World, run: &Run, scripts: &[String]) {
    let id = &run.workflow.workflow_execution_id;
    assert_eq!(run.workflow.execution_status, WorkflowStatus::Completed, "{id}: {:?}", run.workflow);
    assert_eq!(run.statuses(), vec![JobStatus::Completed; scripts.len()], "{id}");

    let mut marks = BTreeMap::new();
    for line in std::fs::read_to_string(world.file("marks")).unwrap().lines() {
        *marks.entry(line.to_owned()).or_insert(0) += 1;
    }
    let once = scripts.iter().flat_map(|name| [(format!("start {name}"), 1), (format!("end {name}"), 1)]);
    assert_eq!(marks, once.collect(), "{id}: every script ran once, to its end");

    for job in &run.jobs {
        let name = job.job_name.trim_end_matches(".sh");
        let wanted: Vec<String> = (1..=LINES).map(|i| format!("{name} line {i}")).collect();
        let what = format!("the log of {name}");
        let log = eventually(&what, async || {
            let log = world.log(job).await;
            (log.len() >= LINES).then_some(log)
        });
        assert_eq!(log.await, wanted, "{id}: the log has every line once, in order");
    }

    check_history(world, run.workflow.state_machine_execution_arn.as_deref().unwrap()).await;
}

/// Ids count from 1, each event follows one before it, and the first and last are what they must be.
async fn check_history(world: &World, arn: &str) {
    let client = aws_sdk_sfn::Client::new(&world.sdk);
    let mut events = client.get_execution_history().execution_arn(arn).into_paginator().items().send();
    let mut seen: Vec<aws_sdk_sfn::types::HistoryEvent> = Vec::new();
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        assert_eq!(event.id(), i64::try_from(seen.len()).unwrap() + 1, "{arn}");
        assert!(event.previous_event_id() < event.id(), "{arn}");
        if let Some(before) = seen.last() {
            assert!(event.timestamp() >= before.timestamp(), "{arn}");
        }
        seen.push(event);
    }
    assert_eq!(seen.first().unwrap().r#type().as_str(), "ExecutionStarted", "{arn}");
    assert_eq!(seen.last().unwrap().r#type().as_str(), "ExecutionSucceeded", "{arn}");
}
