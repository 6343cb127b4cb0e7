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
    /// The workflow file (JSON).
    pub file: PathBuf,
    /// Number of runs in a month.
    #[arg(long, value_name = "N", default_value_t = 30, allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub runs_per_month: u32,
    /// Output that a script writes to its log, in MB.
    #[arg(long, value_name = "MB", default_value_t = 0.1, allow_negative_numbers = true, value_parser = amount)]
    pub log_mb_per_job: f64,
    /// Duration of a script, in minutes. The agent renews its lease for that long.
    #[arg(long, value_name = "MINUTES", default_value_t = 10.0, allow_negative_numbers = true, value_parser = amount)]
    pub job_minutes: f64,
    /// Duration of a function invocation, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 100.0, allow_negative_numbers = true, value_parser = amount)]
    pub lambda_ms: f64,
}

/// A finite number that is not negative.
fn amount(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1e9).contains(&value) => Ok(value),
        _ => Err("write a number from 0 to 1000000000".to_owned()),
    }
}

/// What `migrate` copies.
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
    /// Write the rows. Without this option, the command only shows what it would write.
    #[arg(long)]
    pub apply: bool,
    /// What to copy.
    #[arg(long, value_enum, default_value = "all")]
    pub what: What,
    /// Import runs that the sample left open as failed runs. The command does not check the sample's executions: use
    /// this only if none of them is still running.
    #[arg(long)]
    pub close_open_runs: bool,
    /// Replace existing workflows that differ from the sample's. By default they are kept.
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
    /// Confirmation of the write.
    #[command(flatten)]
    pub consent: Consent,
    /// Account and region of both sets of tables.
    #[command(flatten)]
    pub backend: Location,
}

/// The CDK app and its settings.
#[derive(Debug, Args)]
pub(crate) struct App {
    /// The folder `cdk-config` of a checkout. Default: the current directory, then the checkout of this program.
    #[arg(long, value_name = "DIR")]
    pub app: Option<PathBuf>,
    /// A JSON file with settings that replace those in the app's `cdk.json`.
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
}

/// `rsqlflow deploy`
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(crate) struct Deploy {
    /// Deploy only these stacks and the stacks that they depend on. Default: all.
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
    /// First create the resources that the CDK needs in the account and region, if they are missing (`cdk bootstrap`).
    #[arg(long)]
    pub bootstrap: bool,
    /// Check the settings and synthesize the templates, but deploy nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// The app.
    #[command(flatten)]
    pub app: App,
    /// Confirmation of the deployment.
    #[command(flatten)]
    pub consent: Consent,
    /// Account and region.
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
    /// Confirmation of the removal.
    #[command(flatten)]
    pub consent: Consent,
    /// Account and region.
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
    /// Account and region, endpoint, or state directory.
    #[command(flatten)]
    pub backend: Location,
}
