//! What the command says when something goes wrong round it.

use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rsqlflow_tests::{Said, World, command, eventually};
use serde_json::{Value, json};

/// `rsqlflow run` of one script in a directory, as a group of its own.
fn run(dir: &Path, more: &[&str]) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut run = command("rsqlflow");
    run.current_dir(dir)
        .args(["run", "w.json", "--execution-id", "r"])
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    run
}

/// Runs the command to its end.
fn said(dir: &Path, args: &[&str]) -> Said {
    command("rsqlflow").current_dir(dir).args(args).stdin(Stdio::null()).output().unwrap().into()
}

/// A directory with a workflow whose script waits for a file `go` there.
fn waiting() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let go = dir.path().join("go");
    let begun = dir.path().join("begun");
    let script =
        format!("touch '{}'; until [[ -e '{}' ]]; do sleep 0.02; done", begun.display(), go.display());
    std::fs::write(dir.path().join("wait.sh"), script).unwrap();
    let workflow = json!({ "workflow_id": "w", "defaults": { "heartbeat": 6 },
        "workflow_stages": [{ "scripts": ["wait.sh"] }] });
    std::fs::write(dir.path().join("w.json"), workflow.to_string()).unwrap();
    dir
}

async fn begun(dir: &Path) {
    eventually("the script begins", async || dir.join("begun").exists().then_some(())).await;
}

#[tokio::test]
async fn the_same_run_again_after_a_kill_tells_how_it_ended() {
    let dir = waiting();
    let mut first = run(dir.path(), &[]).spawn().unwrap();
    begun(dir.path()).await;
    killpg(Pid::from_raw(i32::try_from(first.id()).unwrap()), Signal::SIGKILL).unwrap();
    first.wait().unwrap();

    let open = said(dir.path(), &["status", "r"]).ends(0).says("no endpoint serves this directory");
    assert!(open.out.contains("Running"), "{open:?}");
    for looks in ["list", "history"] {
        let _ = said(dir.path(), &[looks]).ends(0).says("no endpoint serves this directory");
    }
    let _ = said(dir.path(), &["jobs", "r"]).ends(0).says("no endpoint serves this directory");

    std::fs::write(dir.path().join("go"), "").unwrap();
    let again: Said = run(dir.path(), &[]).output().unwrap().into();
    let again = again.ends(0).says("r was started before");
    assert!(again.out.contains("Completed  r  1 Completed"), "{again:?}");
    let _ = Said::from(run(dir.path(), &[]).output().unwrap()).ends(2).says("run r already exists");
}

#[tokio::test]
async fn a_state_directory_that_is_removed_ends_what_works_there() {
    let dir = waiting();
    let first = run(dir.path(), &[]).spawn().unwrap();
    begun(dir.path()).await;
    std::fs::remove_dir_all(dir.path().join(".rsqlflow")).unwrap();
    let ended: Said = first.wait_with_output().unwrap().into();
    let _ = ended.ends(3).says("was removed while it was in use");
    std::fs::write(dir.path().join("go"), "").unwrap();
}

#[test]
fn a_damaged_state_directory_is_told_with_the_file_and_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.sh"), "true").unwrap();
    let workflow = json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": ["a.sh"] }] });
    std::fs::write(dir.path().join("w.json"), workflow.to_string()).unwrap();
    let _ = said(dir.path(), &["run", "w.json"]).ends(0);
    let state = dir.path().join(".rsqlflow");
    for file in ["dynamodb.sqlite3", "stepfunctions.sqlite3"] {
        let file = state.join(file);
        let whole = std::fs::read(&file).unwrap();
        let garbage = vec![b'x'; 10_000];
        for (damage, what) in
            [(&garbage[..], "it is not a SQLite database"), (&whole[..whole.len() / 2], "it is truncated")]
        {
            std::fs::write(&file, damage).unwrap();
            for args in [&["run", "w.json"][..], &["list"], &["local", "--port", "0"]] {
                let told = said(dir.path(), args).ends(3);
                assert!(
                    !told.err.contains("encrypted") && !told.err.contains("another --state-dir"),
                    "{told:?}"
                );
                let _ = told
                    .says(&format!("{} is damaged: {what}", file.display()))
                    .says("move the state directory away, for example with `mv ")
                    .says("it contains only runs of this machine");
            }
        }
        std::fs::write(&file, whole).unwrap();
    }
    let _ = said(dir.path(), &["list"]).ends(0).says("Completed");
}

#[tokio::test]
async fn what_the_trigger_refuses_is_a_list_for_programs() {
    let world = World::start().await;
    let broken = json!({ "workflow_id": "w", "parameters": { "day": "1" }, "workflow_stages": [
        { "execution_type": "paralel", "scripts": ["a.sh", { "script": "b.sh", "args": ["{{ dya }}"] }] } ] });
    world.put(&broken).await;
    let refused = world.operator(&["start", "w", "--output", "json"]).ends(2).json();
    assert_eq!(refused["error"], "the workflow \"w\" cannot be run");
    assert_eq!(
        refused["problems"],
        json!([
            { "path": "workflow_stages[0].execution_type", "kind": "not_one_of", "hint": "did you mean \"parallel\"?",
              "message": "\"paralel\" is not one of sequential, parallel" },
            { "path": "workflow_stages[0].scripts[1].args[0]", "kind": "template", "message": "uses \"dya\", which nobody defines",
              "hint": "did you mean \"day\"? known here: day, ds, ts, workflow_execution_id, workflow_id; add others to \
                       `parameters`" },
        ])
    );
    world
        .put(&json!({ "workflow_id": "w", "parameters": { "day": "1" },
        "workflow_stages": [{ "scripts": ["a.sh"] }] }))
        .await;
    let told = world.operator(&["start", "w", "--param", "dya=2"]).ends(2);
    let _ = told
        .says("error: the workflow \"w\" cannot be run\n  parameters.dya: is not a parameter of the workflow")
        .says("did you mean \"day\"? known here: day");
}

#[test]
fn what_cannot_work_is_told_before_anything_runs() {
    let dir = waiting();
    std::fs::write(dir.path().join("s.json"), json!({ "host": "h", "password": "hunter22" }).to_string())
        .unwrap();
    let refused = Said::from(run(dir.path(), &["--secret", "rs/etl=s.json"]).output().unwrap());
    let refused = refused.ends(2).says("has no \"username\"");
    assert!(!refused.err.contains("hunter22"), "{refused:?}");
    let dashed = said(dir.path(), &["run", "w.json", "--execution-id", "-x"]);
    let _ = dashed.ends(2).says("like an option");
    assert!(!dir.path().join(".rsqlflow").exists(), "nothing was begun");

    let short = json!({ "workflow_id": "w", "defaults": { "heartbeat": "30s" } });
    std::fs::write(dir.path().join("w.json"), short.to_string()).unwrap();
    let told: Value = said(dir.path(), &["validate", "w.json", "--output", "json"]).ends(2).json();
    let hint = told["problems"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("56s") && hint.contains("one machine, takes 6s"), "{hint}");
}

#[test]
fn rsql_is_silent_where_its_reader_has_seen_enough() {
    let shell = |line: &str| -> Said {
        let mut shell = Command::new("bash");
        shell.args(["-c", line]).env("RSQL", rsqlflow_tests::binary("rsql"));
        shell.output().unwrap().into()
    };
    let long = "for i in {1..20000}; do echo \"\\\\echo $i\"; done";
    let cut = shell(&format!("set -o pipefail; {long} | \"$RSQL\" --dry-run -q | head -1"));
    assert_eq!((cut.out.trim(), cut.err.as_str()), ("1", ""), "{cut:?}");
    let _ = shell("\"$RSQL\" check --foo").ends(1).says("check: there is no option \"--foo\"");
}
