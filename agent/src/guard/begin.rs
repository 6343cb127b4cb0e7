//! How a guard comes into being: as the other half of an agent that splits.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use nix::unistd::{ForkResult, Pid};

use crate::fork::fork;

/// Which of the two this process is by now.
#[derive(Debug)]
pub enum Half {
    /// The agent, and what it needs to reach its guard.
    Agent(Process),
    /// The guard, with the agent's socket: it calls [`super::serve::main`] once it has dropped all else.
    Guard(OwnedFd),
}

/// A guard that runs: a child of this process, and a socket. [`super::Guard`] is made of it in a runtime, of which there
/// is none yet when a guard begins.
#[derive(Debug)]
pub struct Process {
    /// Its process id.
    pub id: Pid,
    /// Ours of the two ends; the other is all that the guard has of us.
    pub socket: UnixStream,
}

/// Splits this process, which must have one thread, into agent and guard.
///
/// # Errors
/// If there is another thread, or the operating system refuses.
pub fn split() -> io::Result<Half> {
    let (ours, theirs) = UnixStream::pair()?;
    Ok(match fork()? {
        ForkResult::Parent { child } => Half::Agent(Process { id: child, socket: ours }),
        // Its own copy of our end would keep it from seeing ours close.
        ForkResult::Child => Half::Guard({
            drop(ours);
            theirs.into()
        }),
    })
}
