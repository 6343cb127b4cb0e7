//! Simulated instances.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::http::{AwsError, Constraints, answer, parse};
use crate::place;
use crate::services::ssm::check::Page;
use crate::services::ssm::{Ssm, check};

/// A simulated EC2 instance with the SSM agent.
#[derive(Debug)]
pub(crate) struct Instance {
    /// Its id, such as `i-local000000000001`.
    pub(crate) id: String,
    /// Its tags.
    pub(crate) tags: BTreeMap<String, String>,
    /// Its directory in the state directory.
    pub(crate) folder: PathBuf,
    /// The agent's configuration.
    pub(crate) agent_config: PathBuf,
    /// Maximum number of concurrent commands.
    pub(crate) workers: Semaphore,
}

/// A condition on instances, in either of the two forms of the API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    #[serde(rename = "Key", alias = "key")]
    pub(super) key: String,
    #[serde(rename = "Values", alias = "valueSet")]
    pub(super) values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    instance_information_filter_list: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

const PING_STATUS: &str = "Online";
const PLATFORM: &str = "Linux";
const RESOURCE_TYPE: &str = "EC2Instance";
const AGENT_VERSION: &str = "3.3.2746.0";

/// Filters with enumerated values.
const PING_STATUSES: [&str; 3] = [PING_STATUS, "ConnectionLost", "Inactive"];
const PLATFORMS: [&str; 3] = [PLATFORM, "Windows", "MacOS"];
const RESOURCE_TYPES: [&str; 2] = [RESOURCE_TYPE, "ManagedInstance"];

impl Instance {
    /// Maximum number of concurrent commands of an instance: `CommandWorkersLimit` of the SSM agent.
    pub(crate) const WORKERS: usize = 5;

    /// The id of the `number`th instance, from 1. It is as long as EC2's ids.
    pub(crate) fn id(number: usize) -> String {
        format!("i-local{number:012}")
    }

    /// Whether a filter of `DescribeInstanceInformation`, or a target of `SendCommand`, matches the instance.
    pub(super) fn matches(&self, filter: &Filter) -> Result<bool, AwsError> {
        let one_of = |text: &str| filter.values.iter().any(|value| value == text);
        let enumerated = |text: &str, allowed: &[&str]| match filter
            .values
            .iter()
            .find(|value| !allowed.contains(&value.as_str()))
        {
            None => Ok(one_of(text)),
            Some(value) => {
                let message = format!("The filter {} has no value {value}.", filter.key);
                Err(AwsError::client("InvalidInstanceInformationFilterValue", message))
            }
        };
        Ok(match filter.key.as_str() {
            "InstanceIds" | "instanceids" => one_of(&self.id),
            "PingStatus" => enumerated(PING_STATUS, &PING_STATUSES)?,
            "PlatformTypes" | "PlatformType" => enumerated(PLATFORM, &PLATFORMS)?,
            "ResourceType" => enumerated(RESOURCE_TYPE, &RESOURCE_TYPES)?,
            "AgentVersion" => one_of(AGENT_VERSION),
            // No instance here has any of these.
            "ActivationIds" | "IamRole" | "AssociationStatus" | "SourceIds" | "SourceTypes" => false,
            "tag-key" => filter.values.iter().any(|key| self.tags.contains_key(key)),
            key => match key.strip_prefix("tag:") {
                Some(tag) => self.tags.get(tag).is_some_and(|value| one_of(value)),
                None => {
                    let message = format!("The specified key {key} is not valid.");
                    return Err(AwsError::client("InvalidFilterKey", message));
                }
            },
        })
    }

    pub(super) fn matches_all(&self, filters: &[Filter]) -> Result<bool, AwsError> {
        for filter in filters {
            if !self.matches(filter)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn describe(&self) -> Value {
        json!({
            "InstanceId": self.id,
            "PingStatus": PING_STATUS,
            "LastPingDateTime": place::seconds(place::now_ms()),
            "AgentVersion": AGENT_VERSION,
            "IsLatestVersion": true,
            "PlatformType": PLATFORM,
            "PlatformName": "rsqlflow local",
            "ResourceType": RESOURCE_TYPE,
            "IPAddress": "127.0.0.1",
            "ComputerName": self.id,
        })
    }
}

impl Ssm {
    pub(super) fn describe_instance_information(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Describe = parse("DescribeInstanceInformation", body)?;
        let page = Page { max_results: request.max_results, next_token: request.next_token };
        let limit = page.limit(5, 50)?;
        let mut constraints = Constraints::default();
        for filter in request.filters.iter().chain(&request.instance_information_filter_list) {
            constraints.items("filters.member.values", Some(&filter.values), 1..=100);
        }
        constraints.check("ValidationException")?;
        if !request.filters.is_empty() && !request.instance_information_filter_list.is_empty() {
            let message = "Filters and InstanceInformationFilterList are mutually exclusive";
            return Err(AwsError::client("ValidationException", message));
        }
        let filters: Vec<Filter> =
            request.filters.into_iter().chain(request.instance_information_filter_list).collect();
        // The token of a page is the id of its last instance: the ids are sorted.
        let after = page.next_token.unwrap_or_default();
        if !after.is_empty() && !after.starts_with("i-") {
            return Err(check::invalid_token());
        }
        let mut page = Vec::new();
        for instance in &self.instances {
            if instance.id > after && instance.matches_all(&filters)? {
                page.push(instance);
            }
            if page.len() > limit {
                break;
            }
        }
        let more = page.len() > limit;
        page.truncate(limit);
        let token = page.last().filter(|_| more).map(|instance| &instance.id);
        let list: Vec<Value> = page.iter().map(|instance| instance.describe()).collect();
        answer(&json!({"InstanceInformationList": list, "NextToken": token}))
    }
}
