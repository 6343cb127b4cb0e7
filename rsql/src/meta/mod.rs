//! Meta commands.
//!
//! `dispatch` finds the command; the other files hold them by subject.

mod connect;
mod copy;
mod describe;
mod dispatch;
mod flow;
mod help;
mod input;
mod names;
mod output;
mod pset;
mod report;
mod say;
mod shell;
mod variables;

pub(crate) use connect::{banner, connect_first, prompt};
pub(crate) use dispatch::dispatch;
pub(crate) use help::HELP;
pub(crate) use input::reason;
pub(crate) use names::{Known, known};
pub(crate) use output::switch_output;
pub(crate) use pset::pset_option;
