//! `RedriveExecution`.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html>

use std::sync::Arc;

use asl::{Input, NotRedrivable, Status};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::http::{AwsError, Constraints, answer, parse};
use crate::place;
use crate::services::stepfunctions::actor::Actor;
use crate::services::stepfunctions::running::Entry;
use crate::services::stepfunctions::{StepFunctions, names, rules};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Redrive {
    execution_arn: String,
    /// The same request made again is the same redrive, for ever (recorded behaviour).
    client_token: Option<String>,
}

impl StepFunctions {
    pub(super) async fn redrive_execution(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Redrive = parse("RedriveExecution", body)?;
        names::check_arn(&request.execution_arn, "execution")?;
        let mut constraints = Constraints::default();
        constraints.length("clientToken", request.client_token.as_deref(), 1..=64);
        constraints.check("ValidationException")?;
        let shared = &self.shared;
        // One at a time, and none while an execution is added.
        let _one = shared.starting.lock().await;
        if shared.closing.is_cancelled() {
            return Err(names::closing());
        }
        let row = shared.database.execution(&request.execution_arn).await?;
        let row = row.ok_or_else(|| names::no_execution(&request.execution_arn))?;
        if let Some(token) = request.client_token.clone()
            && let Some(redriven) = shared.database.redriven_by(row.id, token).await?
        {
            return answer(&json!({"redriveDate": place::seconds(redriven)}));
        }
        let refuse = |reason: &dyn std::fmt::Display| {
            let message = format!("Execution {} invalid for redrive as: {reason}", row.arn);
            AwsError::client("ExecutionNotRedrivable", message)
        };
        match row.status {
            Status::Running => return Err(refuse(&NotRedrivable::Running)),
            Status::Succeeded => return Err(refuse(&NotRedrivable::Succeeded)),
            _ => {}
        }
        rules::announce_now(shared, row.id).await?;
        let (execution, position) = shared.replayed(row.id).await?;
        let now = Timestamp::now();
        execution.redrivable(now).map_err(|reason| refuse(&reason))?;

        let (entry, mailbox) = Entry::new(row.id);
        shared.running.add(Arc::clone(&entry));
        let mut actor = Actor::new(execution, Arc::clone(&entry), Arc::clone(shared), position, now);
        actor.redrive_token = request.client_token;
        let accepted = actor.start(Input::Redrive, mailbox).await.ok_or_else(names::closing)?;
        accepted.map_err(|reason| {
            shared.running.remove(&entry);
            refuse(&reason)
        })?;
        let redriven = shared.database.execution_of(row.id).await?.and_then(|row| row.redriven);
        answer(&json!({"redriveDate": place::seconds(redriven.unwrap_or_else(place::now_ms))}))
    }
}
