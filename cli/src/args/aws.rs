//! Commands about a deployment on AWS, and about AWS's sample.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Consent;
use super::location::{Account, Location};
use crate::failure::exit;

/// `rsqlflow cost`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Cost {
    /// The workflow as JSON.
    pub file: PathBuf,
    /// How often it runs in a month.
    #[arg(long, value_name = "N", default_value_t = 30, allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub runs_per_month: u32,
    /// What a script writes to its log, in MB.
    #[arg(long, value_name = "MB", default_value_t = 0.1, allow_negative_numbers = true, value_parser = amount)]
    pub log_mb_per_job: f64,
    /// How long a script runs, in minutes: its agent renews its lease that long.
    #[arg(long, value_name = "MINUTES", default_value_t = 10.0, allow_negative_numbers = true, value_parser = amount)]
    pub job_minutes: f64,
    /// How long an invocation of a function lasts, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 100.0, allow_negative_numbers = true, value_parser = amount)]
    pub lambda_ms: f64,
}

/// A number that is not negative and has an end.
fn amount(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1e9).contains(&value) => Ok(value),
        _ => Err("write a number from 0 to 1000000000".to_owned()),
    }
}

/// What `migrate` takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// Workflows and history.
    All,
    /// Only the items of the config table.
    Workflows,
    /// Only the rows of the two audit tables.
    History,
}

/// `rsqlflow migrate`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Migrate {
    /// Do it. Without this the command only says what it would do.
    #[arg(long)]
    pub apply: bool,
    /// What to take over.
    #[arg(long, value_enum, default_value = "all")]
    pub what: What,
    /// Take runs that the sample left open for failed ones. Its machines are not looked at: give this only when they
    /// do not run any more.
    #[arg(long)]
    pub close_open_runs: bool,
    /// Replace workflows of ours that differ from the sample's. Without this they are kept.
    #[arg(long)]
    pub replace: bool,
    /// The sample's config table.
    #[arg(long, value_name = "TABLE", default_value = "rsql-blog-rsql-config-table")]
    pub from_config: String,
    /// The sample's workflow audit table.
    #[arg(long, value_name = "TABLE", default_value = "rsql-blog-rsql-workflow-audit-table")]
    pub from_workflow_audit: String,
    /// The sample's job audit table.
    #[arg(long, value_name = "TABLE", default_value = "rsql-blog-rsql-job-audit-table")]
    pub from_job_audit: String,
    /// Leave to write.
    #[command(flatten)]
    pub consent: Consent,
    /// Where both are, the sample's tables and ours.
    #[command(flatten)]
    pub place: Location,
}

/// Where the CDK app is, and what it is told.
#[derive(Debug, Args)]
pub(crate) struct App {
    /// The folder `cdk-config` of a checkout. Default: here, or beside this program.
    #[arg(long, value_name = "DIR")]
    pub app: Option<PathBuf>,
    /// A file with the settings as JSON, in place of those in the app's cdk.json.
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
}

/// `rsqlflow deploy`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Deploy {
    /// Only these stacks, and those that they need. Default: all.
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
    /// Make what CDK needs in the account and region first, where it is missing (`cdk bootstrap`).
    #[arg(long)]
    pub bootstrap: bool,
    /// Check everything and make the templates, and deploy nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// The app.
    #[command(flatten)]
    pub app: App,
    /// Leave to deploy.
    #[command(flatten)]
    pub consent: Consent,
    /// Where.
    #[command(flatten)]
    pub account: Account,
}

/// `rsqlflow destroy`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Destroy {
    /// The app.
    #[command(flatten)]
    pub app: App,
    /// Leave to remove.
    #[command(flatten)]
    pub consent: Consent,
    /// Where.
    #[command(flatten)]
    pub account: Account,
}

/// `rsqlflow doctor`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Doctor {
    /// Check the deployment of an AWS account or behind --endpoint-url, even if there is a state directory here.
    #[arg(long)]
    pub aws: bool,
    /// Name of the role of the instances, to check its permissions too.
    #[arg(long, value_name = "ROLE")]
    pub instance_role: Option<String>,
    /// Where.
    #[command(flatten)]
    pub place: Location,
}
