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
    /// Show the order of jobs that follows from the tables that their SQL reads and writes
    Graph(Graph),
    /// Put a workflow file into the config table
    Put(Put),
    /// Print a workflow as the config table has it
    Get(Get),
    /// List the workflows of the config table, each with its last run
    List(List),
    /// Show how a workflow file differs from what the config table has
    Diff(Diff),
    /// Start a run of a workflow of the config table
    Start(Start),
    /// Follow a run to its end
    Watch(Watch),
    /// Show the state of a run: its row of the workflow audit table
    Status(Execution),
    /// Show the jobs of a run: its rows of the job audit table
    Jobs(Jobs),
    /// Show the output of a run's jobs
    Logs(Logs),
    /// List the last runs, of one workflow or of all
    History(History),
    /// Stop a run, or one of its jobs
    Cancel(Cancel),
    /// Run again what a run did not complete, as a new run with the same parameters and date
    Restart(Restart),
    /// Say of a job that a restart need not run it: done by hand, or not wanted
    Mark(Mark),
    /// Close runs whose execution has ended, or never began
    Sweep(Sweep),
    /// Check everything that a run needs: tables, functions, state machines, instances
    Doctor(Doctor),
    /// Deploy to AWS, or bring a deployment up to date
    Deploy(Deploy),
    /// Remove a deployment from AWS. The tables are kept, unless the configuration says otherwise
    Destroy(Destroy),
    /// Take workflows and history over from the tables of AWS's sample
    Migrate(Migrate),
    /// Tell what a workflow will cost on AWS, for a run and for a month
    Cost(Cost),
    /// Show every setting with its value and its source
    Config(Anywhere),
    /// Serve the embedded AWS endpoint on a loopback port until Ctrl-C
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
    /// Where.
    #[command(flatten)]
    pub place: Location,
}

/// `rsqlflow local`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Local {
    /// Loopback port; 0 takes a free one.
    #[arg(long, default_value_t = 4566, allow_negative_numbers = true)]
    pub port: u16,
    /// Directory of the scripts. Default: that of the last endpoint on the state directory, else the current one.
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
    /// Which shell.
    pub shell: clap_complete::Shell,
}

/// `rsqlflow man`
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Directory to write rsqlflow.1, rsqlflow-run.1 and so on into; it must exist.
    pub directory: PathBuf,
}

/// Leave to change or end something.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Consent {
    /// Do not ask. Without a terminal to ask on, the command needs this.
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
