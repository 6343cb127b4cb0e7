//! `StartExecution`.

use std::sync::Arc;

use asl::{Execution, ExecutionContext, Seed, Status};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::stepfunctions::actor::{Actor, MAILBOX};
use crate::services::stepfunctions::registry::{Entry, Machine};
use crate::services::stepfunctions::{Shared, StepFunctions, names};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Start {
    state_machine_arn: String,
    name: Option<String>,
    input: Option<String>,
    /// Only passed on to X-Ray by the service.
    #[serde(rename = "traceHeader")]
    _trace_header: Option<String>,
}

impl StepFunctions {
    pub(super) fn start_execution(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Start = parse("StartExecution", body)?;
        names::check_arn(&request.state_machine_arn, "stateMachine")?;
        let input = read_input(request.input.as_deref().unwrap_or("{}"))?;
        let entry = start(&self.shared, &request.state_machine_arn, request.name.as_deref(), input)?;
        answer(&json!({
            "executionArn": entry.arn, "startDate": place::seconds(entry.started.as_millisecond()),
        }))
    }
}

/// Reads an execution's input.
pub(super) fn read_input(text: &str) -> Result<Value, AwsError> {
    let invalid = |reason: &dyn std::fmt::Display| {
        let message = format!("Invalid State Machine Execution Input: '{reason}'");
        AwsError::client("InvalidExecutionInput", message)
    };
    if text.len() > names::LARGEST_PAYLOAD {
        return Err(invalid(&format_args!("more than {} bytes", names::LARGEST_PAYLOAD)));
    }
    serde_json::from_str(text).map_err(|e| invalid(&e))
}

/// Starts an execution. A running one of the same name and input is the answer to the same request, made again.
pub(super) fn start(
    shared: &Arc<Shared>,
    machine: &str,
    name: Option<&str>,
    input: Value,
) -> Result<Arc<Entry>, AwsError> {
    if shared.closing.is_cancelled() {
        return Err(AwsError::internal("the endpoint is shutting down"));
    }
    let machine = shared.registry.machine(machine)?;
    let name = name.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
    names::check(&name)?;
    let arn = names::execution_arn(&machine.name, &name);
    let wanted = input.clone();
    let added = shared.registry.add_execution(&arn, || begin(shared, machine, arn.clone(), name, input));
    match added {
        Ok(entry) => Ok(entry),
        Err(there) if there.status() == Status::Running && there.input == wanted => Ok(there),
        Err(_) => {
            let message = format!("Execution Already Exists: '{arn}'");
            Err(AwsError::client("ExecutionAlreadyExists", message))
        }
    }
}

/// Makes an execution and its actor.
fn begin(shared: &Arc<Shared>, machine: Arc<Machine>, arn: String, name: String, input: Value) -> Arc<Entry> {
    // Moments of the API are milliseconds.
    let started = Timestamp::from_millisecond(place::now_ms()).unwrap_or_default();
    let context = ExecutionContext {
        execution_arn: arn.clone(),
        execution_name: name.clone(),
        role_arn: machine.role_arn.clone(),
        start_time: started,
        input: input.clone(),
        state_machine_arn: machine.arn.clone(),
        state_machine_name: machine.name.clone(),
    };
    let execution = Execution::new(Arc::clone(&machine.definition), context, seed());
    let (mailbox, messages) = mpsc::channel(MAILBOX);
    let (ended, _) = watch::channel(None);
    let entry = Arc::new(Entry { arn, name, machine, input, started, ended, mailbox });
    let actor = Actor::new(execution, Arc::clone(&entry), Arc::clone(shared));
    tokio::spawn(actor.run(messages));
    entry
}

/// Task tokens follow from it, so it comes from the system's generator, as the bits of two UUIDs.
fn seed() -> Seed {
    let mut bytes = [0; 32];
    let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    for (place, byte) in bytes.iter_mut().zip(random.iter().flat_map(|id| id.as_bytes())) {
        *place = *byte;
    }
    Seed::from_bytes(bytes)
}
