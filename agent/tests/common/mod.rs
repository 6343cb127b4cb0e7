//! Scripts that play the child, and what it takes to run one through the real guard.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a module of tests, which clippy does not see as one"
)]
// Each file of tests uses its own part of this module, so no `expect` could hold for all of them.
#![cfg_attr(test, allow(dead_code, clippy::allow_attributes))]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::unistd::Pid;
use rsqlflow_agent::clock::BootTime;
use rsqlflow_agent::guard::{Guard, Launch, Process, Start};
use rsqlflow_agent::lease::Deadline;
use rsqlflow_agent::process::{Control, Supervisor, TryEnd};
use tokio::sync::mpsc;

/// The real binary.
pub const AGENT: &str = env!("CARGO_BIN_EXE_rsqlflow-agent");

/// A script of its own directory, and how to run it.
pub struct Child {
    pub directory: tempfile::TempDir,
    pub launch: Launch,
    pub start: Start,
    pub timeout: Duration,
}

/// A guard in a process of its own, for this one has threads and cannot split. `agent` is the path of the binary.
pub fn guard_by(agent: &Path) -> Guard {
    let (ours, theirs) = UnixStream::pair().unwrap();
    #[expect(clippy::zombie_processes, reason = "`Guard::collect` waits for it")]
    let child = Command::new(agent).arg("guard").stdin(OwnedFd::from(theirs)).spawn().unwrap();
    let id = Pid::from_raw(i32::try_from(child.id()).unwrap());
    Guard::new(Process { id, socket: ours }).unwrap()
}

pub fn guard() -> Guard {
    guard_by(AGENT.as_ref())
}

/// A deadline so far from now.
pub fn deadline(term: Duration, kill: Duration) -> Deadline {
    let now = BootTime::now();
    Deadline { term_at: now.plus(term), kill_at: now.plus(kill) }
}

impl Child {
    /// Runs `text` by bash. Times are short where something is waited for, long where a test must not wait.
    pub fn bash(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("script.sh");
        fs::write(&script, text).unwrap();
        let env = BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap())]);
        let launch = Launch {
            program: PathBuf::from("/bin/bash"),
            args: vec![script.into_os_string()],
            env,
            directory: directory.path().to_owned(),
            ..Launch::default()
        };
        let hour = Duration::from_secs(3600);
        let start = Start {
            deadline: deadline(hour, hour),
            grace: Duration::from_millis(300),
            linger: Duration::from_millis(300),
            run_as: None,
        };
        Self { directory, launch, start, timeout: hour }
    }

    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.launch.args.push(arg.into());
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs it; `on_output` sees all output so far whenever more came, and may send orders.
    pub async fn run(
        &self,
        on_output: impl FnMut(&[u8], &mpsc::UnboundedSender<Control>),
    ) -> (TryEnd, Vec<u8>) {
        self.run_asked(&[], on_output).await
    }

    /// Runs it, with orders that are there before it starts.
    pub async fn run_asked(
        &self,
        before: &[Control],
        on_output: impl FnMut(&[u8], &mpsc::UnboundedSender<Control>),
    ) -> (TryEnd, Vec<u8>) {
        let mut guard = guard();
        let ended = self.run_by(&mut guard, before, on_output).await;
        guard.collect();
        ended
    }

    /// Runs it by a guard that may have run others.
    pub async fn run_by(
        &self,
        guard: &mut Guard,
        before: &[Control],
        mut on_output: impl FnMut(&[u8], &mpsc::UnboundedSender<Control>),
    ) -> (TryEnd, Vec<u8>) {
        let (orders, mut control) = mpsc::unbounded_channel();
        for order in before {
            orders.send(*order).unwrap();
        }
        let mut all = Vec::new();
        let supervisor =
            Supervisor { guard, launch: &self.launch, start: self.start, timeout: self.timeout, kept: None };
        let end = supervisor
            .run(&mut control, &mut |bytes| {
                all.extend_from_slice(bytes);
                on_output(&all, &orders);
            })
            .await;
        (end, all)
    }

    /// Runs it and lets it be.
    pub async fn run_alone(&self) -> (TryEnd, String) {
        let (end, output) = self.run(|_, _| {}).await;
        (end, String::from_utf8_lossy(&output).into_owned())
    }
}

/// The process ids that a script has printed as `pid N`.
pub fn pids(output: &[u8]) -> Vec<i32> {
    String::from_utf8_lossy(output)
        .lines()
        .filter_map(|line| line.strip_prefix("pid "))
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Whether a process is there, alive or not yet collected.
pub fn exists(pid: i32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Waits for something that another process does, and fails loudly if it never comes.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within ten seconds: {what}");
}
