//! `StartExecution`.

use std::sync::Arc;

use asl::{Execution, ExecutionContext, Seed, Status};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::stepfunctions::actor::Actor;
use crate::services::stepfunctions::database::{Inserted, NewExecution, Parent, Row};
use crate::services::stepfunctions::running::Entry;
use crate::services::stepfunctions::{Shared, StepFunctions, names};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Start {
    state_machine_arn: String,
    name: Option<String>,
    input: Option<String>,
}

impl StepFunctions {
    pub(super) async fn start_execution(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Start = parse("StartExecution", body)?;
        names::check_arn(&request.state_machine_arn, "stateMachine")?;
        let input = Given::read(request.input.unwrap_or_else(|| "{}".to_owned()))?;
        let machine = &request.state_machine_arn;
        let row = start(&self.shared, machine, request.name.as_deref(), input, None).await?;
        answer(&json!({"executionArn": row.arn, "startDate": place::seconds(row.started)}))
    }
}

/// An execution's input.
#[derive(Debug)]
pub(super) struct Given {
    /// As written by the caller, which is how it is returned.
    text: String,
    value: Value,
}

impl Given {
    /// Reads JSON text.
    pub(super) fn read(text: String) -> Result<Self, AwsError> {
        let invalid = |reason: &dyn std::fmt::Display| {
            let message = format!("Invalid State Machine Execution Input: '{reason}'");
            AwsError::client("InvalidExecutionInput", message)
        };
        if text.len() > names::LARGEST_PAYLOAD {
            return Err(invalid(&format_args!("more than {} bytes", names::LARGEST_PAYLOAD)));
        }
        let value = serde_json::from_str(&text).map_err(|e| invalid(&e))?;
        Ok(Self { text, value })
    }
}

impl From<Value> for Given {
    fn from(value: Value) -> Self {
        Self { text: value.to_string(), value }
    }
}

/// Starts an execution, which is on disk when this returns. If an execution of the same name and input is running, or if
/// the same try of a Task state already started one, that one is returned.
pub(super) async fn start(
    shared: &Arc<Shared>,
    machine: &str,
    name: Option<&str>,
    input: Given,
    parent: Option<Parent>,
) -> Result<Row, AwsError> {
    let machine = shared.machine(machine).await?;
    let name = name.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
    names::check(&name)?;
    let arn = names::execution_arn(&machine.row.name, &name);
    let started = place::now_ms();
    let context = ExecutionContext {
        execution_arn: arn.clone(),
        execution_name: name.clone(),
        role_arn: machine.row.role_arn.clone(),
        // Times of the API are milliseconds.
        start_time: Timestamp::from_millisecond(started).map_err(AwsError::internal)?,
        input: input.value,
        state_machine_arn: machine.row.arn.clone(),
        state_machine_name: machine.row.name.clone(),
    };
    let seed = seed();
    let new = NewExecution {
        arn,
        name,
        machine_arn: context.state_machine_arn.clone(),
        machine_name: context.state_machine_name.clone(),
        role_arn: context.role_arn.clone(),
        definition: machine.row.text.clone(),
        input: input.text,
        started,
        seed: seed.as_bytes().to_vec(),
        parent,
    };

    // One at a time, so that an execution in the database has its actor.
    let _one = shared.starting.lock().await;
    if shared.closing.is_cancelled() {
        return Err(names::closing());
    }
    let row = match shared.database.add_execution(new).await? {
        Inserted::New(row) => *row,
        Inserted::There(there) => return again(*there, parent, &context.input),
    };
    let now = context.start_time;
    let execution = Execution::new(Arc::clone(&machine.definition), context, seed);
    let (entry, mailbox) = Entry::new(row.id);
    shared.running.add(Arc::clone(&entry));
    let actor = Actor::new(execution, entry, Arc::clone(shared), 0, now);
    tokio::spawn(actor.start(mailbox));
    Ok(row)
}

fn again(there: Row, parent: Option<Parent>, input: &Value) -> Result<Row, AwsError> {
    let same_try = parent.is_some() && there.parent == parent;
    let same_input = || serde_json::from_str::<Value>(&there.input).is_ok_and(|there| there == *input);
    if same_try || (there.status == Status::Running && same_input()) {
        return Ok(there);
    }
    let message = format!("Execution Already Exists: '{}'", there.arn);
    Err(AwsError::client("ExecutionAlreadyExists", message))
}

/// Task tokens follow from the seed, so it comes from the system's random generator, as the bits of two UUIDs.
fn seed() -> Seed {
    let mut bytes = [0; 32];
    let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    for (place, byte) in bytes.iter_mut().zip(random.iter().flat_map(|id| id.as_bytes())) {
        *place = *byte;
    }
    Seed::from_bytes(bytes)
}
