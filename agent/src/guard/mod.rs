//! The guard: a small process between the agent and the script, so that the script cannot outlive its keeper.
//!
//! - [`message`]: what the two say to each other, line by line over a socket that is the guard's stdin.
//! - [`watch`]: what the guard does and when, as pure state.
//! - [`children`]: finding and ending every descendant of this process.
//! - [`serve`]: the guard's side, a process of its own (`rsqlflow-agent guard`).
//! - [`handle`]: the agent's side.
//!
//! The guard is told the absolute deadline before the script is started, refuses to start it afterwards, and ends
//! script and descendants when the deadline is not moved on in time or when the agent's end of the socket closes,
//! which the kernel sees to even if the agent dies by SIGKILL. It is a *subreaper* (prctl(2)): descendants that
//! lost their parent become its children, also those that left the script's process group by setsid(2), so it
//! knows when all are gone. What it cannot survive is a SIGKILL of its own; then the agent, a subreaper too,
//! inherits what is left and ends it. If both are killed at once, the script itself dies with its guard
//! (PR_SET_PDEATHSIG), but not what it has started: that is left to whatever holds the agent's processes together.

pub mod children;
pub mod handle;
pub mod message;
pub mod serve;
pub mod watch;

pub use handle::{Guard, Launch};
pub use message::{Order, Report, RunAs, Start};
