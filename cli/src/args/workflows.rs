//! Commands about workflows.

use std::path::PathBuf;

use clap::Args;

use super::Consent;
use super::location::{Location, pair};
use crate::failure::exit;
use crate::graph::Format;

/// `rsqlflow validate`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Validate {
    /// The workflow as JSON.
    pub file: PathBuf,
}

/// `rsqlflow graph`
#[derive(Debug, Args)]
#[command(after_help = "\
A job comes after the jobs that write what it reads. Exit codes: 0 the order is complete, 1 two jobs write one table
without an order, or the stages of the workflow contradict the SQL, 2 the input cannot be used.")]
pub(crate) struct Graph {
    /// A workflow file, or a directory with .sql, .rsql and .sh files.
    pub path: PathBuf,
    /// Directory of the scripts of a workflow file. Default: `scripts` beside it.
    #[arg(long, value_name = "DIR")]
    pub scripts: Option<PathBuf>,
    /// Schema of tables that are named without one.
    #[arg(long, value_name = "NAME")]
    pub default_schema: Option<String>,
    /// Set a variable of RSQL or of the shell. May be repeated.
    #[arg(long = "var", short = 'v', value_name = "NAME=VALUE", value_parser = pair)]
    pub variables: Vec<(String, String)>,
    /// Name file and line of each dependency.
    #[arg(long)]
    pub why: bool,
    /// Draw every dependency, also those that a longer path replaces.
    #[arg(long)]
    pub full: bool,
    /// Form of the output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// `rsqlflow put`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Put {
    /// The workflow as JSON.
    pub file: PathBuf,
    /// Leave to replace another version of the workflow.
    #[command(flatten)]
    pub consent: Consent,
    /// Where.
    #[command(flatten)]
    pub place: Location,
}

/// `rsqlflow get`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Get {
    /// The workflow's `workflow_id`.
    pub workflow: String,
    /// Where.
    #[command(flatten)]
    pub place: Location,
}

/// `rsqlflow list`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct List {
    /// Where.
    #[command(flatten)]
    pub place: Location,
}

/// `rsqlflow diff`
#[derive(Debug, Args)]
#[command(after_help = "Exit code 1 says that they differ.")]
pub(crate) struct Diff {
    /// The workflow as JSON.
    pub file: PathBuf,
    /// Where.
    #[command(flatten)]
    pub place: Location,
}

/// `rsqlflow start`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Start {
    /// The workflow's `workflow_id`.
    pub workflow: String,
    /// Override a parameter of the workflow. May be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    pub parameters: Vec<(String, String)>,
    /// Name of the run. Default: made from the workflow's name and the time.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub execution_id: Option<String>,
    /// Follow the run to its end; the exit code then says whether it completed.
    #[arg(long, short)]
    pub watch: bool,
    /// Directory of the scripts, where nobody serves the state directory and this command has to. Default: the
    /// last one's.
    #[arg(long, value_name = "DIR")]
    pub scripts: Option<PathBuf>,
    /// Where.
    #[command(flatten)]
    pub place: Location,
}
