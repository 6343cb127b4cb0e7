//! The entry point of every function, on AWS and in the endpoint.

use rsqlflow_core::message::TriggerRefused;
use rsqlflow_core::{ErrorName, Function, JobId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tracing::Instrument;

use crate::{
    Context, HandlerError, clock, master_iterator, parallel_load_check, permitted, rsql_invoke,
    sequential_iterator, update_audit, workflow_trigger,
};

/// The error of a function, as Lambda returns it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct FunctionError {
    /// The name that state machines and callers match.
    pub error_type: ErrorName,
    /// The message: the whole chain of causes.
    pub message: String,
}

impl FunctionError {
    /// The payload of an invocation that failed (Lambda developer guide, "Invocation errors").
    #[must_use]
    pub fn payload(&self) -> Value {
        json!({ "errorType": self.error_type.as_str(), "errorMessage": self.message })
    }
}

impl From<&HandlerError> for FunctionError {
    fn from(error: &HandlerError) -> Self {
        Self { error_type: error.name(), message: error.to_string() }
    }
}

/// Calls a function with its payload. `request_id` is the id of the invocation, which repetitions share.
///
/// # Errors
/// The error of the function.
pub async fn invoke(
    context: &Context,
    function: Function,
    payload: Value,
    request_id: &str,
) -> Result<Value, FunctionError> {
    let ids = LoggedIds::of(&payload);
    let span = tracing::info_span!(
        "invoke",
        %function,
        workflow_execution_id = ids.execution,
        job_id = ids.job,
    );
    async {
        // Boxed, so that callers do not contain the futures of every SDK call.
        let work = Box::pin(call(context, function, payload, request_id));
        let result =
            if cfg!(debug_assertions) { permitted::running(function, work).await } else { work.await };
        result.map_err(|error| {
            let told = FunctionError::from(&error);
            if error.is_expected() {
                tracing::info!(error = %told.error_type, "{}", told.message);
            } else {
                tracing::error!(error = %told.error_type, "{}", told.message);
            }
            told
        })
    }
    .instrument(span)
    .await
}

async fn call(
    context: &Context,
    function: Function,
    payload: Value,
    request_id: &str,
) -> Result<Value, HandlerError> {
    match function {
        Function::WorkflowTrigger => {
            let request = workflow_trigger::request(payload)?;
            let answer_refusal = request.answer_refusal;
            match workflow_trigger::handle(context, request, request_id).await {
                Err(error) if answer_refusal && error.is_expected() => {
                    write(TriggerRefused { refused: error.refusal() })
                }
                answered => write(answered?),
            }
        }
        Function::MasterIterator => write(master_iterator::handle(context, read(payload)?).await?),
        Function::SequentialIterator => write(sequential_iterator::handle(context, read(payload)?).await?),
        Function::ParallelLoadCheck => write(parallel_load_check::handle(context, read(payload)?).await?),
        Function::RsqlInvoke => write(rsql_invoke::handle(context, read(payload)?).await?),
        Function::Clock => write(clock::handle(context, read(payload)?).await?),
        Function::UpdateAudit => write(update_audit::handle(context, read(payload)?).await?),
    }
}

/// # Errors
/// `InvalidRequest`.
pub(crate) fn read<T: DeserializeOwned>(payload: Value) -> Result<T, HandlerError> {
    if !payload.is_object() {
        let what = match payload {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        return Err(HandlerError::InvalidRequest(format!(
            "the payload must be a JSON object, but is {what}"
        )));
    }
    serde_json::from_value(payload).map_err(|e| HandlerError::InvalidRequest(e.to_string()))
}

fn write(answer: impl Serialize) -> Result<Value, HandlerError> {
    serde_json::to_value(answer).map_err(|e| HandlerError::Internal(e.to_string()))
}

/// The ids of a payload that every log line has. Nothing else of a payload is logged, because it may contain a task token.
#[derive(Debug, PartialEq, Eq)]
struct LoggedIds {
    execution: Option<String>,
    job: Option<String>,
}

impl LoggedIds {
    fn of(payload: &Value) -> Self {
        let named = payload.get("workflow_execution_id").or_else(|| payload.pointer("/detail/name"));
        let number = |name: &str| payload.get(name).and_then(Value::as_u64);
        let job = || {
            let (stage, position) = (number("stage")?, number("position")?);
            Some(JobId::new(u16::try_from(stage).ok()?, u32::try_from(position).ok()?).to_string())
        };
        Self { execution: named.and_then(Value::as_str).map(str::to_owned), job: job() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_carry_the_ids_of_a_payload() {
        let ids = LoggedIds::of(&json!({ "workflow_execution_id": "e", "stage": 3, "position": 17 }));
        assert_eq!(ids, LoggedIds { execution: Some("e".into()), job: Some("0003#00017".into()) });
        let ids = LoggedIds::of(&json!({ "detail": { "name": "run-1" } }));
        assert_eq!(ids, LoggedIds { execution: Some("run-1".into()), job: None });
        assert_eq!(LoggedIds::of(&json!([1])), LoggedIds { execution: None, job: None });
    }

    #[test]
    fn an_error_is_told_as_lambda_tells_it() {
        let told = FunctionError::from(&HandlerError::StageFailed("1 of 2 jobs failed".into()));
        assert_eq!(
            told.payload(),
            json!({ "errorType": "StageFailed", "errorMessage": "1 of 2 jobs failed" })
        );
    }
}
