//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::exit;
use crate::printer::Output;

/// Run, watch and mend workflows of Amazon Redshift RSQL scripts.
#[derive(Debug, Parser)]
#[command(name = "rsqlflow", version, about, after_help = exit::HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Form of the data on standard output. Progress and errors go to standard error.
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub output: Output,
    /// No progress lines.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Validate a workflow file, run it on this machine, and wait for its end
    Run(Run),
    /// Check a workflow file: every problem at once, each with its place
    Validate(Validate),
    /// Show the state of a run: its row of the workflow audit table
    Status(Execution),
    /// Show the jobs of a run: its rows of the job audit table
    Jobs(Execution),
    /// Show the output of a run's jobs
    Logs(Logs),
    /// Serve the embedded AWS endpoint on a loopback port until Ctrl-C
    Local(Local),
}

/// Where the embedded endpoint lives.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Directory of the embedded endpoint: tables, logs, the agents' files.
    #[arg(long, value_name = "DIR", env = "RSQLFLOW_STATE_DIR", default_value = ".rsqlflow")]
    pub state_dir: PathBuf,
}

/// What an embedded endpoint is started with.
#[derive(Debug, Args)]
pub(crate) struct Embedded {
    /// Where the endpoint lives.
    #[command(flatten)]
    pub place: Place,
    /// Number of pretended EC2 instances.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=50))]
    pub instances: u16,
    /// Store a secret: the file holds JSON with host, port, username, password, dbname. The first one given is
    /// the default of jobs that name none. May be repeated.
    #[arg(long, value_name = "NAME=FILE", value_parser = secret)]
    pub secret: Vec<(String, PathBuf)>,
}

/// `rsqlflow run`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Run {
    /// The workflow as JSON, as it would stand in the config table.
    pub file: PathBuf,
    /// Directory of the scripts. Default: `scripts` beside the file if there is one, else the file's directory.
    #[arg(long, value_name = "DIR")]
    pub scripts: Option<PathBuf>,
    /// Override a parameter of the workflow. May be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    pub parameters: Vec<(String, String)>,
    /// Name of the run. Default: made from the workflow's name and the time.
    #[arg(long, value_name = "ID")]
    pub execution_id: Option<String>,
    /// The endpoint.
    #[command(flatten)]
    pub embedded: Embedded,
}

/// `rsqlflow validate`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Validate {
    /// The workflow as JSON.
    pub file: PathBuf,
}

/// A command about one run.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Execution {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// Where it ran.
    #[command(flatten)]
    pub place: Place,
}

/// `rsqlflow logs`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Logs {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// A job's name or id; default all, in plan order.
    pub job: Option<String>,
    /// Where it ran.
    #[command(flatten)]
    pub place: Place,
}

/// `rsqlflow local`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Local {
    /// Loopback port; 0 takes a free one.
    #[arg(long, default_value_t = 4566)]
    pub port: u16,
    /// Directory of the scripts.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub scripts: PathBuf,
    /// The endpoint.
    #[command(flatten)]
    pub embedded: Embedded,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

fn secret(text: &str) -> Result<(String, PathBuf), String> {
    match pair(text) {
        Ok((name, file)) if !file.is_empty() => Ok((name, file.into())),
        _ => Err("write it as NAME=FILE, where the file holds the secret's JSON".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
