//! The times of a job: they stand in its row, and the agent goes by them.

use aws_sdk_dynamodb::types::AttributeValue;
use rsqlflow_core::{JobTimes, Seconds, Timing};

use super::*;

/// A script that needs two seconds after SIGTERM, twice the grace of the embedded endpoint's jobs.
fn slow_to_stop(world: &World) -> (std::path::PathBuf, std::path::PathBuf) {
    let (started, stopped) = (world.file("started"), world.file("stopped"));
    world.script(
        "slow.sh",
        &format!(
            "trap 'sleep 2; echo > \"{}\"; exit 1' TERM; echo > '{}'; while :; do sleep 0.05; done",
            stopped.display(),
            started.display()
        ),
    );
    (started, stopped)
}

/// Changes the times in a row of a job as functions with other times, or of another version, would have written them.
async fn set_times(world: &World, id: &ExecutionId, update: &str, grace: Option<&str>) {
    let request = aws_sdk_dynamodb::Client::new(&world.sdk)
        .update_item()
        .table_name(&world.deployment.tables.job_audit)
        .key("workflow_execution_id", AttributeValue::S(id.to_string()))
        .key("job_id", AttributeValue::S(JobId::new(0, 0).to_string()))
        .update_expression(update);
    let request = match grace {
        Some(millis) => request.expression_attribute_values(":grace", AttributeValue::N(millis.to_owned())),
        None => request,
    };
    request.send().await.unwrap();
}

#[tokio::test]
async fn the_row_has_the_times_and_the_agent_goes_by_them() {
    let world = held().await;
    let (started, stopped) = slow_to_stop(&world);
    let id = begin(&world, "slow.sh", LONG).await;
    let row = world.job(&id, 0, 0).await.unwrap();
    let expected = JobTimes::new(&Timing::single_machine(), Seconds::saturating(u64::from(LONG)));
    assert_eq!(row.job.times, Some(expected), "from hand-out on");

    set_times(&world, &id, "SET job.times[5] = :grace", Some("20000")).await;
    let mut agent = world.agent_for(&world.url, &id, 1).spawn().unwrap();
    eventually("the script's start", async || started.exists().then_some(())).await;
    request_cancel(&world, &id, 0).await;
    world.reach(&id, 0, Cancelled).await;
    assert!(stopped.exists(), "it had the grace that its row names, not that of the instance");
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_row_of_version_0_1_0_has_the_times_of_its_place() {
    let world = held().await;
    let (started, stopped) = slow_to_stop(&world);
    let id = begin(&world, "slow.sh", SHORT).await;
    set_times(&world, &id, "REMOVE job.times", None).await;
    let mut agent = world.agent_for(&world.url, &id, 1).spawn().unwrap();
    eventually("the script's start", async || started.exists().then_some(())).await;
    request_cancel(&world, &id, 0).await;
    world.reach(&id, 0, Cancelled).await;
    assert!(!stopped.exists(), "it was killed after the embedded endpoint's grace");
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
}
