//! Detaches from the command: SSM ends the remaining processes of a command's process group, but no others.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, setsid};

use super::log;
use crate::config::AgentConfig;
use crate::fork::fork;
use crate::guard::{self, Half, Process};

/// What the detached process reports when it is independent.
const READY: &[u8] = b"ready\n";

/// The role of the current process after the split.
#[derive(Debug)]
pub(super) enum Side {
    /// The command, which is done.
    Command,
    /// The detached process, which runs the job, and its guard.
    Job(Process),
    /// The guard, with the agent's socket.
    Guard(OwnedFd),
}

/// Forks this process, and then the detached process into agent and guard.
///
/// The command returns when the other process has left its session: only then may it exit.
///
/// # Errors
/// The processes could not be created, or ended before they were independent. The agent's log has the reason.
pub(super) fn detach(config: &AgentConfig) -> io::Result<Side> {
    let (ready, theirs) = io::pipe()?;
    match fork()? {
        ForkResult::Child => {
            drop(ready);
            stand_alone(config, theirs)
        }
        ForkResult::Parent { .. } => {
            // This copy of the other end would keep the pipe open.
            drop(theirs);
            let mut said = Vec::new();
            // Not until the end of the pipe, which would wait for the guard too.
            ready.take(READY.len() as u64).read_to_end(&mut said)?;
            if said == READY {
                return Ok(Side::Command);
            }
            Err(io::Error::other(format!(
                "it ended immediately; see {}",
                log::path(&config.log_dir).display()
            )))
        }
    }
}

/// Starts the guard and stays in the foreground, with the log on standard error.
///
/// # Errors
/// The guard cannot be started.
pub(super) fn stay(config: &AgentConfig) -> io::Result<Side> {
    split_and_log(config, None)
}

/// Leaves the session, closes inherited descriptors, starts the guard, and reports to the waiting command.
fn stand_alone(config: &AgentConfig, mut command: io::PipeWriter) -> io::Result<Side> {
    // For messages before the log is open, and for panics. A full disk costs the log, but not the job.
    let null = || File::options().read(true).write(true).open("/dev/null");
    let log = log::open(&config.log_dir).ok();
    dup2_stderr(log.as_ref().map_or_else(null, File::try_clone)?)?;
    dup2_stdin(null()?)?;
    dup2_stdout(null()?)?;
    std::env::set_current_dir("/")?;
    setsid()?;
    let side = split_and_log(config, log)?;
    if let Side::Job(_) = side {
        command.write_all(READY)?;
    }
    Ok(side)
}

/// Starts the guard. The agent opens its log after that, because the guard has none.
fn split_and_log(config: &AgentConfig, log: Option<File>) -> io::Result<Side> {
    Ok(match guard::split()? {
        Half::Guard(agent) => Side::Guard(agent),
        Half::Agent(guard) => {
            log::start(config.log_level, log);
            Side::Job(guard)
        }
    })
}
