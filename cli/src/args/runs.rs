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
    /// The workflow file (JSON), with the item as in the config table.
    pub file: PathBuf,
    /// Directory of the scripts. Default: `scripts` beside the file if it exists, else the directory of the file.
    #[arg(long, value_name = "DIR")]
    pub scripts: Option<PathBuf>,
    /// Override a parameter of the workflow. May be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    pub parameters: Vec<(String, String)>,
    /// Name of the run. Default: generated from the workflow's id and the time.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub execution_id: Option<String>,
    /// The endpoint.
    #[command(flatten)]
    pub embedded: Embedded,
}

/// Arguments of a command about one run.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Execution {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// Backend of the run.
    #[command(flatten)]
    pub backend: Location,
}

/// `rsqlflow jobs`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Jobs {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// Show every job in plan order. By default, more than 100 jobs are summarized: failed jobs, running jobs, then counts.
    #[arg(long)]
    pub all: bool,
    /// Backend of the run.
    #[command(flatten)]
    pub backend: Location,
}

/// `rsqlflow watch`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Watch {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// Backend of the run.
    #[command(flatten)]
    pub backend: Location,
}

/// `rsqlflow logs`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Logs {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// Name or id of a job. Default: all jobs, in plan order.
    pub job: Option<String>,
    /// Print new lines until the job or the run is closed.
    #[arg(long, short)]
    pub follow: bool,
    /// Send control characters of the output to the terminal. By default they are shown as text, such as `\u{1b}`.
    #[arg(long)]
    pub raw: bool,
    /// Backend of the run.
    #[command(flatten)]
    pub backend: Location,
}

/// `rsqlflow history`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct History {
    /// The workflow's `workflow_id`. Default: all workflows of the config table.
    pub workflow: Option<String>,
    /// Maximum number of runs, newest first.
    #[arg(long, value_name = "N", default_value_t = 20, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
    /// The backend.
    #[command(flatten)]
    pub backend: Location,
}

/// `rsqlflow cancel`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Cancel {
    /// The run's `workflow_execution_id`.
    pub execution: String,
    /// Cancel only this job, given by name or id. The run continues as after a failure of the job.
    #[arg(long, value_name = "JOB")]
    pub job: Option<String>,
    /// Request the cancellation, and do not wait until it is complete.
    #[arg(long)]
    pub no_wait: bool,
    /// Confirmation of the cancellation.
    #[command(flatten)]
    pub consent: Consent,
    /// Backend of the run.
    #[command(flatten)]
    pub backend: Location,
}

/// The config that a restart uses if the config changed since the first run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Config {
    /// The config of the first run.
    Snapshot,
    /// The config in the config table. Jobs whose script, arguments or environment changed run again.
    Current,
}

/// `rsqlflow restart`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP, group = ArgGroup::new("what").args(["from", "job", "all_failed"]))]
pub(crate) struct Restart {
    /// The `workflow_execution_id` of the run to restart. It must have ended.
    pub execution: String,
    /// Run this stage and all later stages again, with all their jobs. The first stage is 1.
    #[arg(long, value_name = "STAGE", value_parser = stage, allow_hyphen_values = true)]
    pub from: Option<u16>,
    /// Run only this job, given by name or id, even if it completed. May be repeated.
    #[arg(long, value_name = "JOB")]
    pub job: Vec<String>,
    /// Run every job that did not complete: failed, lost, cancelled or not started. This is the default.
    #[arg(long)]
    pub all_failed: bool,
    /// The config to use if it changed since the first run. Without this option, such a restart shows the differences
    /// and is refused.
    #[arg(long, value_enum, value_name = "WHICH")]
    pub config: Option<Config>,
    /// Restart the run even if it was already restarted.
    #[arg(long)]
    pub again: bool,
    /// Name of the new run. Default: generated from the workflow's id and the time.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub execution_id: Option<String>,
    /// Follow the new run until it ends. The exit code then reports whether it completed.
    #[arg(long, short)]
    pub watch: bool,
    /// Directory of the scripts, if this command has to serve the state directory itself. Default: the scripts
    /// directory of the last endpoint.
    #[arg(long, value_name = "DIR")]
    pub scripts: Option<PathBuf>,
    /// Confirmation that completed jobs run again.
    #[command(flatten)]
    pub consent: Consent,
    /// The backend.
    #[command(flatten)]
    pub backend: Location,
}

/// The number of a stage.
fn stage(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(number @ 1..=9999) => Ok(number),
        _ => Err("write the number of a stage, from 1; `rsqlflow jobs RUN` shows jobs of stage 1 as \
             0000#…, and of stage 2 as 0001#…"
            .to_owned()),
    }
}

/// The status that a mark sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MarkAs {
    /// The work was done by other means.
    Completed,
    /// The work is not needed.
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
    /// The status to mark the job with.
    #[arg(value_enum)]
    pub status: MarkAs,
    /// The reason. It is stored in the audit table.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The person who sets the mark. It is stored in the audit table. Default: RSQLFLOW_OPERATOR, the caller's ARN on AWS,
    /// else user and host.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Confirmation of the mark.
    #[command(flatten)]
    pub consent: Consent,
    /// The backend.
    #[command(flatten)]
    pub backend: Location,
}

/// `rsqlflow sweep`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Sweep {
    /// Show which runs would be closed, and close none.
    #[arg(long)]
    pub dry_run: bool,
    /// Confirmation of the change.
    #[command(flatten)]
    pub consent: Consent,
    /// The backend.
    #[command(flatten)]
    pub backend: Location,
}
