//! `SendCommand`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use crate::http::{AwsError, Constraints, answer, parse};
use crate::place;
use crate::services::ssm::deliver::Open;
use crate::services::ssm::document::Values;
use crate::services::ssm::instances::{Filter, Instance};
use crate::services::ssm::progress::Progress;
use crate::services::ssm::rows::{self, Sent};
use crate::services::ssm::{Document, Ssm, check, command, rate};

/// The default of `TimeoutSeconds` (Systems Manager API reference, `SendCommand`).
const DEFAULT_TIMEOUT: u64 = 3_600;

/// The maximum of `TimeoutSeconds`. The minimum is [`SHORTEST_TIMEOUT`](super::SHORTEST_TIMEOUT).
const LONGEST_TIMEOUT: u64 = 2_592_000;

/// Maximum number of instances in `InstanceIds`, and of values of a target.
const MOST_INSTANCES: usize = 50;

/// Maximum number of targets of a command.
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
    max_concurrency: Option<String>,
    max_errors: Option<String>,
}

impl Ssm {
    pub(super) async fn send_command(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Send = parse("SendCommand", body)?;
        self.check(&request)?;
        let document = self.document(&request.document_name, request.document_version.as_deref())?;
        let instances = self.targets(&request)?;
        let arguments = document.arguments(&request.parameters)?;
        let sent = Sent {
            document: document.name().to_owned(),
            document_version: request.document_version.unwrap_or_else(|| "$DEFAULT".to_owned()),
            comment: request.comment.unwrap_or_default(),
            parameters: request.parameters,
            instance_ids: request.instance_ids,
            targets: request.targets,
            max_concurrency: request.max_concurrency.unwrap_or_else(|| rate::DEFAULT_CONCURRENCY.to_owned()),
            max_errors: request.max_errors.unwrap_or_else(|| rate::DEFAULT_ERRORS.to_owned()),
            timeout: request.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT),
            arguments,
        };
        let command_id = uuid::Uuid::new_v4().to_string();
        let ids: Vec<String> = instances.iter().map(|instance| instance.id.clone()).collect();
        // On disk before the answer, so that an acknowledged command is delivered.
        let (row, invocations) =
            self.worker.run(move |db| rows::insert(db, &command_id, &sent, &ids)).await??;
        let described = command::describe(&row, &vec![Progress::Pending; invocations.len()]);
        let open: Vec<Open> = invocations
            .into_iter()
            .zip(&instances)
            .map(|(id, instance)| Open { id, instance_id: instance.id.clone() })
            .collect();
        let targets = open.len();
        self.deliverer.send(row, open, targets, 0);
        answer(&json!({"Command": described}))
    }

    fn check(&self, request: &Send) -> Result<(), AwsError> {
        let mut constraints = Constraints::default();
        constraints.range(
            "timeoutSeconds",
            request.timeout_seconds,
            self.shortest_delivery..=LONGEST_TIMEOUT,
        );
        constraints.length("comment", request.comment.as_deref(), 0..=100);
        rate::check(&mut constraints, request.max_concurrency.as_deref(), request.max_errors.as_deref());
        constraints.items("instanceIds", Some(&request.instance_ids), 0..=MOST_INSTANCES);
        for id in &request.instance_ids {
            check::instance_id(&mut constraints, "instanceIds", Some(id));
        }
        constraints.items("targets", Some(&request.targets), 0..=MOST_TARGETS);
        for target in &request.targets {
            constraints.items("targets.member.values", Some(&target.values), 0..=MOST_INSTANCES);
        }
        constraints.check("ValidationException")?;
        refuse_duplicates(&request.instance_ids)?;
        if request.instance_ids.is_empty() == request.targets.is_empty() {
            let message = "either InstanceIds or Targets is required";
            return Err(AwsError::client("ValidationException", message));
        }
        if let Some(target) = request.targets.iter().find(|t| t.key.starts_with("resource-groups:")) {
            return Err(AwsError::not_implemented(format_args!("the target {}", target.key)));
        }
        Ok(())
    }

    /// A document by name or ARN.
    pub(super) fn document(&self, name: &str, version: Option<&str>) -> Result<&Document, AwsError> {
        let name = name.rsplit('/').next().unwrap_or_default();
        let document = self.documents.iter().find(|document| document.name() == name).ok_or_else(|| {
            let message = format!("Document with name {name} does not exist.");
            AwsError::client("InvalidDocument", message)
        })?;
        match version {
            None | Some("$DEFAULT" | "$LATEST" | "1") => Ok(document),
            Some(version) => {
                let message = format!("Document {name} has no version {version}.");
                Err(AwsError::client("InvalidDocumentVersion", message))
            }
        }
    }

    /// The instances of the command.
    fn targets(&self, request: &Send) -> Result<Vec<Arc<Instance>>, AwsError> {
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

pub(super) fn refuse_duplicates(instances: &[String]) -> Result<(), AwsError> {
    let mut seen = BTreeSet::new();
    match instances.iter().find(|id| !seen.insert(*id)) {
        None => Ok(()),
        Some(id) => Err(AwsError::client("DuplicateInstanceId", format!("{id} is given twice."))),
    }
}
