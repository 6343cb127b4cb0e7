//! The operator's command, as a library so that its parts can be tested.

mod args;
mod error;
mod exit;
mod file;
mod printer;

use std::process::ExitCode;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(exit::OK)
}
