//! The operator's command, as a library so that its parts can be tested.
//!
//! [`args`] is the command line, [`commands`] has a module for each command, [`backend`] selects and reaches the AWS account
//! or endpoint. [`input`] reads files, answers and signals, [`runs`] starts, follows and shows runs, [`output`] writes to
//! the terminal, [`failure`] has errors, hints and exit codes. [`graph`] reads the order of jobs from their SQL, [`cost`]
//! estimates what a run costs, [`sample`] reads the tables of AWS's sample, [`cdk`] runs the CDK app, and [`heap`] limits
//! how much freed memory the process keeps.

mod args;
mod backend;
mod cdk;
mod commands;
mod cost;
mod failure;
mod graph;
mod heap;
mod input;
mod output;
mod runs;
mod sample;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use failure::{Failure, exit};
use output::{Output, Printer};

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    heap::keep_little();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_parsed(&error),
    };
    let printer = Printer::new(cli.output, cli.quiet);
    match run(&cli.command, printer) {
        Ok(_) if !output::all_written() => ExitCode::from(exit::ENVIRONMENT),
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if printer.is_json() {
                fail_in_json(printer, &failure, matches!(&cli.command, Command::Logs(args) if args.follow));
            } else {
                printer.notice(&failure.to_string());
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// A failure as a document, on one line if the command writes one document on each line.
fn fail_in_json(printer: Printer, failure: &Failure, in_lines: bool) {
    let document = failure.to_json();
    if in_lines { printer.json_line(&document) } else { printer.json(&document) }
}

/// Whether these arguments, which could not be parsed, are of `logs -f`.
fn mean_lines(args: &[String]) -> bool {
    let has = |names: &[&str]| args.iter().any(|arg| names.contains(&arg.as_str()));
    has(&["logs"]) && has(&["-f", "--follow"])
}

/// A command line without a command: help, the version, or a mistake. With `--output json`, mistakes are JSON.
fn not_parsed(error: &clap::Error) -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let wants_json = args.iter().any(|arg| arg == "--output=json")
        || args
            .windows(2)
            .any(|pair| matches!(pair, [option, form] if option == "--output" && form == "json"));
    if wants_json && error.use_stderr() {
        let text = error.render().to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let hint = text.lines().skip(1).map(str::trim).filter(|line| !line.is_empty());
        let failure = Failure::input(message, hint.collect::<Vec<_>>().join("; "));
        fail_in_json(Printer::new(Output::Json, false), &failure, mean_lines(&args));
    } else {
        let _ = error.print();
    }
    ExitCode::from(if error.use_stderr() { exit::BAD_INPUT } else { exit::OK })
}

fn run(command: &Command, printer: Printer) -> Result<u8, Failure> {
    match command {
        Command::Validate(args) => return commands::validate::validate(args, printer),
        Command::Graph(args) => return commands::graph::graph(args, printer),
        Command::Schema => return Ok(commands::schema::schema(printer)),
        Command::Completions(args) => return Ok(commands::completions::completions(args, printer)),
        Command::Man(args) => return commands::man::man(args, printer),
        Command::Cost(args) => return commands::cost::cost(args, printer),
        _ => {}
    }
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|e| anyhow::Error::new(e).context("cannot start the runtime's threads"))?;
    let ended = runtime.block_on(Box::pin(execute(command, printer)));
    // A thread that still waits for a disk or for a name server must not hold up the end.
    runtime.shutdown_background();
    ended
}

async fn execute(command: &Command, printer: Printer) -> Result<u8, Failure> {
    match command {
        Command::Run(args) => Box::pin(commands::run::run(args, printer)).await,
        Command::Put(args) => commands::put::put(args, printer).await,
        Command::Get(args) => commands::get::get(args, printer).await,
        Command::List(args) => commands::list::list(args, printer).await,
        Command::Diff(args) => commands::diff::diff(args, printer).await,
        Command::Start(args) => Box::pin(commands::start::start(args, printer)).await,
        Command::Watch(args) => commands::watch::watch(args, printer).await,
        Command::Status(args) => commands::status::status(args, printer).await,
        Command::Jobs(args) => commands::jobs::jobs(args, printer).await,
        Command::Logs(args) => commands::logs::logs(args, printer).await,
        Command::History(args) => commands::history::history(args, printer).await,
        Command::Cancel(args) => commands::cancel::cancel(args, printer).await,
        Command::Restart(args) => Box::pin(commands::restart::restart(args, printer)).await,
        Command::Mark(args) => commands::mark::mark(args, printer).await,
        Command::Sweep(args) => commands::sweep::sweep(args, printer).await,
        Command::Doctor(args) => Box::pin(commands::doctor::doctor(args, printer)).await,
        Command::Deploy(args) => Box::pin(commands::deploy::deploy(args, printer)).await,
        Command::Destroy(args) => Box::pin(commands::deploy::destroy(args, printer)).await,
        Command::Migrate(args) => Box::pin(commands::migrate::migrate(args, printer)).await,
        Command::Config(args) => commands::config::config(args, printer).await,
        Command::Local(args) => commands::local::local(args, printer).await,
        Command::Validate(_)
        | Command::Graph(_)
        | Command::Schema
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Cost(_) => Ok(exit::OK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_command_that_writes_lines_is_known() {
        let means = |line: &str| mean_lines(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert!(means("rsqlflow --output json logs r -f --unheard"));
        assert!(means("rsqlflow logs --follow"));
        assert!(!means("rsqlflow logs r --unheard"));
        assert!(!means("rsqlflow status r -f"));
    }
}
