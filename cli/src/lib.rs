//! The operator's command, as a library so that its parts can be tested.
//!
//! [`args`] is the command line, [`commands`] has one file a command, [`place`] is where they work, [`watch`]
//! follows a run, [`report`] shows it, and [`printer`] alone writes to the terminal.

mod args;
mod commands;
mod error;
mod exit;
mod file;
mod logs;
mod place;
mod printer;
mod report;
mod signals;
mod unfinished;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use error::Failure;
use printer::Printer;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let printer = Printer::new(cli.output, cli.quiet);
    match run(&cli.command, printer) {
        Ok(_) if !printer::all_written() => ExitCode::from(exit::ENVIRONMENT),
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if printer.is_json() {
                printer.json(&failure.to_json());
            } else {
                printer.notice(&failure.to_string());
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: &Command, printer: Printer) -> Result<u8, Failure> {
    if let Command::Validate(args) = command {
        return commands::validate::validate(args, printer);
    }
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|e| anyhow::Error::new(e).context("cannot start the runtime's threads"))?;
    runtime.block_on(async {
        match command {
            Command::Run(args) => Box::pin(commands::run::run(args, printer)).await,
            Command::Validate(args) => commands::validate::validate(args, printer),
            Command::Status(args) => commands::status::status(args, printer).await,
            Command::Jobs(args) => commands::jobs::jobs(args, printer).await,
            Command::Logs(args) => commands::logs::logs(args, printer).await,
            Command::Local(args) => Box::pin(commands::local::local(args, printer)).await,
        }
    })
}
