//! The instances of the default target: whether they are online, with an SSM agent and a job agent that are new enough.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{InstanceInformation, InstanceInformationStringFilter, InventoryFilter};
use rsqlflow_core::RUN_JOB_PARAMETERS;
use rsqlflow_core::check::{Check, Health};
use rsqlflow_core::config::Target;

use super::DEPLOY;
use super::failed::{failed, is_not_offered};
use crate::backend::Backend;

/// Reads document parameters as variables (Systems Manager user guide, "SSM document syntax").
const OLDEST_SSM_AGENT: [u32; 4] = [3, 3, 2746, 0];

/// The most instances whose packages are listed: it takes one call each.
const MOST_ASKED: usize = 20;

const NO_INSTANCE: &str = "start the instance, and check that the SSM agent runs there, that its role has \
                           AmazonSSMManagedInstanceCore, and that it has the tags of the target";

pub(super) async fn checks(backend: &Backend, target: Option<&Target>) -> Vec<Check> {
    let client = Client::new(&backend.sdk);
    let mut pages = client
        .describe_instance_information()
        .set_filters(target.map(filters))
        .into_paginator()
        .items()
        .send();
    let mut found = Vec::new();
    while let Some(instance) = pages.next().await {
        match instance {
            Ok(instance) => found.push(instance),
            Err(error) => {
                let action = "ssm:DescribeInstanceInformation";
                return vec![failed("instances", &error, action, "open Fleet Manager in the console")];
            }
        }
    }
    let mut checks = vec![presence(&found, target)];
    for instance in &found {
        checks.extend(state(instance));
    }
    for instance in found.iter().filter(|instance| is_online(instance)).take(MOST_ASKED) {
        let Some(check) = agent(&client, instance.instance_id().unwrap_or_default()).await else { break };
        // Without permission for one instance there is none for the others.
        let is_unknown = check.health == Health::Unknown;
        checks.push(check);
        if is_unknown {
            break;
        }
    }
    checks
}

fn filters(target: &Target) -> Vec<InstanceInformationStringFilter> {
    let filter = |key: String, values: Vec<String>| {
        InstanceInformationStringFilter::builder().key(key).set_values(Some(values)).build().ok()
    };
    let filters: Vec<_> = match target {
        Target::InstanceIds(ids) => vec![filter("InstanceIds".to_owned(), ids.clone())],
        Target::Tags(tags) => {
            tags.iter().map(|(key, value)| filter(format!("tag:{key}"), vec![value.clone()])).collect()
        }
    };
    filters.into_iter().flatten().collect()
}

fn is_online(instance: &InstanceInformation) -> bool {
    instance.ping_status().is_some_and(|status| status.as_str() == "Online")
}

/// Whether the target has an online instance, and whether every instance that it names is online.
fn presence(found: &[InstanceInformation], target: Option<&Target>) -> Check {
    let name = match target {
        Some(target) => format!("instances of {}", serde_json::to_string(target).unwrap_or_default()),
        None => "instances (no default target is known)".to_owned(),
    };
    let online = found.iter().filter(|instance| is_online(instance)).count();
    if let Some(Target::InstanceIds(wanted)) = target {
        let known = |id: &String| found.iter().any(|one| one.instance_id() == Some(id) && is_online(one));
        let gone: Vec<&str> = wanted.iter().filter(|id| !known(id)).map(String::as_str).collect();
        if !gone.is_empty() {
            let found = format!("not online: {}", gone.join(", "));
            return Check::failed(name, found, NO_INSTANCE);
        }
    }
    match online {
        0 => Check::failed(name, "none is online in Systems Manager", NO_INSTANCE),
        online => Check::ok(name, format!("{online} online")),
    }
}

/// The state of an instance.
fn state(instance: &InstanceInformation) -> Vec<Check> {
    let name = format!("instance {}", instance.instance_id().unwrap_or("?"));
    let mut checks = Vec::new();
    if !is_online(instance) {
        let status = instance.ping_status().map_or("unknown", |status| status.as_str());
        checks.push(Check::warning(&name, format!("its ping status is {status}"), NO_INSTANCE));
    }
    if let Some(version) = instance.agent_version().filter(|version| is_old(version)) {
        let oldest = OLDEST_SSM_AGENT.map(|n| n.to_string()).join(".");
        checks.push(Check::failed(
            &name,
            format!("its SSM agent is {version}; the command needs {oldest} or newer"),
            "update the SSM agent with AWS-UpdateSSMAgent",
        ));
    }
    if instance.association_status() == Some("Failed") {
        checks.push(Check::warning(
            &name,
            "an association of State Manager failed: the agent may not be current",
            "`aws ssm describe-instance-associations-status --instance-id ID` shows which and why",
        ));
    }
    checks
}

/// Whether a version such as `3.3.40.0` is older than needed. One that cannot be read says nothing.
fn is_old(version: &str) -> bool {
    let parts: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
    parts.is_some_and(|parts| parts.as_slice() < OLDEST_SSM_AGENT.as_slice())
}

/// The version of the job agent, where Systems Manager keeps an inventory of packages. `None` where the endpoint has no
/// inventory.
async fn agent(client: &Client, id: &str) -> Option<Check> {
    let name = format!("agent on {id}");
    let hint = "`rsqlflow-agent --version` on the instance shows it; with the association AWS-GatherSoftwareInventory, \
                Systems Manager knows it";
    let filter = InventoryFilter::builder().key("Name").values("rsqlflow-agent").build().ok();
    let call = client.list_inventory_entries().instance_id(id).type_name("AWS:Application");
    Some(match call.set_filters(filter.map(|filter| vec![filter])).send().await {
        Ok(found) => {
            let ours = env!("CARGO_PKG_VERSION");
            match found.entries().iter().find_map(|entry| entry.get("Version")) {
                Some(version) if version.split(['-', '~']).next() == Some(ours) => Check::ok(name, version),
                Some(version) => Check::warning(
                    name,
                    format!("{version}, and this program is {ours}"),
                    "the association installs the deployed version; `rsqlflow deploy` with the new packages",
                ),
                None => {
                    Check::warning(name, "its version is not known: there is no inventory of packages", hint)
                }
            }
        }
        Err(error) if is_not_offered(&error) => return None,
        Err(error) => failed(name, &error, "ssm:ListInventoryEntries", hint),
    })
}

/// Checks the SSM document that starts the agent.
pub(super) async fn document(backend: &Backend) -> Check {
    let document = &backend.deployment.ssm_document;
    let name = format!("SSM document {document}");
    let found = match Client::new(&backend.sdk).describe_document().name(document).send().await {
        Ok(found) => found.document,
        Err(error) => {
            return failed(name, &error, "ssm:DescribeDocument", DEPLOY);
        }
    };
    let has = |wanted: &&str| {
        let parameters = found.iter().flat_map(|document| document.parameters());
        parameters.filter_map(|parameter| parameter.name()).any(|name| name == *wanted)
    };
    let missing: Vec<&str> =
        RUN_JOB_PARAMETERS.iter().map(|one| one.name).filter(|wanted| !has(wanted)).collect();
    let status =
        found.as_ref().and_then(|document| document.status()).map_or("unknown", |status| status.as_str());
    if !missing.is_empty() {
        let found = format!("it has no parameter {}", missing.join(", "));
        return Check::failed(name, found, "restore it with `rsqlflow deploy`");
    }
    match status {
        "Active" => Check::ok(name, "Active, with the expected parameters"),
        status => Check::failed(name, status, "wait until it is Active, or run `rsqlflow deploy`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for (version, old) in [
            ("3.3.2746.0", false),
            ("3.3.3572.0", false),
            ("3.10.1.0", false),
            ("3.3.987.0", true),
            ("2.3.0.0", true),
            ("local", false),
        ] {
            assert_eq!(is_old(version), old, "{version}");
        }
    }

    #[test]
    fn who_is_named_must_be_online() {
        let instance = |id: &str, ping: &str| {
            InstanceInformation::builder().instance_id(id).ping_status(ping.into()).build()
        };
        let found = [instance("i-1", "Online"), instance("i-2", "ConnectionLost")];
        let named = Target::InstanceIds(vec!["i-1".to_owned(), "i-2".to_owned()]);
        assert_eq!(presence(&found, Some(&named)).found, "not online: i-2");
        assert!(presence(&found, None).health == Health::Ok);
        assert!(presence(&found[1..], None).health == Health::Failed);
        assert_eq!(state(&found[1]).len(), 1);
    }
}
