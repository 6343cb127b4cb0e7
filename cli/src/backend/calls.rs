//! Calls of functions, and reads of executions.

use anyhow::Context;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_sfn::types::ExecutionStatus;
use rsqlflow_core::{ErrorName, ExecutionId};
use serde_json::Value;

use super::Backend;
use crate::failure::Failure;

impl Backend {
    /// Invokes a function. Returns its payload, or the error that it returned.
    ///
    /// # Errors
    /// The function cannot be invoked.
    pub(crate) async fn invoke(
        &self,
        function: &str,
        payload: &Value,
    ) -> Result<Result<Value, Value>, Failure> {
        let answer = aws_sdk_lambda::Client::new(&self.sdk)
            .invoke()
            .function_name(function)
            .payload(Blob::new(payload.to_string()))
            .send()
            .await
            .map_err(|error| {
                Failure::of_sdk(&error, format!("cannot invoke the function {function} of {}", self.name()))
            })?;
        let payload = answer.payload().map(Blob::as_ref).unwrap_or_default();
        let payload: Value = serde_json::from_slice(payload)
            .with_context(|| format!("the answer of the function {function} is not JSON"))?;
        Ok(if answer.function_error().is_some() { Err(payload) } else { Ok(payload) })
    }

    /// The status of a run's master execution, or `None` if the execution does not exist.
    ///
    /// # Errors
    /// Step Functions does not answer.
    pub(crate) async fn execution_status(&self, id: &ExecutionId) -> anyhow::Result<Option<ExecutionStatus>> {
        let arn = self.deployment.machines.master.execution_arn(id.as_str());
        let described = aws_sdk_sfn::Client::new(&self.sdk).describe_execution().set_execution_arn(arn);
        match described.send().await {
            Ok(found) => Ok(Some(found.status().clone())),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_execution_does_not_exist()) => {
                Ok(None)
            }
            Err(error) => {
                Err(anyhow::Error::new(error).context(format!("cannot read the execution of {id}")))
            }
        }
    }
}

/// The failure for an error that a function returned.
#[must_use]
pub(crate) fn failed(function: &str, payload: &Value) -> Failure {
    let text = |name: &str| payload.get(name).and_then(Value::as_str).unwrap_or_default();
    let (name, message) = (text("errorType"), text("errorMessage"));
    // An error that an older function reports about the request is an input error.
    if name == ErrorName::InvalidRequest.as_str() {
        return Failure::Input { message: message.to_owned(), hint: None };
    }
    anyhow::anyhow!("the function {function} failed with {name}: {message}").into()
}
