//! Closes runs: at the master's last state, at the event of its end, or by a trigger that finds the lock of a run that has
//! ended.

mod children;
mod close;
mod judge;
mod trouble;

pub(crate) use close::{Ending, close, deliver};
pub(crate) use judge::describe_bad;
pub(crate) use trouble::explains;
