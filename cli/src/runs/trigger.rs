//! Starts runs through the trigger function, as every client does.

use anyhow::Context;
use rsqlflow_core::message::{TriggerAnswer, TriggerRefused, TriggerRequest};
use rsqlflow_core::{ErrorName, ExecutionId, Function, Problems, WorkflowId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::backend::{Backend, failed};
use crate::failure::Failure;
use crate::runs::names;

/// Generates the id of a run. The command generates it and not the function, so that a repeated call after a lost answer
/// starts no second run.
///
/// # Errors
/// The system provides no random bytes.
pub(crate) fn new_id(workflow: &WorkflowId) -> Result<ExecutionId, Failure> {
    let random = getrandom::u32()
        .map_err(|error| anyhow::anyhow!("cannot read random bytes for the id of the run: {error}"))?;
    Ok(ExecutionId::generate(workflow, jiff::Timestamp::now().into(), random))
}

/// Checks that a given id is not in use: a run that ended is not run again, and its old result must not be taken for a
/// new one.
///
/// # Errors
/// The run exists.
pub(crate) async fn unused(backend: &Backend, id: &ExecutionId) -> Result<(), Failure> {
    match backend.store.workflows().get(id).await? {
        None => Ok(()),
        Some(row) => Err(Failure::input(
            format!("run {id} already exists, and is {}", row.execution_status),
            "use another --execution-id, or omit it",
        )),
    }
}

/// Overridden parameters in the form of the function.
#[must_use]
pub(crate) fn overrides(parameters: &[(String, String)]) -> Option<Value> {
    let given: Map<String, Value> = parameters.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
    (!given.is_empty()).then_some(Value::Object(given))
}

/// Invokes the trigger function.
///
/// # Errors
/// The trigger refuses the request, or cannot be invoked.
pub(crate) async fn invoke(backend: &Backend, request: &TriggerRequest) -> Result<TriggerAnswer, Failure> {
    let function = &backend.deployment.functions[Function::WorkflowTrigger];
    let payload = serde_json::to_value(request).context("the request cannot be serialized")?;
    let answer = backend.invoke(function, &payload).await?.map_err(|error| failed(function, &error))?;
    if let Ok(TriggerRefused { refused }) = TriggerRefused::deserialize(&answer) {
        return Err(match Problems::try_from(refused.problems) {
            Ok(problems) => Failure::Refused { message: refused.message, problems },
            Err(_) if refused.error == ErrorName::WorkflowNotFound => {
                Failure::input(refused.message, names::workflow_hint(backend, &request.workflow_id).await)
            }
            Err(_) => Failure::Input { message: refused.message, hint: None },
        });
    }
    serde_json::from_value(answer)
        .with_context(|| format!("the answer of the function {function} is not supported by this version"))
        .map_err(Failure::from)
}
