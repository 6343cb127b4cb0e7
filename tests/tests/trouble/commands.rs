//! Commands whose state directory is on a disk that is full: all end, say so, and lose nothing.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rsqlflow_tests::{Said, SmallDisk, command, eventually, eventually_within};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A workflow with one script, which marks its start and waits for a file. Only the state directory is on the small disk.
struct Place {
    dir: TempDir,
    disk: SmallDisk,
}

impl Place {
    fn new() -> Option<Self> {
        let dir = tempfile::Builder::new().prefix("rsqlflow-test-").tempdir().unwrap();
        for folder in ["disk", "scripts"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let Some(disk) = SmallDisk::new(&dir.path().join("disk"), 16_384) else {
            eprintln!("not tested: no user namespaces here");
            return None;
        };
        let (started, go) = (dir.path().join("started"), dir.path().join("go"));
        let script = format!(
            "#!/bin/sh\necho $$ > '{}'; until [ -e '{}' ]; do sleep 0.02; done; echo done\n",
            started.display(),
            go.display()
        );
        std::fs::write(dir.path().join("scripts/wait.sh"), script).unwrap();
        let workflow = json!({
            "workflow_id": "w", "defaults": { "heartbeat": 6 },
            "workflow_stages": [{ "execution_type": "sequential", "scripts": ["wait.sh"] }],
        });
        std::fs::write(dir.path().join("w.json"), workflow.to_string()).unwrap();
        Some(Self { dir, disk })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `FILE` and `SCRIPTS` stand for the workflow's and the scripts' paths: nsenter(1) begins in the root directory.
    fn rsqlflow(&self, args: &[&str]) -> Command {
        let mut command = command("rsqlflow");
        for arg in args {
            match *arg {
                "FILE" => command.arg(self.path("w.json")),
                "SCRIPTS" => command.arg(self.path("scripts")),
                arg => command.arg(arg),
            };
        }
        command.arg("--state-dir").arg(self.path("disk/state"));
        let mut command = self.disk.command(&command);
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end, which comes in time.
    async fn says(&self, args: &[&str]) -> Said {
        let child = self.rsqlflow(args).spawn().unwrap();
        ended(&format!("{args:?}"), child).await
    }

    async fn started(&self) {
        let started = self.path("started");
        eventually("the script's start", async || started.exists().then_some(())).await;
    }

    fn go(&self) {
        std::fs::write(self.path("go"), "").unwrap();
    }

    async fn status(&self, run: &str) -> Value {
        self.says(&["status", run, "--output", "json"]).await.ends(0).json()
    }
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

/// Its end, within 30 seconds.
async fn ended(what: &str, child: Child) -> Said {
    let pid = child.id();
    let mut waiting = tokio::task::spawn_blocking(move || child.wait_with_output());
    match tokio::time::timeout(Duration::from_secs(30), &mut waiting).await {
        Ok(output) => Output::into(output.unwrap().unwrap()),
        Err(_) => {
            let _ = kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL);
            panic!("{what} does not end");
        }
    }
}

/// A process whose standard error goes to a file, which can be read while it runs.
fn in_background(mut command: Command, said: &Path) -> Child {
    command.stderr(std::fs::File::create(said).unwrap()).stdout(Stdio::null()).spawn().unwrap()
}

async fn says(file: &Path, text: &str) {
    let what = format!("{text:?} in {}", file.display());
    eventually_within(Duration::from_secs(30), &what, async || {
        std::fs::read_to_string(file).unwrap_or_default().contains(text).then_some(())
    })
    .await;
}

#[tokio::test]
async fn run_says_that_the_disk_is_full_and_the_result_is_kept_until_there_is_room() {
    let Some(place) = Place::new() else { return };
    let said = place.path("run.err");
    let run =
        in_background(place.rsqlflow(&["run", "FILE", "--execution-id", "r", "--scripts", "SCRIPTS"]), &said);
    place.started().await;
    place.disk.fill();
    says(&said, "the disk of the state directory").await;
    says(&said, "is full").await;
    let doctor = place.says(&["doctor"]).await;
    assert!(doctor.out.contains("is full"), "{doctor:?}");
    assert_ne!(doctor.code, Some(0), "{doctor:?}");
    // While the disk is full, the script ends well.
    place.go();
    let watch = in_background(place.rsqlflow(&["watch", "r"]), &place.path("watch.err"));
    says(&place.path("watch.err"), "is full").await;
    signal(&watch, Signal::SIGTERM);
    assert_eq!(ended("watch", watch).await.code, Some(130));
    place.disk.free();
    let ended_run = ended("run", run).await;
    assert_eq!(ended_run.code, Some(0), "{}", std::fs::read_to_string(&said).unwrap());
    assert_eq!(place.status("r").await["workflow"]["execution_status"], "Completed");
}

#[tokio::test]
async fn signals_end_run_and_cancel_returns_on_a_full_disk() {
    for by in [Signal::SIGTERM, Signal::SIGINT] {
        let Some(place) = Place::new() else { return };
        let said = place.path("run.err");
        let args = ["run", "FILE", "--execution-id", "r", "--scripts", "SCRIPTS"];
        let run = in_background(place.rsqlflow(&args), &said);
        place.started().await;
        place.disk.fill();
        says(&said, "is full").await;
        let asked = Instant::now();
        let cancel = place.says(&["cancel", "r", "--yes", "--no-wait"]).await;
        assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
        if cancel.code != Some(0) {
            let _ = cancel.ends(3).says("is full");
        }
        signal(&run, by);
        let code = ended(by.as_str(), run).await.code;
        assert!(
            matches!(code, Some(130 | 3 | 1)),
            "{by}: {code:?} {}",
            std::fs::read_to_string(&said).unwrap()
        );
        place.disk.free();
        place.go();
    }
}

#[tokio::test]
async fn the_endpoint_ends_on_a_full_disk_and_the_next_one_goes_on() {
    let Some(place) = Place::new() else { return };
    let local = ["local", "--port", "0", "--scripts", "SCRIPTS"];
    let endpoint = in_background(place.rsqlflow(&local), &place.path("local.err"));
    says(&place.path("local.err"), "serving").await;
    let _ = place.says(&["put", "FILE"]).await.ends(0);
    let _ = place.says(&["start", "w", "--execution-id", "r"]).await.ends(0);
    place.started().await;
    place.disk.fill();
    signal(&endpoint, Signal::SIGTERM);
    assert_eq!(ended("local", endpoint).await.code, Some(0));
    place.disk.free();
    let endpoint = in_background(place.rsqlflow(&local), &place.path("again.err"));
    says(&place.path("again.err"), "serving").await;
    place.go();
    // The script may have been stopped because its lease ended. Its run ends, whichever way.
    let _ = place.says(&["watch", "r"]).await;
    let status = place.status("r").await["workflow"]["execution_status"].clone();
    assert_ne!(status, "Running");
    signal(&endpoint, Signal::SIGTERM);
    assert_eq!(ended("local", endpoint).await.code, Some(0));
}
