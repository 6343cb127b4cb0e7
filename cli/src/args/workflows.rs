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
    /// The workflow file (JSON).
    pub file: PathBuf,
}

/// `rsqlflow graph`
#[derive(Debug, Args)]
#[command(after_help = "\
A job runs after the jobs that write the tables that it reads. Exit codes: 0 the order is complete, 1 two jobs write one
table without an order or the stages of the workflow contradict the SQL, 2 the input cannot be used.")]
pub(crate) struct Graph {
    /// A workflow file, or a directory with .sql, .rsql and .sh files.
    pub path: PathBuf,
    /// Directory of the scripts of a workflow file. Default: `scripts` beside the file.
    #[arg(long, value_name = "DIR")]
    pub scripts: Option<PathBuf>,
    /// Schema of table names without a schema.
    #[arg(long, value_name = "NAME")]
    pub default_schema: Option<String>,
    /// Set a variable of RSQL or of the shell. May be repeated.
    #[arg(long = "var", short = 'v', value_name = "NAME=VALUE", value_parser = pair)]
    pub variables: Vec<(String, String)>,
    /// Show the file and line of each dependency.
    #[arg(long)]
    pub why: bool,
    /// Draw every dependency, including those that a longer path implies.
    #[arg(long)]
    pub full: bool,
    /// Format of the output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// `rsqlflow put`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Put {
    /// The workflow file (JSON).
    pub file: PathBuf,
    /// Confirmation that another version of the workflow is replaced.
    #[command(flatten)]
    pub consent: Consent,
    /// The backend.
    #[command(flatten)]
    pub backend: Location,
}

/// `rsqlflow get`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Get {
    /// The workflow's `workflow_id`.
    pub workflow: String,
    /// The backend.
    #[command(flatten)]
    pub backend: Location,
}

/// `rsqlflow list`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct List {
    /// The backend.
    #[command(flatten)]
    pub backend: Location,
}

/// `rsqlflow diff`
#[derive(Debug, Args)]
#[command(after_help = "Exit code 1: the file and the table differ.")]
pub(crate) struct Diff {
    /// The workflow file (JSON).
    pub file: PathBuf,
    /// The backend.
    #[command(flatten)]
    pub backend: Location,
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
    /// Name of the run. Default: generated from the workflow's id and the time.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub execution_id: Option<String>,
    /// Follow the run until it ends. The exit code then reports whether it completed.
    #[arg(long, short)]
    pub watch: bool,
    /// Directory of the scripts, if this command has to serve the state directory itself. Default: the scripts
    /// directory of the last endpoint.
    #[arg(long, value_name = "DIR")]
    pub scripts: Option<PathBuf>,
    /// The backend.
    #[command(flatten)]
    pub backend: Location,
}
