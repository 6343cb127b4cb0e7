//! `SendCommand`.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::ssm::document::Values;
use crate::services::ssm::instances::{Filter, Instance};
use crate::services::ssm::invocation::Invocation;
use crate::services::ssm::{Document, Ssm};

/// `TimeoutSeconds` without one (Systems Manager API reference, `SendCommand`).
const DEFAULT_TIMEOUT: u64 = 3_600;

/// `TimeoutSeconds` at most; the least is [`SHORTEST_TIMEOUT`](super::SHORTEST_TIMEOUT).
const LONGEST_TIMEOUT: u64 = 2_592_000;

/// Instances in `InstanceIds`, and values of a target.
const MOST_INSTANCES: usize = 50;

/// Targets of one command.
const MOST_TARGETS: usize = 5;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Send {
    document_name: String,
    document_version: Option<String>,
    #[serde(default)]
    instance_ids: Vec<String>,
    #[serde(default)]
    targets: Vec<Filter>,
    #[serde(default)]
    parameters: Values,
    timeout_seconds: Option<u64>,
    comment: Option<String>,
}

impl Ssm {
    pub(super) fn send_command(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Send = parse("SendCommand", body)?;
        let document = self.document(&request)?;
        let timeout = request.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT);
        let shortest = self.shortest_delivery;
        if !(shortest..=LONGEST_TIMEOUT).contains(&timeout) {
            let message = format!(
                "1 validation error detected: Value '{timeout}' at 'timeoutSeconds' failed to satisfy constraint: \
                 Member must have a value between {shortest} and {LONGEST_TIMEOUT}"
            );
            return Err(AwsError::client("ValidationException", message));
        }
        if request.comment.as_ref().is_some_and(|comment| comment.chars().count() > 100) {
            return Err(AwsError::client("ValidationException", "Comment is longer than 100 characters"));
        }
        let instances = self.targets(&request)?;
        let arguments = document.arguments(&request.parameters)?;

        let command_id = uuid::Uuid::new_v4().to_string();
        let now = place::now_ms();
        for instance in &instances {
            let invocation = Arc::new(Invocation::new(
                &command_id,
                instance,
                document.name(),
                request.comment.as_deref().unwrap_or_default(),
            ));
            self.commands.add(Arc::clone(&invocation))?;
            let launcher = Arc::clone(&self.launcher);
            let (instance, arguments) = (Arc::clone(instance), arguments.clone());
            self.running.spawn(async move {
                launcher.run(&invocation, &instance, &arguments, Duration::from_secs(timeout)).await;
            });
        }
        let targets: Vec<_> =
            request.targets.iter().map(|t| json!({"Key": t.key, "Values": t.values})).collect();
        answer(&json!({"Command": {
            "CommandId": command_id,
            "DocumentName": document.name(),
            "DocumentVersion": "$DEFAULT",
            "Comment": request.comment.unwrap_or_default(),
            "Parameters": request.parameters,
            "InstanceIds": request.instance_ids,
            "Targets": targets,
            "RequestedDateTime": place::seconds(now),
            "ExpiresAfter": place::seconds(now + i64::try_from(timeout * 1000).unwrap_or(i64::MAX)),
            "TimeoutSeconds": timeout,
            "Status": "Pending",
            "StatusDetails": "Pending",
            "MaxConcurrency": "50",
            "MaxErrors": "0",
            "TargetCount": instances.len(),
            "CompletedCount": 0,
            "ErrorCount": 0,
            "DeliveryTimedOutCount": 0,
        }}))
    }

    fn document(&self, request: &Send) -> Result<&Document, AwsError> {
        let name = request.document_name.rsplit('/').next().unwrap_or_default();
        let document = self.documents.iter().find(|document| document.name() == name).ok_or_else(|| {
            let message = format!("Document with name {name} does not exist.");
            AwsError::client("InvalidDocument", message)
        })?;
        match request.document_version.as_deref() {
            None | Some("$DEFAULT" | "$LATEST" | "1") => Ok(document),
            Some(version) => {
                let message = format!("Document {name} has no version {version}.");
                Err(AwsError::client("InvalidDocumentVersion", message))
            }
        }
    }

    /// The instances that the command is for.
    fn targets(&self, request: &Send) -> Result<Vec<Arc<Instance>>, AwsError> {
        let too_many = request.instance_ids.len() > MOST_INSTANCES
            || request.targets.len() > MOST_TARGETS
            || request.targets.iter().any(|target| target.values.len() > MOST_INSTANCES);
        if too_many || request.instance_ids.is_empty() == request.targets.is_empty() {
            let message = "give either 1 to 50 InstanceIds, or 1 to 5 Targets with up to 50 values each";
            return Err(AwsError::client("ValidationException", message));
        }
        if request.targets.is_empty() {
            return request.instance_ids.iter().map(|id| self.instance(id)).collect();
        }
        let mut found = Vec::new();
        for instance in &self.instances {
            if instance.matches_all(&request.targets)? {
                found.push(Arc::clone(instance));
            }
        }
        Ok(found)
    }

    fn instance(&self, id: &str) -> Result<Arc<Instance>, AwsError> {
        let found = self.instances.iter().find(|instance| instance.id == id).map(Arc::clone);
        found.ok_or_else(|| {
            let message = format!("Instances [[{id}]] not in a valid state for account {}", place::ACCOUNT);
            AwsError::client("InvalidInstanceId", message)
        })
    }
}
