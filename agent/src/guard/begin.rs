//! Starts a guard: the agent forks.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use nix::unistd::{ForkResult, Pid};

use crate::fork::fork;

/// The role of the current process after the fork.
#[derive(Debug)]
pub enum Half {
    /// The agent, with its handle of the guard.
    Agent(Process),
    /// The guard, with the agent's socket: it calls [`super::serve::main`] after it closed everything else.
    Guard(OwnedFd),
}

/// A running guard: a child process and a socket. [`super::Guard`] is created from it in a runtime, which does not exist
/// yet when the guard starts.
#[derive(Debug)]
pub struct Process {
    /// Its process id.
    pub id: Pid,
    /// The agent's end of the socket. The guard has the other end.
    pub socket: UnixStream,
}

/// Forks this process, which must have one thread, into agent and guard.
///
/// # Errors
/// There is another thread, or the operating system refuses.
pub fn split() -> io::Result<Half> {
    let (ours, theirs) = UnixStream::pair()?;
    Ok(match fork()? {
        ForkResult::Parent { child } => Half::Agent(Process { id: child, socket: ours }),
        // With a copy of the agent's end, the guard would not notice that the agent closes it.
        ForkResult::Child => Half::Guard({
            drop(ours);
            theirs.into()
        }),
    })
}
