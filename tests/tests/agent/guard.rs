//! The guard beside the script, as the agent splits it off.

use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rsqlflow_core::protocol::JobStatus::Failed;

use super::*;

const PASSWORD: &str = "hunter22";

/// A world whose scripts get a password.
async fn with_a_secret(hold_commands: bool) -> World {
    let secret = json!({ "host": "127.0.0.1", "username": "u", "password": PASSWORD, "dbname": "d" });
    let secrets = vec![("etl".to_owned(), secret)];
    World::with(WorldOptions { secrets, hold_commands, ..WorldOptions::default() }).await
}

/// Tells of its guard, waits for the second file, fails in its first try and completes in its second.
fn telling(world: &World) -> (PathBuf, PathBuf) {
    let (told, go) = (world.file("told"), world.file("go"));
    let text = format!(
        r#"out='{}'
        {{
            echo "guard $PPID $(cat /proc/$PPID/comm)"
            echo "password: script $(grep -c {PASSWORD} /proc/$$/environ), guard $(cat /proc/$PPID/{{environ,cmdline}} | grep -c {PASSWORD})"
            for fd in /proc/$PPID/fd/*; do readlink "$fd"; done | sed 's/\[[0-9]*\]//' | sort
        }} >> "$out"
        until [[ -e '{}' ]]; do sleep 0.02; done
        (( $(grep -c '^guard' "$out") == 2 ))"#,
        told.display(),
        go.display()
    );
    world.script("telling.sh", &text);
    (told, go)
}

/// What the two tries told.
fn assert_told(told: &Path) {
    let text = std::fs::read_to_string(told).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let (first, second) = lines.split_at(lines.len() / 2);
    assert_eq!(first, second, "one guard, and each try leaves it as it was");
    assert!(first[0].starts_with("guard ") && first[0].ends_with(" rsqlflow-guard"), "{text}");
    assert_eq!(first[1], "password: script 1, guard 0");
    let (slots, rest): (Vec<&str>, Vec<&str>) =
        first[2..].iter().partition(|line| line.ends_with("/slots/0000"));
    // Where there are control groups of version 2, the job's own is held too.
    let (groups, rest): (Vec<&str>, Vec<&str>) =
        rest.into_iter().partition(|line| line.starts_with("/sys/fs/cgroup/"));
    assert!(groups.len() <= 1, "{text}");
    assert_eq!(slots.len(), 1, "the slot is taken as long as the script is there: {text}");
    let own =
        ["/dev/null", "/dev/null", "/dev/null", "anon_inode:[signalfd]", "anon_inode:[timerfd]", "socket:"];
    assert_eq!(rest, own, "nothing else is open: {text}");
}

#[tokio::test]
async fn one_guard_serves_all_tries_and_has_nothing_of_the_agents() {
    let world = with_a_secret(false).await;
    let (told, go) = telling(&world);
    let job = json!({ "script": "telling.sh", "secret": "etl", "retries": 1, "retry_delay": 0 });
    world.put_stage("w", "sequential", json!([job])).await;
    std::fs::write(go, "").unwrap();
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [Completed]);
    assert_told(&told);
}

#[tokio::test]
async fn what_an_agent_inherited_its_guard_does_not_keep() {
    let world = with_a_secret(true).await;
    let (told, go) = telling(&world);
    let job = json!({ "script": "telling.sh", "secret": "etl", "retries": 1, "retry_delay": 0 });
    world.put_stage("w", "sequential", json!([job])).await;
    let id = world.begin("w").await;
    world.reach(&id, 0, Triggered).await;
    let (mut read, write) = std::io::pipe().unwrap();
    // As whoever starts the agent may have left it.
    fcntl(&write, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let mut agent = world.agent_for(&world.url, &id, 1).spawn().unwrap();
    drop(write);
    // It ends while agent, guard and script are all there.
    let read = tokio::task::spawn_blocking(move || std::io::Read::read(&mut read, &mut [0])).await.unwrap();
    assert_eq!(read.unwrap(), 0);
    std::fs::write(go, "").unwrap();
    assert_eq!(world.end(&id).await.statuses(), [Completed]);
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
    assert_told(&told);
}

#[tokio::test]
async fn a_job_whose_guard_is_killed_between_two_tries_fails_and_says_so() {
    let world = World::start().await;
    let guards = world.file("guards");
    world.script("fails.sh", &format!("echo $PPID >> '{}'; exit 3", guards.display()));
    let job = json!({ "script": "fails.sh", "retries": 1, "retry_delay": 3 });
    world.put_stage("w", "sequential", json!([job])).await;
    let id = world.begin("w").await;
    eventually("the first try to be over", async || {
        (world.job(&id, 0, 0).await?.tries.len() == 1).then_some(())
    })
    .await;
    let guard = std::fs::read_to_string(&guards).unwrap().trim().parse().unwrap();
    kill(Pid::from_raw(guard), Signal::SIGKILL).unwrap();
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Failed]);
    assert!(run.message(0).contains("the guard was killed"), "{}", run.message(0));
    assert_eq!(std::fs::read_to_string(&guards).unwrap().lines().count(), 1, "no second script");
}

/// Whether a process runs; somebody may have to collect it.
fn runs(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// A running attempt whose script has started a process in a session of its own: the agent, its guard, that process.
async fn with_a_runaway(world: &World, id: &ExecutionId) -> (Child, i32, i32) {
    let path = world.file("runaway");
    let agent = world.agent_for(&world.url, id, 1).spawn().unwrap();
    let text = eventually("the runaway's start", async || {
        std::fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n'))
    })
    .await;
    let numbers: Vec<i32> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    (agent, numbers[0], numbers[1])
}

/// A script that starts a runaway, in its first attempt.
fn runaway(world: &World) -> bool {
    let path = world.file("runaway").display().to_string();
    world.script(
        "runaway.sh",
        &format!(
            "[[ -e '{path}' ]] && exit 0\n\
             setsid bash -c 'echo '$PPID' $$ > \"{path}\"; exec sleep 1000' & wait"
        ),
    );
    let groups = rsqlflow_tests::has_control_groups();
    if !groups {
        eprintln!("left out: no control groups can be made here");
    }
    groups
}

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

#[tokio::test]
async fn what_outlives_agent_and_guard_is_ended_by_the_next_agent() {
    let world = held().await;
    if !runaway(&world) {
        return;
    }
    let id = begin(&world, "runaway.sh", LONG).await;
    let (mut agent, guard, runaway) = with_a_runaway(&world, &id).await;
    // At once: an agent that is stopped cannot take over what its guard has left.
    let pid = i32::try_from(agent.id().unwrap()).unwrap();
    signal(pid, Signal::SIGSTOP);
    signal(guard, Signal::SIGKILL);
    signal(pid, Signal::SIGKILL);
    agent.wait().await.unwrap();
    assert!(runs(runaway), "nobody is left who could end it");
    let (code, flushed) = world.ask_agent(&world.url, "flush").await;
    assert_eq!(code, Some(0), "{flushed}");
    eventually("the runaway's end", async || (!runs(runaway)).then_some(())).await;
}

#[tokio::test]
async fn the_next_attempt_ends_what_a_stopped_one_has_left() {
    let world = held().await;
    if !runaway(&world) {
        return;
    }
    let id = begin(&world, "runaway.sh", SHORT).await;
    let job = json!([{ "script": "runaway.sh", "heartbeat": SHORT, "on_lost": "rerun" }]);
    world.stop(&id).await;
    world.put_stage("again", "sequential", job).await;
    let id = world.begin("again").await;
    world.reach(&id, 0, Triggered).await;
    let (mut agent, guard, runaway) = with_a_runaway(&world, &id).await;
    let pid = i32::try_from(agent.id().unwrap()).unwrap();
    signal(pid, Signal::SIGSTOP);
    signal(guard, Signal::SIGSTOP);
    world.release_commands();
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Completed]);
    assert!(run.jobs[0].state.attempt > 1);
    assert!(!runs(runaway), "it was ended before the next attempt's script was started");
    signal(guard, Signal::SIGCONT);
    signal(pid, Signal::SIGCONT);
    agent.wait().await.unwrap();
}
