//! Targets of rules.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bus::need_default;
use super::path::Path;
use super::rules::{check_name, cut, list_answer, need, page_size};
use super::transform::{Context, InputTransformer};
use super::{EventBridge, invalid};
use crate::http::{AwsError, answer, parse};
use crate::services::delivery::{Kind, RetryPolicy};

/// Targets of one rule (EventBridge quotas).
const TARGETS: usize = 5;

/// Targets of one request (service model).
const TARGETS_A_REQUEST: usize = 100;

/// Bytes of a constant input (service model).
const LONGEST_INPUT: usize = 8_192;

/// A target, as it is given and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Target {
    pub(super) id: String,
    pub(super) arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_transformer: Option<InputTransformer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_policy: Option<RetryPolicy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    rule: String,
    event_bus_name: Option<String>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Remove {
    rule: String,
    event_bus_name: Option<String>,
    ids: Vec<String>,
    /// For rules that AWS services manage, of which there are none.
    #[serde(rename = "Force")]
    _force: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    rule: String,
    event_bus_name: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
}

impl EventBridge {
    pub(super) async fn put_targets(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Put = parse("PutTargets", body)?;
        need_default(request.event_bus_name.as_deref())?;
        if !(1..=TARGETS_A_REQUEST).contains(&request.targets.len()) {
            return Err(invalid(format!("Targets must have 1 to {TARGETS_A_REQUEST} members")));
        }
        for target in &request.targets {
            target.check()?;
        }
        self.worker
            .run(move |db| {
                let transaction = db.transaction()?;
                need(&transaction, &request.rule)?;
                let mut ids: HashSet<String> = transaction
                    .prepare_cached("SELECT id FROM target WHERE rule = ?1")?
                    .query_map([&request.rule], |row| row.get(0))?
                    .collect::<rusqlite::Result<_>>()?;
                for target in &request.targets {
                    ids.insert(target.id.clone());
                    let spec = serde_json::to_string(target).map_err(AwsError::internal)?;
                    transaction
                        .prepare_cached(
                            "INSERT INTO target (rule, id, arn, spec) VALUES (?1, ?2, ?3, ?4)
                             ON CONFLICT DO UPDATE SET arn = ?3, spec = ?4, repeat_on = NULL",
                        )?
                        .execute((&request.rule, &target.id, &target.arn, spec))?;
                }
                if ids.len() > TARGETS {
                    let message = "The requested resource exceeds the maximum number allowed.";
                    return Err(AwsError::client("LimitExceededException", message));
                }
                transaction.commit()?;
                Ok(())
            })
            .await??;
        answer(&json!({"FailedEntryCount": 0, "FailedEntries": []}))
    }

    pub(super) async fn remove_targets(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Remove = parse("RemoveTargets", body)?;
        need_default(request.event_bus_name.as_deref())?;
        self.worker
            .run(move |db| {
                let transaction = db.transaction()?;
                need(&transaction, &request.rule)?;
                for id in &request.ids {
                    transaction
                        .prepare_cached("DELETE FROM target WHERE rule = ?1 AND id = ?2")?
                        .execute((&request.rule, id))?;
                }
                transaction.commit()?;
                Ok::<_, AwsError>(())
            })
            .await??;
        answer(&json!({"FailedEntryCount": 0, "FailedEntries": []}))
    }

    pub(super) async fn list_targets_by_rule(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: List = parse("ListTargetsByRule", body)?;
        need_default(request.event_bus_name.as_deref())?;
        let limit = page_size(request.limit)?;
        let after = request.next_token.unwrap_or_default();
        let mut targets = self
            .worker
            .run(move |db| {
                need(db, &request.rule)?;
                let rows = db
                    .prepare_cached(
                        "SELECT id, spec FROM target WHERE rule = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
                    )?
                    .query_map((&request.rule, after, limit + 1), |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<rusqlite::Result<Vec<(String, String)>>>()?;
                Ok::<_, AwsError>(rows)
            })
            .await??;
        let token = cut(&mut targets, limit, |(id, _)| id.clone());
        let targets: Vec<Value> =
            targets.iter().filter_map(|(_, spec)| serde_json::from_str(spec).ok()).collect();
        list_answer("Targets", json!(targets), token)
    }
}

impl Target {
    fn check(&self) -> Result<(), AwsError> {
        check_name("targets.member.id", &self.id)?;
        let id = &self.id;
        if Kind::of(&self.arn)? == Kind::StateMachine && self.role_arn.is_none() {
            return Err(invalid(format!("RoleArn is required for target {id}.")));
        }
        let inputs = [self.input.is_some(), self.input_path.is_some(), self.input_transformer.is_some()];
        if inputs.into_iter().filter(|given| *given).count() > 1 {
            let message = "Only one of Input, InputPath, or InputTransformer must be provided for target";
            return Err(invalid(format!("{message} {id}.")));
        }
        if let Some(input) = &self.input {
            if input.len() > LONGEST_INPUT {
                return Err(invalid(format!("Input of target {id} is longer than {LONGEST_INPUT} bytes")));
            }
            serde_json::from_str::<Value>(input)
                .map_err(|e| invalid(format!("JSON syntax error in input for target {id}: {e}")))?;
        }
        if self.input_path.as_deref().is_some_and(|path| Path::parse(path).is_none()) {
            return Err(invalid(format!("Reason: Invalid JSONPath provided in InputPath for target {id}.")));
        }
        if let Some(transformer) = &self.input_transformer {
            let problem = |reason| invalid(format!("Invalid InputTransformer for target {id} : {reason}."));
            transformer.check().map_err(problem)?;
        }
        self.retry_policy.map_or(Ok(()), |policy| policy.check())
    }

    /// What the target gets of an event.
    pub(super) fn payload(&self, event: &Value, context: Context<'_>) -> String {
        if let Some(input) = &self.input {
            return input.clone();
        }
        if let Some(transformer) = &self.input_transformer {
            return transformer.apply(event, context);
        }
        match self.input_path.as_deref().and_then(Path::parse) {
            // A path that leads nowhere gives an empty object.
            Some(path) => path.find(event).unwrap_or_else(|| json!({})).to_string(),
            None => event.to_string(),
        }
    }
}
