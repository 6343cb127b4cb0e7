//! The agent's own costs beside its script.
//!
//! The measuring program stands between the endpoint and the agent: as a child subreaper (prctl(2)) it inherits what
//! the agent leaves when it detaches, so the kernel counts the agent and all that it started to this process's
//! children (getrusage(2)).

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::wait::wait;
use rsqlflow_tests::{World, WorldOptions, binary};
use serde_json::json;

use crate::Figures;
use crate::process::{children_ms, cpu_ms};
use crate::spread::median;

/// Jobs of one measurement.
const JOBS: usize = 20;

/// Runs the agent in its place, if that is what this process was started for. For each job it writes a line: processor
/// milliseconds, and megabytes.
pub(crate) fn runs_as_wrapper() -> bool {
    let me = std::env::args().next().map(PathBuf::from).unwrap_or_default();
    let Some(lines) = me.parent().map(|dir| dir.join("lines")).filter(|_| me.ends_with("measured-agent"))
    else {
        return false;
    };
    let agent = std::fs::read_to_string(lines.with_file_name("agent")).unwrap();
    nix::sys::prctl::set_child_subreaper(true).unwrap();
    let mut child = Command::new(agent).args(std::env::args().skip(1)).spawn().unwrap();
    let code = child.wait().unwrap().code().unwrap_or(1);
    // The command is done when the agent has detached; what it left is ours.
    while wait().is_ok() {}
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let line = format!("{} {}\n", cpu_ms(&used), used.max_rss() as f64 / 1024.0);
    OpenOptions::new().append(true).create(true).open(lines).unwrap().write_all(line.as_bytes()).unwrap();
    std::process::exit(code);
}

/// Processor time, memory and speed.
pub(crate) async fn measure(times: usize) -> Figures {
    let (mut cpu, mut rss) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let lines = run("", JOBS).await.0;
        cpu.extend(lines.iter().map(|line| line.0));
        rss.extend(lines.iter().map(|line| line.1));
    }
    // What the script itself takes, measured the same way.
    let script = script_ms();
    let (mut large, mut speed) = (Vec::new(), Vec::new());
    for _ in 0..times.min(3) {
        let (lines, seconds) =
            run("yes 'a line of a log, as long as lines of logs are' | head -c 100000000", 1).await;
        large.push(lines[0].1);
        speed.push(100.0 / seconds);
    }
    Figures::from([
        ("agent.cpu_ms_per_job".to_owned(), median(cpu) - script),
        ("agent.max_rss_mb".to_owned(), median(rss)),
        ("agent.max_rss_mb.100mb_log".to_owned(), median(large)),
        ("agent.log_mb_per_second".to_owned(), median(speed)),
    ])
}

/// Runs jobs one after the other; gives back the wrapper's lines, and the seconds of the last job.
async fn run(body: &str, jobs: usize) -> (Vec<(f64, f64)>, f64) {
    let dir = tempfile::tempdir().unwrap();
    let agent = dir.path().join("measured-agent");
    std::os::unix::fs::symlink(std::env::current_exe().unwrap(), &agent).unwrap();
    std::fs::write(dir.path().join("agent"), binary("rsqlflow-agent").to_str().unwrap()).unwrap();
    let env = vec![("RSQLFLOW_AGENT".to_owned(), agent.display().to_string())];
    let world = World::with(WorldOptions { env, ..WorldOptions::default() }).await;
    world.raw_script("job.sh", &format!("#!/bin/sh\n{body}\n"));
    world.put_stage("bench", "sequential", json!(vec!["job.sh"; jobs])).await;
    let run = world.run("bench").await;
    assert!(run.completed(), "{:?}", run.workflow);
    let job = run.jobs.last().unwrap();
    let (began, ended) = (job.execution_start_ts.unwrap(), job.execution_end_ts.unwrap());
    let text = rsqlflow_tests::eventually("the wrapper's lines", async || {
        let text = std::fs::read_to_string(dir.path().join("lines")).ok()?;
        (text.lines().count() == jobs).then_some(text)
    })
    .await;
    let number = |word: Option<&str>| word.unwrap().parse::<f64>().unwrap();
    let lines = text.lines().map(|line| {
        let mut words = line.split(' ');
        (number(words.next()), number(words.next()))
    });
    (lines.collect(), ended.millis_since(began) as f64 / 1000.0)
}

/// Processor milliseconds of a script that does nothing.
fn script_ms() -> f64 {
    const COUNT: u32 = 100;
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("job.sh");
    std::fs::write(&script, "#!/bin/sh\n\n").unwrap();
    let before = children_ms();
    for _ in 0..COUNT {
        Command::new("/bin/bash").arg(&script).status().unwrap();
    }
    (children_ms() - before) / f64::from(COUNT)
}
