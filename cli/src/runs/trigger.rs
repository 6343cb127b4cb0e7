//! Starts runs, as every client does: through the trigger function.

use anyhow::Context;
use rsqlflow_core::message::{TriggerAnswer, TriggerRefused, TriggerRequest};
use rsqlflow_core::{ErrorName, ExecutionId, Function, Problems, WorkflowId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::place::{Place, failed};
use crate::runs::names;

/// The id of a run that nobody named. Made here and not by the function, so that a call whose answer is lost can be
/// made again and begins no second run.
///
/// # Errors
/// Where the system gives no random bytes.
pub(crate) fn new_id(workflow: &WorkflowId) -> Result<ExecutionId, Failure> {
    let random = getrandom::u32()
        .map_err(|error| anyhow::anyhow!("the system gives no random bytes for the id of a run: {error}"))?;
    Ok(ExecutionId::generate(workflow, jiff::Timestamp::now().into(), random))
}

/// An id that the operator gave, of a run that is not there yet: a run that is over is not run again, and its old
/// result must not pass for a new one.
///
/// # Errors
/// Where there is such a run.
pub(crate) async fn unused(place: &Place, id: &ExecutionId) -> Result<(), Failure> {
    match place.store.workflows().get(id).await? {
        None => Ok(()),
        Some(row) => Err(Failure::input(
            format!("there is a run {id} already, and it is {}", row.execution_status),
            "give this one another --execution-id, or none",
        )),
    }
}

/// Overrides of parameters as the function takes them.
#[must_use]
pub(crate) fn overrides(parameters: &[(String, String)]) -> Option<Value> {
    let given: Map<String, Value> = parameters.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
    (!given.is_empty()).then_some(Value::Object(given))
}

/// Invokes the trigger function.
///
/// # Errors
/// What it has against the request, or where it cannot be invoked.
pub(crate) async fn invoke(place: &Place, request: &TriggerRequest) -> Result<TriggerAnswer, Failure> {
    let function = &place.deployment.functions[Function::WorkflowTrigger];
    let payload = serde_json::to_value(request).context("the request cannot be written as JSON")?;
    let answer = place.invoke(function, &payload).await?.map_err(|error| failed(function, &error))?;
    if let Ok(TriggerRefused { refused }) = TriggerRefused::deserialize(&answer) {
        return Err(match Problems::try_from(refused.problems) {
            Ok(problems) => Failure::Refused { message: refused.message, problems },
            Err(_) if refused.error == ErrorName::WorkflowNotFound => {
                Failure::input(refused.message, names::workflow_hint(place, &request.workflow_id).await)
            }
            Err(_) => Failure::Input { message: refused.message, hint: None },
        });
    }
    serde_json::from_value(answer)
        .with_context(|| format!("{function} answered as no version of it does that this program knows"))
        .map_err(Failure::from)
}
