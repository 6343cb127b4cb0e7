//! The command line.
//!
//! `options` reads it, `target` decides where to connect, `run` does what it says, `signals` stops it.

mod options;
mod password;
mod run;
mod signals;
mod target;

pub(crate) use password::ask_password;
pub use run::main;
