//! The command line.
//!
//! - [`args`]: the arguments and options.
//! - [`exit`]: exit codes, on which scripts and the SSM document depend.
//! - [`run`], [`flush`], [`status`], [`doctor`]: the commands.
//! - [`detach`]: how `run` detaches from the command.
//! - [`log`]: the agent's own log.

pub mod args;
mod detach;
mod doctor;
pub mod exit;
mod flush;
pub mod log;
mod run;
mod status;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

use crate::config::{AgentConfig, ConfigError};

/// Version of the JSON documents. A new field does not change it.
const VERSION: u32 = 1;

/// Parses the command line and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let variable = |name: &str| std::env::var(name).ok();
    let config = || AgentConfig::load(args.config.as_deref(), variable);
    match args.command {
        Command::Run(run) => run::main(run, config()),
        Command::Flush(options) => with(config(), |config| flush::main(config, options.output)),
        Command::Status(options) => {
            let (config, error) = match config() {
                Ok(config) => (Some(config), None),
                // `status` must work even if the settings are not valid.
                Err(error) => (AgentConfig::rescue(args.config.as_deref(), variable), Some(error)),
            };
            let shown = config.map(|config| status::main(&config, error.as_ref(), options.output));
            match (error, shown) {
                (None, Some(shown)) => shown,
                (error, _) => {
                    error.iter().for_each(|error| complain(error));
                    exit::CONFIG.into()
                }
            }
        }
        Command::Doctor(options) => {
            let file = AgentConfig::file(args.config.as_deref(), variable);
            doctor::main(config(), &file, options.output)
        }
    }
}

fn with(config: Result<AgentConfig, ConfigError>, then: impl FnOnce(AgentConfig) -> ExitCode) -> ExitCode {
    match config {
        Ok(config) => then(config),
        Err(error) => {
            complain(&error);
            exit::CONFIG.into()
        }
    }
}

/// Prints an error and its causes to standard error.
fn complain(error: &dyn std::error::Error) {
    let text = format!("error: {}\n", with_causes(error));
    // Standard error may be closed.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// An error and its causes, one on each line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!("\n  caused by: {cause}"));
        source = cause.source();
    }
    text
}

/// Writes data to standard output. A closed pipe is not an error.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// The runtime of every command: one thread is sufficient for one job.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
