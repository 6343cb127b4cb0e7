//! What is looked at, and how each problem is mended.

use anstyle::{AnsiColor, Style};
use aws_sdk_lambda::types::InvocationType;
use rsqlflow_core::config::Target;
use rsqlflow_core::{Function, MachineKind, Table};
use serde_json::{Value, json};

use super::aws::{self, ArnBase};
use crate::commands::sweep;
use crate::failure::Failure;
use crate::place::Place;

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Good,
    /// Worth a look; nothing that runs is held up.
    Odd,
    /// Nothing is known of it: it may not be looked at, or is not known there.
    Unseen,
    Bad,
}

impl Health {
    /// Padded, so that lines stand under each other.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok  ",
            Self::Odd | Self::Unseen => "look",
            Self::Bad => "BAD ",
        }
    }

    pub(super) const fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Odd | Self::Unseen => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
        }
    }
}

/// A part, and what was found.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) health: Health,
    pub(super) found: String,
    pub(super) mend: Option<String>,
}

impl Check {
    pub(super) fn to_json(&self) -> Value {
        let health = match self.health {
            Health::Good => "ok",
            Health::Odd | Health::Unseen => "look",
            Health::Bad => "bad",
        };
        json!({ "name": self.name, "health": health, "found": self.found, "mend": self.mend })
    }

    pub(super) fn good(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), health: Health::Good, found: found.into(), mend: None }
    }

    pub(super) fn not_good(
        health: Health,
        name: impl Into<String>,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { name: name.into(), health, found: found.into(), mend: Some(mend.into()) }
    }

    /// A call that failed: its own hint, or else `mend`.
    pub(super) fn failed(name: impl Into<String>, failure: Failure, mend: &str) -> Self {
        let (found, hint) = Self::parts_of(failure);
        Self::not_good(Health::Bad, name, found, hint.unwrap_or_else(|| mend.to_owned()))
    }

    /// What a failure says, without its hint.
    pub(super) fn text_of(failure: Failure) -> String {
        Self::parts_of(failure).0
    }

    fn parts_of(failure: Failure) -> (String, Option<String>) {
        match failure {
            Failure::Input { message, hint } => (message, hint),
            Failure::Environment { error, hint, .. } => (format!("{error:#}"), hint),
            Failure::OutOfSight { error, hint } => (format!("{error:#}"), Some(hint)),
            listed @ (Failure::Workflow { .. } | Failure::Refused { .. }) => (listed.to_string(), None),
        }
    }
}

/// Every check, in the order in which a run needs the parts.
pub(super) async fn all(place: &Place) -> Vec<Check> {
    let (identity, is_reachable, _) = identity(place).await;
    let mut checks = vec![identity];
    if !is_reachable {
        return checks;
    }
    checks.extend(disk(place));
    checks.extend(tables(place).await);
    checks.push(machines(place).await);
    checks.extend(functions(place).await);
    checks.push(document(place).await);
    checks.push(instances(place).await);
    checks.push(log_group(place).await);
    checks.push(runs(place).await);
    checks
}

/// Every check of a deployment on AWS.
pub(super) async fn all_of_aws(place: &Place, instance_role: Option<&str>) -> Vec<Check> {
    let (identity, _, site) = identity(place).await;
    let mut checks = vec![identity];
    if let Some(site) = site {
        checks.extend(aws::all(place, &site, instance_role).await);
    }
    checks
}

/// Who we are there, and where that is; and whether anybody answered, without whom the other checks only repeat it.
async fn identity(place: &Place) -> (Check, bool, Option<ArnBase>) {
    match aws_sdk_sts::Client::new(&place.sdk).get_caller_identity().send().await {
        Ok(found) => {
            let region = place.sdk.region().map(ToString::to_string).unwrap_or_default();
            let arn = found.arn().unwrap_or_default();
            let site = found.account().map(|account| ArnBase::of(arn, account, &region));
            (Check::good("credentials", found.arn().unwrap_or("accepted")), true, site)
        }
        Err(error) => {
            let is_reachable = error.raw_response().is_some();
            let failure = Failure::of_sdk(&error, "GetCallerIdentity".to_owned());
            let mend = "sign in again, or give --profile";
            (Check::failed("reach and credentials", failure, mend), is_reachable, None)
        }
    }
}

/// The disk of the state directory, where it is on this machine.
fn disk(place: &Place) -> Option<Check> {
    place.state_dir()?;
    Some(match place.full_disk() {
        Some(full) => Check::not_good(Health::Bad, "disk", full, "free some space on it"),
        None => Check::good("disk", "the state directory has room"),
    })
}

async fn tables(place: &Place) -> Vec<Check> {
    let client = aws_sdk_dynamodb::Client::new(&place.sdk);
    let names = &place.deployment.tables;
    let mut checks = Vec::new();
    for which in Table::ALL {
        let table = names.name(which);
        let indexes = which.shape().indexes;
        let name = format!("table {table}");
        checks.push(match client.describe_table().table_name(table).send().await {
            Ok(found) => {
                let found = found
                    .table
                    .unwrap_or_else(|| aws_sdk_dynamodb::types::TableDescription::builder().build());
                let status = found.table_status().map_or("unknown", |status| status.as_str()).to_owned();
                let has = |wanted: &str| {
                    found.global_secondary_indexes().iter().any(|i| i.index_name() == Some(wanted))
                };
                match indexes.iter().find(|index| !has(index.name)) {
                    Some(index) => Check::not_good(
                        Health::Bad,
                        name,
                        format!("{status}, without the index {}", index.name),
                        "deploy this version's tables: `history` and `list` need the index",
                    ),
                    _ if status == "ACTIVE" => Check::good(name, status),
                    _ => Check::not_good(Health::Bad, name, status, "wait until it is ACTIVE"),
                }
            }
            Err(error) => Check::failed(
                name,
                Failure::of_sdk(&error, "DescribeTable".to_owned()),
                "check region and RSQLFLOW_PREFIX, or deploy",
            ),
        });
    }
    checks
}

async fn machines(place: &Place) -> Check {
    let name = "state machines";
    let machines = &place.deployment.machines;
    let mut wanted: Vec<_> = MachineKind::ALL.map(|kind| &machines.of(kind).name).into();
    let mut pages =
        aws_sdk_sfn::Client::new(&place.sdk).list_state_machines().into_paginator().items().send();
    while let Some(machine) = pages.next().await {
        match machine {
            Ok(machine) => wanted.retain(|name| name.as_str() != machine.name()),
            Err(error) => {
                let failure = Failure::of_sdk(&error, "ListStateMachines".to_owned());
                return Check::failed(name, failure, "ask for states:ListStateMachines");
            }
        }
    }
    if wanted.is_empty() {
        return Check::good(name, "all three are there");
    }
    let missing: Vec<&str> = wanted.iter().map(|name| name.as_str()).collect();
    Check::not_good(
        Health::Bad,
        name,
        format!("missing: {}", missing.join(", ")),
        "check region and RSQLFLOW_PREFIX, or deploy",
    )
}

async fn functions(place: &Place) -> Vec<Check> {
    let client = aws_sdk_lambda::Client::new(&place.sdk);
    let mut bad = Vec::new();
    for function in Function::ALL {
        let function = function.name_in(&place.deployment);
        let dry = client.invoke().function_name(function).invocation_type(InvocationType::DryRun);
        if let Err(error) = dry.send().await {
            bad.push(Check::failed(
                format!("function {function}"),
                Failure::of_sdk(&error, "Invoke (dry run)".to_owned()),
                "check region and RSQLFLOW_PREFIX, or deploy",
            ));
        }
    }
    if bad.is_empty() {
        bad.push(Check::good("functions", format!("all {} can be invoked", Function::ALL.len())));
    }
    bad
}

/// The embedded endpoint has the document built in, and does not show it.
async fn document(place: &Place) -> Check {
    let name = format!("SSM document {}", place.deployment.ssm_document);
    if !place.is_aws() {
        return Check::good(name, "built into the endpoint");
    }
    let client = aws_sdk_ssm::Client::new(&place.sdk);
    match client.describe_document().name(&place.deployment.ssm_document).send().await {
        Ok(found) => {
            let status = found.document.and_then(|document| document.status);
            Check::good(name, status.map_or("there".to_owned(), |status| status.as_str().to_owned()))
        }
        Err(error) => Check::failed(
            name,
            Failure::of_sdk(&error, "DescribeDocument".to_owned()),
            "check region and RSQLFLOW_PREFIX, or deploy",
        ),
    }
}

async fn instances(place: &Place) -> Check {
    let name = "instances";
    let client = aws_sdk_ssm::Client::new(&place.sdk);
    let mut pages = client.describe_instance_information().into_paginator().items().send();
    let (mut online, mut offline) = (Vec::new(), Vec::new());
    while let Some(instance) = pages.next().await {
        match instance {
            Ok(instance) => {
                let id = instance.instance_id().unwrap_or_default().to_owned();
                let is_online = instance.ping_status().is_some_and(|status| status.as_str() == "Online");
                if is_online { &mut online } else { &mut offline }.push(id);
            }
            Err(error) => {
                let failure = Failure::of_sdk(&error, "DescribeInstanceInformation".to_owned());
                return Check::failed(name, failure, "ask for ssm:DescribeInstanceInformation");
            }
        }
    }
    let mend = "start the instance, and check that the SSM agent runs there and its role has \
                AmazonSSMManagedInstanceCore; `rsqlflow-agent status` on it shows the job agent";
    if let Some(Target::InstanceIds(wanted)) = &place.deployment.defaults.target {
        let gone: Vec<&str> = wanted.iter().filter(|id| !online.contains(id)).map(String::as_str).collect();
        if !gone.is_empty() {
            let found = format!("of the default target not online: {}", gone.join(", "));
            return Check::not_good(Health::Bad, name, found, mend);
        }
    }
    match (online.len(), offline.len()) {
        (0, _) => Check::not_good(Health::Bad, name, "none is online in Systems Manager", mend),
        (count, 0) => Check::good(name, format!("{count} online")),
        (count, _) => {
            let found = format!("{count} online, not online: {}", offline.join(", "));
            Check::not_good(Health::Odd, name, found, mend)
        }
    }
}

pub(super) async fn log_group(place: &Place) -> Check {
    let group = &place.deployment.log_group;
    let name = format!("log group {group}");
    let client = aws_sdk_cloudwatchlogs::Client::new(&place.sdk);
    match client.describe_log_groups().log_group_name_prefix(group).send().await {
        Ok(found) if found.log_groups().iter().any(|g| g.log_group_name() == Some(group)) => {
            Check::good(name, "there")
        }
        Ok(_) => Check::not_good(
            Health::Bad,
            name,
            "missing: jobs run, and their output is kept on the instances only",
            "create it, or name the right one in RSQLFLOW_LOG_GROUP",
        ),
        Err(error) => Check::failed(
            name,
            Failure::of_sdk(&error, "DescribeLogGroups".to_owned()),
            "ask for logs:DescribeLogGroups",
        ),
    }
}

pub(super) async fn runs(place: &Place) -> Check {
    let name = "runs";
    match sweep::invoke(place, true).await {
        Ok(found) if !found.closed.is_empty() => Check::not_good(
            Health::Odd,
            name,
            format!(
                "{} at work; {} whose execution is over are still open, first {}",
                found.running.len(),
                found.closed.len(),
                found.closed.first().map(|run| run.workflow_execution_id.to_string()).unwrap_or_default()
            ),
            "`rsqlflow sweep` closes them, if they are still there in a minute",
        ),
        Ok(found) if !found.failed.is_empty() => Check::not_good(
            Health::Bad,
            name,
            found.failed.first().map(|run| run.message.clone()).unwrap_or_default(),
            "`rsqlflow sweep --dry-run` shows each",
        ),
        Ok(found) => Check::good(name, format!("{} at work, none left open", found.running.len())),
        Err(failure) => Check::failed(name, failure, "look at the sweeper's log"),
    }
}
