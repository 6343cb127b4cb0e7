//! Commands about runs.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::Consent;
use super::location::{Embedded, Location, pair};
use crate::failure::exit;

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
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub execution_id: Option<String>,
    /// The endpoint.
    #[command(flatten)]
    pub embedded: Embedded,
}

/// A command about one run.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Execution {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// Where it runs, or ran.
    #[command(flatten)]
    pub place: Location,
}

/// `rsqlflow jobs`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Jobs {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// Every job in plan order. Default: of more than 100 jobs those that failed, then those that run, then counts.
    #[arg(long)]
    pub all: bool,
    /// Where it runs, or ran.
    #[command(flatten)]
    pub place: Location,
}

/// `rsqlflow watch`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Watch {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// Where it runs.
    #[command(flatten)]
    pub place: Location,
}

/// `rsqlflow logs`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Logs {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// A job's name or id; default all, in plan order.
    pub job: Option<String>,
    /// Go on with new lines until the job, or the run, is closed.
    #[arg(long, short)]
    pub follow: bool,
    /// Pass control characters of the output to the terminal. By default a terminal shows them as text, such as `\u{1b}`.
    #[arg(long)]
    pub raw: bool,
    /// Where it runs, or ran.
    #[command(flatten)]
    pub place: Location,
}

/// `rsqlflow history`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct History {
    /// The workflow's `workflow_id`; default all workflows of the config table.
    pub workflow: Option<String>,
    /// Most runs to show, newest first.
    #[arg(long, value_name = "N", default_value_t = 20, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
    /// Where.
    #[command(flatten)]
    pub place: Location,
}

/// `rsqlflow cancel`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Cancel {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// Only this job, by its name or id; the run goes on as after a failure of it.
    #[arg(long, value_name = "JOB")]
    pub job: Option<String>,
    /// Ask, and do not wait until it is closed.
    #[arg(long)]
    pub no_wait: bool,
    /// Leave to end it.
    #[command(flatten)]
    pub consent: Consent,
    /// Where it runs.
    #[command(flatten)]
    pub place: Location,
}

/// Which config a restart runs, where it changed since the first run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Config {
    /// What the first run ran.
    Snapshot,
    /// What the config table has now. Jobs whose script, arguments or environment changed run again.
    Current,
}

/// `rsqlflow restart`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP, group = ArgGroup::new("what").args(["from", "job", "all_failed"]))]
pub(crate) struct Restart {
    /// The `workflow_execution_id` of the run that ended.
    pub execution: String,
    /// Run this stage and those after it again, with all their jobs. The first stage is 1.
    #[arg(long, value_name = "STAGE", value_parser = stage, allow_hyphen_values = true)]
    pub from: Option<u16>,
    /// Run only this job, by its name or id, even if it completed. May be repeated.
    #[arg(long, value_name = "JOB")]
    pub job: Vec<String>,
    /// Run every job that did not complete: failed, lost, cancelled or not started. This is the default.
    #[arg(long)]
    pub all_failed: bool,
    /// Which config to run, where it changed meanwhile. Without this such a restart shows the difference and
    /// refuses.
    #[arg(long, value_enum, value_name = "WHICH")]
    pub config: Option<Config>,
    /// Restart it although it was restarted before.
    #[arg(long)]
    pub again: bool,
    /// Name of the new run. Default: made from the workflow's name and the time.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub execution_id: Option<String>,
    /// Follow the new run to its end; the exit code then says whether it completed.
    #[arg(long, short)]
    pub watch: bool,
    /// Directory of the scripts, where nobody serves the state directory and this command has to. Default: the
    /// last one's.
    #[arg(long, value_name = "DIR")]
    pub scripts: Option<PathBuf>,
    /// Leave to run jobs again that completed.
    #[command(flatten)]
    pub consent: Consent,
    /// Where.
    #[command(flatten)]
    pub place: Location,
}

/// A stage's number.
fn stage(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(number @ 1..=9999) => Ok(number),
        _ => Err(
            "write the number of a stage, from 1 for the first; `rsqlflow jobs RUN` has jobs of stage 1 as \
                  0000#…, of stage 2 as 0001#…"
                .to_owned(),
        ),
    }
}

/// What a job is marked as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MarkAs {
    /// Its work was done by other means.
    Completed,
    /// Its work is not wanted.
    Skipped,
}

/// `rsqlflow mark`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Mark {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// The job's name or id.
    pub job: String,
    /// As what.
    #[arg(value_enum)]
    pub status: MarkAs,
    /// Why; it is audited.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who says so; it is audited. Default: RSQLFLOW_OPERATOR, the caller's ARN on AWS, user and host elsewhere.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Leave to write it.
    #[command(flatten)]
    pub consent: Consent,
    /// Where.
    #[command(flatten)]
    pub place: Location,
}

/// `rsqlflow sweep`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Sweep {
    /// Say what would be closed, and close nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Leave to close them.
    #[command(flatten)]
    pub consent: Consent,
    /// Where.
    #[command(flatten)]
    pub place: Location,
}
