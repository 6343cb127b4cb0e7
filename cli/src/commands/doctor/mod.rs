//! `rsqlflow doctor`: checks everything that a run needs, on AWS and on an endpoint alike.
//!
//! A check that cannot be made, for example without permission, is reported as unknown; the others continue.

mod failed;
mod functions;
mod instances;
mod permissions;
mod state_machines;
mod tables;

use anstyle::AnsiColor;
use rsqlflow_core::check::{self, Check, Health};
use rsqlflow_core::config::Target;
use serde_json::json;

use crate::args::Doctor;
use crate::backend::{Backend, Purpose};
use crate::commands::sweep;
use crate::failure::{Failure, exit};
use crate::output::{JSON_VERSION, Printer, styled};

/// What to do where a part of the deployment is missing.
const DEPLOY: &str = "check region and RSQLFLOW_PREFIX, or run `rsqlflow deploy`";

/// Makes every check and prints the results.
///
/// # Errors
/// Where the backend cannot be reached at all.
pub(crate) async fn doctor(args: &Doctor, printer: Printer) -> Result<u8, Failure> {
    let backend = if args.aws && args.backend.state_dir.is_none() {
        Backend::of_account(&args.backend.given()).await?
    } else {
        Backend::find(&args.backend, Purpose::Read).await?
    };
    let name = backend.name().to_owned();
    let checks = Box::pin(all(&backend, args.instance_role.as_deref())).await;
    backend.close().await;
    let failed = check::count(&checks, Health::Failed);
    if printer.is_json() {
        printer.json(&json!({ "version": JSON_VERSION, "backend": name, "healthy": failed == 0,
            "unknown": check::count(&checks, Health::Unknown), "checks": checks }));
    } else {
        let text = check::text(&checks, |health, word| {
            let color = match health {
                Health::Ok => AnsiColor::Green,
                Health::Warning | Health::Unknown => AnsiColor::Yellow,
                Health::Failed => AnsiColor::Red,
            };
            styled(color.on_default(), word)
        });
        printer.data(&format!("checking {name}\n{}", text.trim_end()));
    }
    Ok(if failed == 0 { exit::OK } else { exit::ENVIRONMENT })
}

/// Every check, in the order in which a run needs the parts.
async fn all(backend: &Backend, instance_role: Option<&str>) -> Vec<Check> {
    let (identity, site) = identity(backend).await;
    let mut checks = vec![identity];
    let Some(site) = site else { return checks };
    let mut described = Described {
        default_target: backend.deployment.defaults.target.clone(),
        topic_arn: backend.deployment.topic_arn.clone(),
        roles: Vec::new(),
    };
    checks.extend(disk(backend));
    checks.extend(tables::checks(backend).await);
    checks.extend(functions::checks(backend, &site, &mut described).await);
    checks.extend(state_machines::checks(backend, &site, &mut described).await);
    checks.push(instances::document(backend).await);
    checks.extend(instances::checks(backend, described.default_target.as_ref()).await);
    if let Some(role) = instance_role {
        let arn = if role.starts_with("arn:") {
            role.to_owned()
        } else {
            // IAM has no region.
            format!("arn:{}:iam::{}:role/{role}", site.partition, site.account)
        };
        described.roles.push((Part::Agent, arn));
    }
    checks.extend(permissions::checks(backend, &site, &described).await);
    checks.push(log_group(backend).await);
    checks.push(runs(backend).await);
    checks
}

/// Where the deployment is, in the terms of ARNs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ArnBase {
    partition: String,
    region: String,
    account: String,
}

impl ArnBase {
    /// From the caller's own ARN.
    fn of(arn: &str, account: &str, region: &str) -> Self {
        let partition = arn.split(':').nth(1).filter(|part| !part.is_empty()).unwrap_or("aws");
        Self { partition: partition.to_owned(), region: region.to_owned(), account: account.to_owned() }
    }

    fn arn(&self, service: &str, resource: impl std::fmt::Display) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account)
    }
}

/// What the functions know of the deployment, and the environment of this command need not.
#[derive(Clone, Debug, Default)]
struct Described {
    default_target: Option<Target>,
    topic_arn: Option<String>,
    roles: Vec<(Part, String)>,
}

/// A part of the deployment that has a role.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// A function, by its handler.
    Function(&'static str),
    /// A state machine: `master`.
    Machine(&'static str),
    /// The instances.
    Agent,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Function(name) => write!(f, "function {name}"),
            Self::Machine(name) => write!(f, "state machine {name}"),
            Self::Agent => f.write_str("instances"),
        }
    }
}

/// The caller, and where the deployment is. Without that the other checks cannot be made.
async fn identity(backend: &Backend) -> (Check, Option<ArnBase>) {
    let name = "credentials";
    match aws_sdk_sts::Client::new(&backend.sdk).get_caller_identity().send().await {
        Ok(found) => {
            let region = backend.sdk.region().map(ToString::to_string).unwrap_or_default();
            let arn = found.arn().unwrap_or_default();
            let base = ArnBase::of(arn, found.account().unwrap_or_default(), &region);
            (Check::ok(name, arn), Some(base))
        }
        Err(error) => {
            let failure = Failure::of_sdk(&error, "GetCallerIdentity".to_owned());
            (failed::of_failure(name, failure, "sign in again, or give --profile"), None)
        }
    }
}

/// The disk of the state directory, where that is on this machine.
fn disk(backend: &Backend) -> Option<Check> {
    backend.state_dir()?;
    Some(match backend.full_disk() {
        Some(full) => Check::failed("disk", full, "free some space on it"),
        None => Check::ok("disk", "the state directory has space"),
    })
}

async fn log_group(backend: &Backend) -> Check {
    let group = &backend.deployment.log_group;
    let name = format!("log group {group}");
    let client = aws_sdk_cloudwatchlogs::Client::new(&backend.sdk);
    match client.describe_log_groups().log_group_name_prefix(group).send().await {
        Ok(found) if found.log_groups().iter().any(|g| g.log_group_name() == Some(group)) => {
            Check::ok(name, "exists")
        }
        Ok(_) => Check::failed(
            name,
            "missing: jobs run, but their output stays on the instances",
            "create it, or set RSQLFLOW_LOG_GROUP to the right name",
        ),
        Err(error) => failed::failed(name, &error, "logs:DescribeLogGroups", DEPLOY),
    }
}

async fn runs(backend: &Backend) -> Check {
    let name = "runs";
    match sweep::invoke(backend, true).await {
        Ok(found) if !found.closed.is_empty() => Check::warning(
            name,
            format!(
                "{} running; {} are open although their execution has ended, first {}",
                found.running.len(),
                found.closed.len(),
                found.closed.first().map(|run| run.workflow_execution_id.to_string()).unwrap_or_default()
            ),
            "if they are still open in a minute, close them with `rsqlflow sweep`",
        ),
        Ok(found) if !found.failed.is_empty() => Check::failed(
            name,
            found.failed.first().map(|run| run.message.clone()).unwrap_or_default(),
            "`rsqlflow sweep --dry-run` shows each",
        ),
        Ok(found) => Check::ok(name, format!("{} running, none left open", found.running.len())),
        Err(failure) => failed::of_failure(name, failure, "read the log of the function clock"),
    }
}
