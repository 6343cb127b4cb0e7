//! Commands about workflows.

use std::path::PathBuf;

use clap::Args;

use super::Consent;
use super::location::{Location, pair};
use crate::failure::exit;

/// `rsqlflow validate`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Validate {
    /// The workflow as JSON.
    pub file: PathBuf,
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
