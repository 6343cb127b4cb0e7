//! What an operator does with `rsqlflow run`: watches, interrupts, kills, starts again.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rsqlflow_tests::{command, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory with a workflow of one job that marks its start and then waits for a file.
fn waiting_workflow() -> TempDir {
    let dir = tempfile::Builder::new().prefix("rsqlflow-test-").tempdir().unwrap();
    let script = "echo $$ >> starts; until [[ -e go ]]; do sleep 0.02; done";
    let script = format!("cd '{}'\n{script}\n", dir.path().display());
    std::fs::write(dir.path().join("wait.sh"), script).unwrap();
    let workflow = json!({ "workflow_id": "w", "workflow_stages": [
        { "scripts": [{ "script": "wait.sh", "heartbeat": 6 }] } ] });
    std::fs::write(dir.path().join("w.json"), workflow.to_string()).unwrap();
    dir
}

fn rsqlflow(dir: &Path, args: &[&str]) -> std::process::Command {
    let mut command = command("rsqlflow");
    command.current_dir(dir).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(dir: &Path, id: &str) -> Child {
    rsqlflow(dir, &["run", "w.json", "--execution-id", id, "--output", "json"]).spawn().unwrap()
}

async fn started(dir: &Path, count: usize) -> i32 {
    eventually("the script's start", async || {
        let starts = std::fs::read_to_string(dir.join("starts")).ok()?;
        (starts.lines().count() == count).then(|| starts.lines().last()?.parse().ok())?
    })
    .await
}

fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!("{e}: {} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })
}

#[tokio::test]
async fn a_run_can_be_looked_at_while_it_runs_and_ends_on_sigterm() {
    let dir = waiting_workflow();
    let child = run(dir.path(), "a");
    let script = started(dir.path(), 1).await;

    let jobs = rsqlflow(dir.path(), &["jobs", "a", "--output", "json"]).output().unwrap();
    assert_eq!(document(&jobs)["jobs"][0]["execution_status"], "Running");
    let status = rsqlflow(dir.path(), &["status", "a", "--output", "json"]).output().unwrap();
    assert_eq!(document(&status)["workflow"]["execution_status"], "Running");

    send(&child, Signal::SIGTERM);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(document(&output)["jobs"][0]["execution_status"], "Cancelled");
    assert!(!is_alive(script), "the script is gone before the row is closed");
}

#[tokio::test]
async fn what_a_killed_run_leaves_behind_goes_on_with_the_next() {
    let dir = waiting_workflow();
    let mut child = run(dir.path(), "a");
    let script = started(dir.path(), 1).await;
    send(&child, Signal::SIGKILL);
    assert_eq!(child.wait().unwrap().signal(), Some(9));

    let unfinished = rsqlflow(dir.path(), &["status", "a", "--output", "json"]).output().unwrap();
    assert_eq!(document(&unfinished)["workflow"]["execution_status"], "Running", "a look changes nothing");
    assert!(is_alive(script));

    let next = run(dir.path(), "b");
    std::fs::write(dir.path().join("go"), "").unwrap();
    let output = next.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("a of workflow w was interrupted"), "{said}");
    started(dir.path(), 2).await;

    let first = rsqlflow(dir.path(), &["status", "a", "--output", "json"]).output().unwrap();
    assert_eq!(document(&first)["workflow"]["execution_status"], "Completed");

    let again = rsqlflow(dir.path(), &["run", "w.json", "--execution-id", "b"]).output().unwrap();
    assert_eq!(again.status.code(), Some(2), "an old result does not pass for a new one: {again:?}");
}

#[tokio::test]
async fn a_failed_run_says_why_and_exits_with_one() {
    let dir = waiting_workflow();
    std::fs::write(dir.path().join("wait.sh"), "echo about to fail\necho 'ERROR:  no such table'\nexit 3\n")
        .unwrap();
    let output = rsqlflow(dir.path(), &["run", "w.json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout);
    for part in ["Failed", "exit code 3", "no such table", "| about to fail"] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
}

#[tokio::test]
async fn output_that_cannot_be_written_is_an_error() {
    let dir = waiting_workflow();
    std::fs::write(dir.path().join("w.json"), r#"{ "workflow_id": "w" }"#).unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = rsqlflow(dir.path(), &["validate", "w.json"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}
