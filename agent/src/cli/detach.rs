//! Leaving the command behind: SSM ends what is left of a command's process group, and bounds nothing that is not in
//! it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, setsid};

use super::log;
use crate::config::AgentConfig;
use crate::fork::fork;
use crate::guard::{self, Half, Process};

/// What the detached process says once it stands on its own.
const READY: &[u8] = b"ready\n";

/// Which of the three this process is by now.
#[derive(Debug)]
pub(super) enum Side {
    /// The command, which has nothing left to do.
    Command,
    /// The detached process, which runs the job, and its guard.
    Job(Process),
    /// The guard, with the agent's socket.
    Guard(OwnedFd),
}

/// Splits this process, and then the detached half into agent and guard.
///
/// The command returns when the other has left its session: only then may it exit.
///
/// # Errors
/// If the others could not be made, or ended before they stood on their own; the agent's log says why.
pub(super) fn detach(config: &AgentConfig) -> io::Result<Side> {
    let (ready, theirs) = io::pipe()?;
    match fork()? {
        ForkResult::Child => {
            drop(ready);
            stand_alone(config, theirs)
        }
        ForkResult::Parent { .. } => {
            // The pipe's other end, which would keep it open.
            drop(theirs);
            let mut said = Vec::new();
            // Not to its end, for which the guard would have to be waited too.
            ready.take(READY.len() as u64).read_to_end(&mut said)?;
            if said == READY {
                return Ok(Side::Command);
            }
            Err(io::Error::other(format!("it ended at once; see {}", log::path(&config.log_dir).display())))
        }
    }
}

/// Splits off the guard and remains the command, which logs to standard error.
///
/// # Errors
/// If there is no guard to be had.
pub(super) fn stay(config: &AgentConfig) -> io::Result<Side> {
    split_and_log(config, None)
}

/// Leaves the session and all that the command was given, splits off the guard, and tells the one who waits for that.
fn stand_alone(config: &AgentConfig, mut command: io::PipeWriter) -> io::Result<Side> {
    // What it says before it has its own log, and a panic at any time. A full disk costs the log and not the job.
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

/// Splits off the guard. Only then does the agent open its log: a guard has none.
fn split_and_log(config: &AgentConfig, log: Option<File>) -> io::Result<Side> {
    Ok(match guard::split()? {
        Half::Guard(agent) => Side::Guard(agent),
        Half::Agent(guard) => {
            log::start(config.log_level, log);
            Side::Job(guard)
        }
    })
}
