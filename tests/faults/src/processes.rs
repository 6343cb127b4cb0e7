//! The processes of a run, by `/proc` alone.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What a process is to its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The agent, or the command that starts it.
    Agent,
    /// Its guard.
    Guard,
    /// The script, or what it has started.
    Script,
    /// A command on its way.
    Delivery,
}

/// A process of a run.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// What it is.
    pub kind: Kind,
    /// Its command line.
    pub command: String,
}

/// Those of a run that have not ended.
pub fn of(run: &str) -> Vec<Process> {
    let mark = format!("RSQLFLOW_WORKFLOW_EXECUTION_ID={run}\0");
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: i32| {
        let path = Path::new("/proc").join(pid.to_string());
        // One that has ended and is not reaped yet has no command line.
        let line = std::fs::read(path.join("cmdline")).ok().filter(|line| !line.is_empty())?;
        let command = String::from_utf8_lossy(&line).replace('\0', " ");
        let kind = if command.split(' ').any(|word| word == run) {
            match std::fs::read_to_string(path.join("comm")).ok()?.trim() {
                "rsqlflow-agent" => Kind::Agent,
                "rsqlflow-guard" => Kind::Guard,
                _ => Kind::Delivery,
            }
        } else {
            let environment = std::fs::read(path.join("environ")).ok()?;
            let mut windows = environment.windows(mark.len());
            windows.any(|window| window == mark.as_bytes()).then_some(Kind::Script)?
        };
        Some(Process { pid, kind, command })
    })
    .collect()
}

/// Sends a signal to those of a run that are among these.
pub fn signal(run: &str, kinds: &[Kind], signal: Signal) -> usize {
    let found = of(run).into_iter().filter(|process| kinds.contains(&process.kind));
    found.filter(|process| kill(Pid::from_raw(process.pid), signal).is_ok()).count()
}
