//! The guard: a small process between the agent and the script, which ends the script if the agent cannot.
//!
//! - [`begin`]: how the agent starts its guard.
//! - [`handle`]: the agent's side.
//! - [`serve`]: the guard's side.
//! - [`message`], [`launch`]: the messages of both over a socket, and the program to start.
//! - `wire`, `agent`: the socket, with descriptors, and its end in the guard.
//! - `spawn`: starts a script.
//! - `confine`: restrictions of its processes.
//! - [`watch`]: the decisions of the guard, as pure state.
//! - [`children`]: finds and ends every descendant of this process.
//!
//! One guard serves all tries of its agent's job, one after the other. The agent forks it before it has a runtime, a log or
//! clients, so the guard has nothing of the agent except the socket. For each try it gets the program to start, the
//! destination of the output, and a file to keep open: the lock of the job's slot, which must not be free while the script
//! runs.
//!
//! The guard gets the absolute deadline before the script is started. It refuses to start the script after the deadline, and
//! ends script and descendants if the deadline is not extended in time or if the agent's end of the socket closes, which
//! happens even if the agent is killed. It is a *subreaper* (prctl(2)): descendants without a parent become its children,
//! also those that left the script's process group with setsid(2), so it knows when all have ended. If the guard itself is
//! killed, the agent, which is a subreaper too, inherits its children, ends them, and starts no more scripts. If both are
//! killed at the same time, the kernel kills the script with its guard (PR_SET_PDEATHSIG), but not the processes that it
//! started: those are in the job's control group ([`crate::cgroup`]), and the next agent ends them.
//! agent ends it.

mod agent;
pub mod begin;
pub mod children;
mod confine;
pub mod handle;
pub mod launch;
pub mod message;
pub mod serve;
mod spawn;
pub mod watch;
mod wire;

pub use begin::{Half, Process, split};
pub use handle::{Guard, NoTry};
pub use launch::{Launch, Sealed};
pub use message::{GuardCommand, Report, RunAs, Start};
