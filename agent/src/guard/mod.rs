//! The guard: a small process between the agent and the script, so that the script cannot outlive its keeper.
//!
//! - [`begin`]: how an agent splits off its guard.
//! - [`handle`]: the agent's side.
//! - [`serve`]: the guard's side.
//! - [`message`], [`launch`]: what the two say to each other, line by line over a socket; and what to start.
//! - `wire`, `agent`: the socket, with descriptors; and its end at the guard.
//! - `spawn`: how a script is started.
//! - `confine`: what its processes may not do.
//! - [`watch`]: what the guard does and when, as pure state.
//! - [`children`]: finding and ending every descendant of this process.
//!
//! One guard serves all tries of its agent's job, one after the other. It is the agent split in two, before there are a
//! runtime, a log or a client, and it holds nothing of the agent but the socket. Of each try it gets what to start, where
//! the output goes, and a file to keep open meanwhile: the lock of the job's slot, which must not be free while the
//! script still runs.
//!
//! The guard is told the absolute deadline before the script is started, refuses to start it afterwards, and ends
//! script and descendants when the deadline is not moved on in time or when the agent's end of the socket closes,
//! which the kernel sees to even if the agent dies by SIGKILL. It is a *subreaper* (prctl(2)): descendants that
//! lost their parent become its children, also those that left the script's process group by setsid(2), so it
//! knows when all are gone. What it cannot survive is a SIGKILL of its own; then the agent, a subreaper too,
//! inherits what is left and ends it, and starts nothing more: there is one guard, and without it no script. If both
//! are killed at once, the script itself dies with its guard
//! (PR_SET_PDEATHSIG), but not what it has started: that is in the job's control group ([`crate::cgroup`]), and the next
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
pub use message::{Order, Report, RunAs, Start};
