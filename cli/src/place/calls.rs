//! Functions and executions of a place.

use anyhow::Context;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_sfn::types::ExecutionStatus;
use rsqlflow_core::{ErrorName, ExecutionId};
use serde_json::Value;

use super::Place;
use crate::failure::Failure;

impl Place {
    /// Invokes a function: its payload, or the error it threw.
    ///
    /// # Errors
    /// Where it cannot be invoked at all.
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
            .with_context(|| format!("{function} answered with something else than JSON"))?;
        Ok(if answer.function_error().is_some() { Err(payload) } else { Ok(payload) })
    }

    /// The status of a run's master execution; none if there is none.
    ///
    /// # Errors
    /// Where Step Functions does not answer.
    pub(crate) async fn execution_status(&self, id: &ExecutionId) -> anyhow::Result<Option<ExecutionStatus>> {
        let arn = self.deployment.machines.master.execution_arn(id.as_str());
        let described = aws_sdk_sfn::Client::new(&self.sdk).describe_execution().set_execution_arn(arn);
        match described.send().await {
            Ok(found) => Ok(Some(found.status().clone())),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_execution_does_not_exist()) => {
                Ok(None)
            }
            Err(error) => {
                Err(anyhow::Error::new(error).context(format!("cannot look at the execution of {id}")))
            }
        }
    }
}

/// A function that failed.
#[must_use]
pub(crate) fn failed(function: &str, payload: &Value) -> Failure {
    let text = |name: &str| payload.get(name).and_then(Value::as_str).unwrap_or_default();
    let (name, message) = (text("errorType"), text("errorMessage"));
    // What a function older than this program does not know is the user's to change.
    if name == ErrorName::InvalidRequest.as_str() {
        return Failure::Input { message: message.to_owned(), hint: None };
    }
    anyhow::anyhow!("the function {function} failed with {name}: {message}").into()
}
