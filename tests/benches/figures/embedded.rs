//! The embedded endpoint.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rsqlflow_tests::{World, WorldOptions, command, eventually_within};
use serde_json::json;

use crate::Figures;
use crate::process::{TICKS_PER_SECOND, memory_mb, ticks};
use crate::spread::median;

/// Scripts of the bench: they do nothing.
const NOOP: &str = "noop.sh";

/// The longest stage may take this long.
const PATIENCE: Duration = Duration::from_secs(900);

/// Where Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";

/// The time to the first line, and the memory of an endpoint at rest.
pub(crate) async fn start(times: usize) -> Figures {
    let (mut starts, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let began = Instant::now();
        let world = World::start().await;
        starts.push(began.elapsed().as_secs_f64() * 1000.0);
        // A first request, so that what is made when needed is there.
        world.store.workflows().running().await.unwrap();
        memory.push(memory_mb(world.endpoint_pid(), "VmRSS"));
    }
    Figures::from([
        ("embedded.start_ms".to_owned(), median(starts)),
        ("embedded.idle_rss_mb".to_owned(), median(memory)),
    ])
}

/// Six no-op scripts: the whole command, as a user waits for it.
pub(crate) async fn example(times: usize) -> Figures {
    let mut seconds = Vec::new();
    for _ in 0..times {
        let dir = tempfile::tempdir().unwrap();
        write_noop(dir.path());
        let two = json!([NOOP, NOOP]);
        let workflow = json!({ "workflow_id": "example", "workflow_stages": [
            { "execution_type": "sequential", "scripts": two },
            { "execution_type": "parallel", "scripts": two },
            { "execution_type": "parallel", "scripts": two },
        ] });
        std::fs::write(dir.path().join("w.json"), workflow.to_string()).unwrap();
        let began = Instant::now();
        let run = command("rsqlflow").current_dir(&dir).args(["run", "w.json", "--quiet"]).output().unwrap();
        seconds.push(began.elapsed().as_secs_f64());
        assert!(run.status.success(), "{run:?}");
    }
    Figures::from([("embedded.example_seconds".to_owned(), median(seconds))])
}

/// A job after the other.
pub(crate) async fn sequential(times: usize) -> Figures {
    const JOBS: usize = 100;
    let mut each = Vec::new();
    for _ in 0..times {
        let world = world(None).await;
        each.push(stage(&world, "sequential", JOBS).await * 1000.0 / JOBS as f64);
    }
    Figures::from([("embedded.sequential_ms_per_job".to_owned(), median(each))])
}

/// A parallel stage of 1,000, beside what the machine can do at all.
pub(crate) async fn thousand(times: usize) -> Figures {
    let (mut disk, mut memory, mut fork) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..times {
        disk.push(1000.0 / stage(&world(None).await, "parallel", 1000).await);
        memory.push(1000.0 / stage(&world(Some(MEMORY)).await, "parallel", 1000).await);
        fork.push(fork_and_exec(1000).await);
    }
    let ratios = disk.iter().zip(&memory).map(|(disk, memory)| disk / memory).collect();
    Figures::from([
        ("embedded.disk_vs_memory".to_owned(), median(ratios)),
        ("embedded.jobs_per_second.1000".to_owned(), median(disk)),
        ("forkexec.per_second".to_owned(), median(fork)),
    ])
}

/// A parallel stage of 10,000. At most three times: each takes minutes, and its own length evens it out.
pub(crate) async fn ten_thousand(times: usize) -> Figures {
    const JOBS: usize = 10_000;
    let mut measured: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for _ in 0..times.min(3) {
        let mut world = world(None).await;
        let pid = world.endpoint_pid();
        let before = ticks(pid, "stepfunctions");
        let seconds = stage(&world, "parallel", JOBS).await;
        let after = ticks(pid, "stepfunctions");
        let (all, journal) = (after.0 - before.0, after.1 - before.1);
        let rss = memory_mb(pid, "VmHWM");
        world.kill();
        let began = Instant::now();
        world.restart();
        for (name, value) in [
            ("embedded.jobs_per_second.10000", JOBS as f64 / seconds),
            ("embedded.rss_mb", rss),
            ("embedded.cpu_ms_per_job", all / TICKS_PER_SECOND * 1000.0 / JOBS as f64),
            ("embedded.durability_cpu_share", journal / all),
            ("embedded.start_ms.10000", began.elapsed().as_secs_f64() * 1000.0),
        ] {
            measured.entry(name).or_default().push(value);
        }
    }
    measured.into_iter().map(|(name, values)| (name.to_owned(), median(values))).collect()
}

async fn world(parent: Option<&str>) -> World {
    let world = World::with(WorldOptions { parent: parent.map(Into::into), ..WorldOptions::default() }).await;
    write_noop(&world.scripts());
    world
}

fn write_noop(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.join(NOOP);
    std::fs::write(&path, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs one stage of no-op scripts; gives back the seconds between the run's start and its end.
pub(crate) async fn stage(world: &World, execution_type: &str, jobs: usize) -> f64 {
    world.put_stage("bench", execution_type, json!(vec![NOOP; jobs])).await;
    let id = world.begin("bench").await;
    let row = eventually_within(PATIENCE, "the end of the stage", async || {
        // Seldom, so that asking is no part of what is measured.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let row = world.store.workflows().get(&id).await.unwrap()?;
        row.execution_status.is_closed().then_some(row)
    })
    .await;
    assert_eq!(row.job_counts.unwrap_or_default().get("Completed"), Some(&u32::try_from(jobs).unwrap()));
    row.execution_end_ts.unwrap().millis_since(row.execution_start_ts) as f64 / 1000.0
}

/// How many of these scripts a second the machine starts and reaps, 40 at once as a stage does.
async fn fork_and_exec(count: usize) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    write_noop(dir.path());
    let script = dir.path().join(NOOP);
    let began = Instant::now();
    let mut at_work = tokio::task::JoinSet::new();
    for _ in 0..count {
        if at_work.len() == 40 {
            at_work.join_next().await;
        }
        let mut command = tokio::process::Command::new(&script);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        at_work.spawn(async move { command.status().await.unwrap() });
    }
    at_work.join_all().await;
    count as f64 / began.elapsed().as_secs_f64()
}
