//! Leaving the command behind: SSM ends what is left of a command's process group, and bounds nothing that is not in
//! it.

use std::fs::File;
use std::io::{self, Read, Write};

use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};

use super::log;
use crate::config::AgentConfig;

/// What the detached process says once it stands on its own.
const READY: &[u8] = b"ready\n";

/// Which of the two this process is by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The command, which has nothing left to do.
    Command,
    /// The detached process, which runs the job.
    Job,
}

/// Splits this process. To start the binary anew instead would cost as much again as all that a short job does before
/// its script runs: the loader, and a copy of every page with an address in it.
///
/// The command returns when the other has left its session: only then may it exit.
///
/// # Errors
/// If the other could not be made, or ended before it stood on its own; the agent's log says why.
pub(super) fn detach(config: &AgentConfig) -> io::Result<Side> {
    let (mut ready, theirs) = io::pipe()?;
    #[expect(unsafe_code, reason = "fork is safe in a process of one thread")]
    // SAFETY: there is one thread: neither the runtime nor the log has been started.
    let forked = unsafe { fork() }?;
    match forked {
        ForkResult::Child => {
            drop(ready);
            stand_alone(config, theirs)?;
            Ok(Side::Job)
        }
        ForkResult::Parent { child } => {
            // The pipe's other end, which would keep it open.
            drop(theirs);
            let mut said = Vec::new();
            ready.read_to_end(&mut said)?;
            if said == READY {
                tracing::debug!(pid = child.as_raw(), "detached");
                return Ok(Side::Command);
            }
            Err(io::Error::other(format!("it ended at once; see {}", log::path(&config.log_dir).display())))
        }
    }
}

/// Leaves the session and all that the command was given, and tells the one who waits for that.
fn stand_alone(config: &AgentConfig, mut command: io::PipeWriter) -> io::Result<()> {
    // What it says before it has its own log, and a panic at any time. A full disk costs the log and not the job.
    let null = || File::options().read(true).write(true).open("/dev/null");
    let log = log::open(&config.log_dir).ok();
    dup2_stderr(log.as_ref().map_or_else(null, File::try_clone)?)?;
    dup2_stdin(null()?)?;
    dup2_stdout(null()?)?;
    std::env::set_current_dir("/")?;
    setsid()?;
    log::start(config.log_level, log);
    command.write_all(READY)
}
