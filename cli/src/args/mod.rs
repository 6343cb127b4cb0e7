//! The command line.

mod aws;
mod location;
mod runs;
mod workflows;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use aws::{App, Cost, Deploy, Destroy, Doctor, Migrate, What};
pub(crate) use location::{Account, Embedded, Given, Location, WarehouseSource};
pub(crate) use runs::{
    Cancel, Config as RestartConfig, Execution, History, Jobs, Logs, Mark, MarkAs, Restart, Run, Sweep, Watch,
};
pub(crate) use workflows::{Diff, Get, Graph, List, Put, Start, Validate};

use crate::failure::exit;
use crate::output::Output;

/// Run, watch and repair workflows of Amazon Redshift RSQL scripts.
#[derive(Debug, Parser)]
#[command(name = "rsqlflow", version, about, after_help = exit::HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Format of the data on standard output. Progress and errors go to standard error.
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub output: Output,
    /// Do not show progress.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Validate a workflow file, run it on this machine, and wait until it ends
    Run(Run),
    /// Validate a workflow file and report every problem with its path
    Validate(Validate),
    /// Show the order of jobs that follows from the tables that their SQL reads and writes
    Graph(Graph),
    /// Put a workflow file into the config table
    Put(Put),
    /// Print a workflow from the config table
    Get(Get),
    /// List the workflows of the config table, each with its last run
    List(List),
    /// Show the differences between a workflow file and the config table
    Diff(Diff),
    /// Start a run of a workflow from the config table
    Start(Start),
    /// Follow a run until it ends
    Watch(Watch),
    /// Show the state of a run: its row in the workflow audit table
    Status(Execution),
    /// Show the jobs of a run: their rows in the job audit table
    Jobs(Jobs),
    /// Show the output of a run's jobs
    Logs(Logs),
    /// List the last runs of one workflow or of all workflows
    History(History),
    /// Stop a run, or one of its jobs
    Cancel(Cancel),
    /// Run the jobs that a run did not complete, in a new run with the same parameters and date
    Restart(Restart),
    /// Mark a job so that a restart does not run it: completed by other means, or skipped
    Mark(Mark),
    /// Close runs whose execution has ended or never started
    Sweep(Sweep),
    /// Check everything that a run needs: tables, functions, state machines, instances
    Doctor(Doctor),
    /// Deploy to AWS, or update a deployment
    Deploy(Deploy),
    /// Remove a deployment from AWS. The tables are kept, unless the settings say otherwise
    Destroy(Destroy),
    /// Copy workflows and history from the tables of AWS's sample
    Migrate(Migrate),
    /// Estimate the cost of a workflow on AWS, for a run and for a month
    Cost(Cost),
    /// Show every setting with its value and its source
    Config(Anywhere),
    /// Run the embedded AWS endpoint on a loopback port until Ctrl-C
    Local(Local),
    /// Print the JSON Schema of workflow files, for editors
    Schema,
    /// Print a completion script for a shell
    Completions(Completions),
    /// Write the manual pages into a directory
    Man(Man),
}

/// A command without options of its own.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Anywhere {
    /// The backend.
    #[command(flatten)]
    pub backend: Location,
}

/// `rsqlflow local`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Local {
    /// Loopback port. 0 selects a free port.
    #[arg(long, default_value_t = 4566, allow_negative_numbers = true)]
    pub port: u16,
    /// Directory of the scripts. Default: the scripts directory of the last endpoint on the state directory, else the
    /// current directory.
    #[arg(long, value_name = "DIR")]
    pub scripts: Option<PathBuf>,
    /// Answer requests that are not signed with the keys of the state directory. For throw-away use: every user of this
    /// machine can then read secrets and run scripts.
    #[arg(long)]
    pub no_auth: bool,
    /// The endpoint.
    #[command(flatten)]
    pub embedded: Embedded,
}

/// `rsqlflow completions`
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// `rsqlflow man`
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Existing directory for rsqlflow.1, rsqlflow-run.1 and the other pages.
    pub directory: PathBuf,
}

/// Confirmation of a change.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Consent {
    /// Do not ask for confirmation. Required without a terminal.
    #[arg(long, short)]
    pub yes: bool,
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
