//! Somebody kills agent and guard at once. In a file of its own: this process must not be the script's next parent.

mod common;

use std::os::fd::OwnedFd;

use common::{Child, eventually};
use nix::sys::signal::{Signal, kill};
use rsqlflow_agent::guard::Report;

/// Whether it still runs; somebody may have to collect it.
fn runs(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[tokio::test]
async fn a_quiet_script_dies_with_its_guard() {
    // No agent that would end it: this process is none, and only holds the guard's socket.
    let mut guard = common::guard();
    let (read, write) = std::io::pipe().unwrap();
    // One that is not the guard's first.
    let child = Child::bash("true");
    guard.start(&child.launch, &child.start, OwnedFd::from(write.try_clone().unwrap()), None).unwrap();
    while !guard.next_report().await.unwrap().is_last() {}
    let child = Child::bash("exec sleep 1000");
    guard.start(&child.launch, &child.start, OwnedFd::from(write), None).unwrap();
    let Some(Report::Started(script)) = guard.next_report().await else { unreachable!("it starts") };
    assert!(runs(script));
    kill(guard.id(), Signal::SIGKILL).unwrap();
    eventually("the script is dead", || !runs(script)).await;
    guard.collect();
    drop(read);
}
