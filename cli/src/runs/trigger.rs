//! Starts runs, as every client does: through the trigger function.

use anyhow::Context;
use rsqlflow_core::message::{TriggerAnswer, TriggerRequest};
use rsqlflow_core::{ErrorName, ExecutionId, Function, WorkflowId};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::place::{Place, refused};
use crate::runs::names;

/// The id of a run that nobody named. Made here and not by the function, so that a call whose answer is lost can be
/// made again and begins no second run.
#[must_use]
pub(crate) fn new_id(workflow: &WorkflowId) -> ExecutionId {
    let now = jiff::Timestamp::now();
    // Enough that two operators do not meet in one second; ids are no secrets.
    let mixed = (u64::from(std::process::id()) << 32) ^ now.as_nanosecond().unsigned_abs() as u64;
    let random = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    ExecutionId::generate(workflow, now.into(), u32::try_from(random).unwrap_or_default())
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
    let answer = match place.invoke(function, &payload).await? {
        Ok(answer) => answer,
        Err(error) => {
            let mut refused = refused(function, &error);
            if error["errorType"] == ErrorName::WorkflowNotFound.as_str()
                && let Failure::Input { hint, .. } = &mut refused
            {
                *hint = Some(names::workflow_hint(place, &request.workflow_id).await);
            }
            return Err(refused);
        }
    };
    serde_json::from_value(answer)
        .with_context(|| format!("{function} answered as no version of it does that this program knows"))
        .map_err(Failure::from)
}
