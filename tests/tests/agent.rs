//! The agent where its instance is full, its commands are late, doubled or unwanted, and its services fail.

#![expect(clippy::unwrap_used, reason = "also what the tests share is run by tests only")]

use std::time::{Duration, Instant};

use rsqlflow_core::protocol::Change;
use rsqlflow_core::protocol::JobStatus::{Cancelled, Completed, Running, Triggered};
use rsqlflow_core::{ExecutionId, JobId};
use rsqlflow_store::{JobRow, Note};
use rsqlflow_tests::{Fault, Gate, Network, World, WorldOptions, eventually, on_a_full_disk};
use serde_json::json;

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

#[tokio::test]
async fn a_job_queues_on_a_full_instance_and_its_task_is_kept_alive() {
    let world = World::start().await;
    let gate = world.gate("wait.sh");
    let (id, running, queueing) = begin_queueing(&world, &gate, SHORT).await;
    outlast_a_heartbeat(&world, &id, running).await;
    let row = world.job(&id, 0, queueing).await.unwrap();
    assert_eq!((row.state.status, row.state.attempt), (Triggered, 1), "its task has not timed out");
    assert_eq!(gate.starts(), 1);
    let (code, status) = world.ask_agent(&world.url, "status").await;
    assert_eq!((code, &status["max_jobs"]), (Some(0), &json!(1)));
    assert_eq!(status["running"].as_array().unwrap().len(), 1, "{status}");
    assert_eq!(status["running"][0]["job_id"], JobId::new(0, running).to_string());

    gate.open();
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Completed, Completed]);
    assert!(run.jobs.iter().all(|job| job.state.attempt == 1), "{run:?}");
    assert_eq!(gate.starts(), 2);
    let (first, second) = (&run.jobs[running as usize], &run.jobs[queueing as usize]);
    assert!(second.execution_start_ts >= first.execution_end_ts, "{run:?}");
}

#[tokio::test]
async fn a_job_that_queues_can_be_cancelled() {
    let world = World::start().await;
    let gate = world.gate("wait.sh");
    let (id, _, queueing) = begin_queueing(&world, &gate, LONG).await;
    let asked = Instant::now();
    request_cancel(&world, &id, queueing).await;
    let row = world.reach(&id, queueing, Cancelled).await;
    assert!(asked.elapsed() < HEARD, "{:?}", asked.elapsed());
    let why = row.state.error_message.as_deref();
    assert_eq!(
        why,
        Some("cancelled before it was run"),
        "the agent's words, not those of a later try's launcher"
    );
    gate.open();
    world.end(&id).await;
    assert_eq!(gate.starts(), 1, "the slot was free in the end, but nobody wanted it any more");
}

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
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", SHORT).await;
    let network = Network::before(&world.url);
    let mut agent = world.agent_for(&network.url, &id, 1).spawn().unwrap();
    gate.started(1).await;
    // Answers to these would come after the next renewal is due.
    network.fail("DynamoDB_20120810.GetItem", Fault::Silent);
    outlast_a_heartbeat(&world, &id, 0).await;
    gate.open();
    let run = world.end(&id).await;
    assert_eq!((run.statuses(), run.jobs[0].state.attempt), (vec![Completed], 1));
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn an_agent_that_cannot_deliver_ends_when_it_is_asked_to() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", LONG).await;
    let network = Network::before(&world.url);
    let mut agent = world.agent_for(&network.url, &id, 1).spawn().unwrap();
    gate.started(1).await;
    // As when the endpoint is gone; and log and table do not even say so.
    network.fail(STATES, Fault::Cut);
    network.fail(TABLES, Fault::Cut);
    network.fail(LOGS, Fault::Silent);
    gate.open();
    eventually("the agent to try in vain", async || {
        (!world.spooled().is_empty() && network.failed("DynamoDB_20120810.UpdateItem") > 0).then_some(())
    })
    .await;
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
async fn what_is_cancelled_before_the_claim_is_never_started() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", LONG).await;
    request_cancel(&world, &id, 0).await;
    let status = world.agent_for(&world.url, &id, 1).status().await.unwrap();
    assert_eq!(status.code(), Some(0));
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Cancelled]);
    assert_eq!(run.message(0), "cancelled before it was run");
    assert_eq!(run.jobs[0].state.attempt, 1, "the agent has answered, not a later launcher");
    assert_eq!(gate.starts(), 0);
}

#[tokio::test]
async fn a_killed_agents_result_is_delivered_by_flush() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", LONG).await;
    let network = Network::before(&world.url);
    let mut agent = world.agent_for(&network.url, &id, 1).spawn().unwrap();
    gate.started(1).await;
    network.fail(STATES, Fault::Cut);
    network.fail(TABLES, Fault::Cut);
    gate.open();
    eventually("the agent to try in vain", async || {
        (!world.spooled().is_empty() && network.failed("DynamoDB_20120810.UpdateItem") > 0).then_some(())
    })
    .await;
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
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", LONG).await;
    let network = Network::before(&world.url);
    let mut agent = world.agent_for(&network.url, &id, 1).spawn().unwrap();
    gate.started(1).await;
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
    network.mend();
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
    let row = world.job(&id, 0, 0).await.unwrap();
    assert_eq!((row.log_complete, row.log_error), (Some(true), None));
    assert_eq!(world.log(&run.jobs[0]).await.len(), 20_000);
}

#[tokio::test]
async fn directories_that_cannot_be_used_cost_log_and_spool_and_not_the_job() {
    let world = World::start().await;
    let file = world.file("no-directory");
    std::fs::write(&file, "").unwrap();
    for setting in ["log_dir", "spool_dir"] {
        world.set_agent(setting, &format!("{file:?}"));
    }
    world.script("chatty.sh", "seq 20000");
    world.put_stage("w", "sequential", json!(["chatty.sh"])).await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [Completed]);
    assert_eq!(run.jobs[0].state.attempt, 1);
    let row = world.job(&run.workflow.workflow_execution_id, 0, 0).await.unwrap();
    assert_eq!((row.log_complete, row.log_bytes), (Some(false), Some(108_894)));
}

#[tokio::test]
async fn a_full_disk_costs_the_log_and_not_the_job() {
    let world = World::start().await;
    // What is written there fails with ENOSPC (full(4)); a disk of its own would take root to mount.
    let logs = world.instance().join("log");
    std::fs::create_dir(logs.join("full")).unwrap();
    for file in ["agent.log", "full/0000-00000-a1.log"] {
        std::os::unix::fs::symlink("/dev/full", logs.join(file)).unwrap();
    }
    world.script("chatty.sh", "seq 20000");
    world.put_stage("w", "sequential", json!(["chatty.sh"])).await;
    world.trigger(json!({ "workflow_id": "w", "workflow_execution_id": "full" })).await.unwrap();
    let id = "full".parse().unwrap();
    assert_eq!(world.end(&id).await.statuses(), [Completed]);
    let row = world.job(&id, 0, 0).await.unwrap();
    assert_eq!((row.log_complete, row.log_bytes), (Some(false), Some(108_894)));
}

#[tokio::test]
async fn a_full_disk_costs_the_spool_and_not_the_result() {
    let world = held().await;
    let disk = world.file("disk");
    std::fs::create_dir(&disk).unwrap();
    for (setting, folder) in [("log_dir", "log"), ("spool_dir", "spool")] {
        world.set_agent(setting, &format!("{:?}", disk.join(folder)));
    }
    world.script("chatty.sh", "seq 20000");
    let id = begin(&world, "chatty.sh", LONG).await;
    let agent = world.agent_for(&world.url, &id, 1);
    let Some(mut agent) = on_a_full_disk(&agent, &disk) else {
        eprintln!("not tested: this machine allows no mount in a user namespace");
        return;
    };
    let output = agent.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("the result is not in the spool") && said.contains("No space left"), "{said}");
    assert!(world.end(&id).await.completed());
    let row = world.job(&id, 0, 0).await.unwrap();
    assert_eq!((row.log_complete, row.log_bytes), (Some(false), Some(108_894)));
}

#[tokio::test]
async fn a_later_trys_token_is_adopted_by_the_agent_that_lives() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", SHORT).await;
    let network = Network::before(&world.url);
    let mut agent = world.agent_for(&network.url, &id, 1).spawn().unwrap();
    gate.started(1).await;
    let token = |row: JobRow| row.state.reply().map(|reply| reply.token.expose().to_owned());
    let first = token(world.reach(&id, 0, Running).await);
    network.fail(STATES, Fault::Cut);
    eventually("the token of a second try", async || {
        (token(world.job(&id, 0, 0).await?) != first).then_some(())
    })
    .await;
    network.mend();
    outlast_a_heartbeat(&world, &id, 0).await;
    gate.open();
    let run = world.end(&id).await;
    assert_eq!((run.statuses(), run.jobs[0].state.attempt), (vec![Completed], 1));
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
    assert_eq!(gate.starts(), 1);
    let history = world.child_history().await;
    assert_eq!(count(&history, "TaskTimedOut"), 1, "the second try was kept alive: {history:?}");
    assert_eq!(count(&history, "TaskSucceeded"), 2, "iterator and job: {history:?}");
}

#[tokio::test]
async fn a_command_that_comes_twice_starts_one_script() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", LONG).await;
    let ssm = aws_sdk_ssm::Client::new(&world.sdk);
    let instance = world.instance().file_name().unwrap().to_str().unwrap().to_owned();
    let end_of = async |command: String| {
        eventually("the command's end", async || {
            let seen = ssm.get_command_invocation().command_id(&command).instance_id(&instance).send().await;
            seen.ok().filter(|seen| seen.response_code() >= 0)
        })
        .await
    };
    let held = eventually("the command's id", async || world.job(&id, 0, 0).await?.ssm_command_id).await;
    end_of(held).await;
    world.release_commands();
    let send = async || {
        ssm.send_command()
            .document_name(&world.deployment.ssm_document)
            .instance_ids(&instance)
            .parameters("ExecutionId", vec![id.to_string()])
            .parameters("JobId", vec![JobId::new(0, 0).to_string()])
            .parameters("Attempt", vec!["1".to_owned()])
            .send()
            .await
            .unwrap()
            .command
            .and_then(|command| command.command_id)
            .unwrap()
    };
    let (one, other) = tokio::join!(send(), send());
    let (one, other) = tokio::join!(end_of(one), end_of(other));
    assert_eq!((one.response_code(), other.response_code()), (0, 0), "{one:?} {other:?}");

    // These two meet the row of whoever came first, and stay to say so.
    let mut late = [world.agent_for(&world.url, &id, 1), world.agent_for(&world.url, &id, 1)];
    let [one, other] = &mut late;
    gate.started(1).await;
    let (one, other) = tokio::join!(one.status(), other.status());
    assert_eq!((one.unwrap().code(), other.unwrap().code()), (Some(0), Some(0)));
    gate.open();
    assert!(world.end(&id).await.completed());
    assert_eq!(gate.starts(), 1);
}

#[tokio::test]
async fn two_agents_of_one_attempt_at_once_start_one_script() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    gate.open();
    let id = begin(&world, "wait.sh", LONG).await;
    let mut agents = [world.agent_for(&world.url, &id, 1), world.agent_for(&world.url, &id, 1)];
    let [one, other] = &mut agents;
    let (one, other) = tokio::join!(one.status(), other.status());
    assert_eq!((one.unwrap().code(), other.unwrap().code()), (Some(0), Some(0)));
    assert!(world.end(&id).await.completed());
    assert_eq!(gate.starts(), 1);
}

#[tokio::test]
async fn a_late_command_of_an_earlier_attempt_loses() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", SHORT).await;
    eventually("the second attempt", async || (world.job(&id, 0, 0).await?.state.attempt == 2).then_some(()))
        .await;
    let late = world.agent_for(&world.url, &id, 1).status().await.unwrap();
    assert_eq!(late.code(), Some(0));
    let row = world.job(&id, 0, 0).await.unwrap();
    assert_eq!((row.state.status, row.state.attempt, gate.starts()), (Triggered, 2, 0));

    let mut agent = world.agent_for(&world.url, &id, 2).spawn().unwrap();
    gate.started(1).await;
    let late = world.agent_for(&world.url, &id, 1).status().await.unwrap();
    assert_eq!(late.code(), Some(0));
    gate.open();
    let run = world.end(&id).await;
    assert_eq!((run.statuses(), run.jobs[0].state.attempt), (vec![Completed], 2));
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
    assert_eq!(gate.starts(), 1);
}
