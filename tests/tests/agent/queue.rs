//! A full instance.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::*;

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
        Some("cancelled before it started"),
        "the agent's words, not those of a later try's launcher"
    );
    gate.open();
    world.end(&id).await;
    assert_eq!(gate.starts(), 1, "the slot was free in the end, but nobody wanted it any more");
}

/// The guard of a job that runs or queues here.
fn guard_of(run: &rsqlflow_core::ExecutionId, job: JobId) -> Option<Pid> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw).find(|pid| {
        let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let command = read("cmdline");
        let has = |word: &str| command.split(|&byte| byte == 0).any(|part| part == word.as_bytes());
        read("comm") == b"rsqlflow-guard\n" && has(run.as_str()) && has(&job.to_string())
    })
}

#[tokio::test]
async fn a_job_whose_guard_is_killed_in_the_queue_runs_in_its_next_attempt() {
    let world = World::start().await;
    let gate = world.gate("wait.sh");
    let (id, _, queueing) = begin_queueing(&world, &gate, SHORT).await;
    let guard = guard_of(&id, JobId::new(0, queueing)).unwrap();
    kill(guard, Signal::SIGKILL).unwrap();
    gate.open();
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Completed, Completed], "{run:?}");
    assert_eq!(run.jobs[queueing as usize].state.attempt, 2, "the first one claimed nothing");
    assert_eq!(gate.starts(), 2);
}
