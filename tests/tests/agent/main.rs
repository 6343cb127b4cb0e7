//! The agent where its instance is full, its commands are late, doubled or unwanted, and its services fail.

#![expect(clippy::unwrap_used, reason = "also what the tests share is run by tests only")]

mod cancel;
mod delivery;
mod disk;
mod guard;
mod logs;
mod queue;
mod security;
mod times;
mod twice;

use std::time::{Duration, Instant};

use rsqlflow_core::protocol::Change;
use rsqlflow_core::protocol::JobStatus::{Cancelled, Completed, Failed, Running, Triggered};
use rsqlflow_core::{ExecutionId, JobId};
use rsqlflow_store::{JobRow, Note};
use rsqlflow_tests::{Fault, Gate, Network, World, WorldOptions, eventually, on_a_full_disk};
use serde_json::json;
use tokio::process::Child;

/// The shortest heartbeat that one machine allows, for tests in which it has to pass.
const SHORT: u32 = 6;

/// A heartbeat that does not pass within a test.
const LONG: u32 = 60;

/// Within this a cancel is heard of and obeyed: an agent looks every 2 s here, and a renewal of a job with a [`LONG`]
/// heartbeat comes 16 s after the last at the earliest.
const HEARD: Duration = Duration::from_secs(10);

/// Step Functions, as `X-Amz-Target` begins.
const STATES: &str = "AWSStepFunctions.";

/// DynamoDB, as `X-Amz-Target` begins.
const TABLES: &str = "DynamoDB_";

/// CloudWatch Logs, as `X-Amz-Target` begins.
const LOGS: &str = "Logs_";

/// A world in which commands do nothing, so that the test itself starts the agents.
async fn held() -> World {
    World::with(WorldOptions { hold_commands: true, ..WorldOptions::default() }).await
}

/// Starts a run of one job, and waits until its first command was sent.
async fn begin(world: &World, script: &str, heartbeat: u32) -> ExecutionId {
    world.put_stage("w", "sequential", json!([{ "script": script, "heartbeat": heartbeat }])).await;
    let id = world.begin("w").await;
    world.reach(&id, 0, Triggered).await;
    id
}

/// A job that the test's own agent runs, over a network that the test can break. Its script has begun.
async fn behind_a_network(world: &World, heartbeat: u32) -> (Gate, ExecutionId, Network, Child) {
    let gate = world.gate("wait.sh");
    let id = begin(world, "wait.sh", heartbeat).await;
    let network = Network::before(&world.url);
    let agent = world.agent_for(&network.url, &id, 1).spawn().unwrap();
    gate.started(1).await;
    (gate, id, network, agent)
}

/// Waits until the agent has kept its result, and could not write it into the row.
async fn tried_in_vain(world: &World, network: &Network) {
    eventually("the agent to try in vain", async || {
        (!world.spooled().is_empty() && network.failed("DynamoDB_20120810.UpdateItem") > 0).then_some(())
    })
    .await;
}

/// A full instance: one job of two runs, the other queues. Answers with their positions in this order.
async fn begin_queueing(world: &World, gate: &Gate, heartbeat: u32) -> (ExecutionId, u32, u32) {
    world.set_agent("max_jobs", "1");
    let job = |name: &str| json!({ "script": "wait.sh", "job_name": name, "heartbeat": heartbeat });
    world.put_stage("w", "parallel", json!([job("a"), job("b")])).await;
    let id = world.begin("w").await;
    gate.started(1).await;
    let running = eventually("one of the jobs to run", async || {
        let jobs = world.store.jobs().all_summaries(&id).await.unwrap();
        jobs.iter().find(|job| job.state.status == Running).map(|job| job.job_id.position)
    })
    .await;
    let queueing = 1 - running;
    world.reach(&id, queueing, Triggered).await;
    (id, running, queueing)
}

/// Waits until a running job was renewed so often that more than a heartbeat has passed: each renewal comes at
/// least a fourth of one after the last.
async fn outlast_a_heartbeat(world: &World, id: &ExecutionId, position: u32) {
    let first = world.job(id, 0, position).await.unwrap().state.beat;
    eventually("renewals for longer than a heartbeat", async || {
        (world.job(id, 0, position).await?.state.beat >= first + 5).then_some(())
    })
    .await;
}

async fn request_cancel(world: &World, id: &ExecutionId, position: u32) {
    let change = Change::RequestCancel;
    world.store.jobs().change(id, JobId::new(0, position), &change, Note::new()).await.unwrap();
}

fn count(history: &[String], what: &str) -> usize {
    history.iter().filter(|event| *event == what).count()
}
