//! Runs a function.

use serde_json::Value;

use crate::http::AwsError;
use crate::place;
use crate::services::lambda::payload::LARGEST_ANSWER;
use crate::services::lambda::{Function, FunctionError, Lambda};

/// The result of an invocation: the function's answer or error.
pub(crate) type Invoked = Result<Value, FunctionError>;

impl Lambda {
    /// Finds a function by name, partial ARN or ARN, each with or without a qualifier.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(crate) fn find(&self, id: &str) -> Result<&Function, AwsError> {
        let after = id.rsplit_once("function:").map_or(id, |(_, rest)| rest);
        let (name, qualifier) = after.split_once(':').map_or((after, None), |(n, q)| (n, Some(q)));
        match self.shared.functions.get(name) {
            Some(function) if matches!(qualifier, None | Some("$LATEST")) => Ok(function),
            _ => {
                let arn = place::arn("lambda", format_args!("function:{after}"));
                let error =
                    AwsError::client("ResourceNotFoundException", format!("Function not found: {arn}"));
                Err(error.with_status(404))
            }
        }
    }

    /// Invokes a function and waits until it ends.
    ///
    /// # Errors
    /// `ResourceNotFoundException`. An error of the function is not an error of the invocation.
    pub(crate) async fn invoke(&self, id: &str, event: Value) -> Result<Invoked, AwsError> {
        self.invoke_as(id, event, &uuid::Uuid::new_v4().to_string()).await
    }

    /// The same, with the caller's id of the invocation.
    pub(super) async fn invoke_as(
        &self,
        id: &str,
        event: Value,
        request_id: &str,
    ) -> Result<Invoked, AwsError> {
        let function = self.find(id)?;
        // A separate task, so that a panic ends only the function, and a caller that disconnects does not end it.
        let mut task = tokio::spawn((function.run)(event, request_id.to_owned()));
        Ok(match tokio::time::timeout(function.timeout, &mut task).await {
            Ok(Ok(answer)) => answer.and_then(within_limit),
            Ok(Err(_)) => Err(FunctionError {
                error_type: "Runtime.ExitError".to_owned(),
                error_message: format!("RequestId: {request_id} Error: Runtime exited with error"),
            }),
            Err(_) => {
                // The service freezes the sandbox at this point: the function does not continue.
                task.abort();
                let seconds = function.timeout.as_secs_f64();
                tracing::warn!(function = function.name, "timed out");
                Err(FunctionError {
                    error_type: "Sandbox.Timedout".to_owned(),
                    error_message: format!(
                        "RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds"
                    ),
                })
            }
        })
    }
}

fn within_limit(answer: Value) -> Invoked {
    let mut counted = Counter(0);
    // Counting cannot fail.
    let _ = serde_json::to_writer(&mut counted, &answer);
    if counted.0 <= LARGEST_ANSWER {
        return Ok(answer);
    }
    Err(FunctionError {
        error_type: "Function.ResponseSizeTooLarge".to_owned(),
        error_message: format!(
            "Response payload size exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."
        ),
    })
}

/// Counts what is written to it.
struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn lambda(dir: &std::path::Path) -> Lambda {
        let second = Duration::from_secs(1);
        let functions = [
            Function::new("echo", "echo", second, |event, _| async { Ok(event) }),
            Function::new("stuck", "stuck", second, |_, _| std::future::pending()),
            Function::new("loud", "loud", second, |_, _| async { Ok("x".repeat(LARGEST_ANSWER).into()) }),
            Function::new("broken", "broken", second, |event: Value, _| async move {
                assert!(event.is_null(), "a bug");
                Ok(event)
            }),
        ];
        Lambda::open(dir, functions).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_function_is_told_by_its_error_type() {
        let dir = tempfile::tempdir().unwrap();
        let lambda = lambda(dir.path());
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:echo:$LATEST";
        for id in ["echo", arn, "function:echo"] {
            assert_eq!(lambda.invoke(id, json!({"a": 1})).await.unwrap(), Ok(json!({"a": 1})), "{id}");
        }
        let error_type = async |id| lambda.invoke(id, json!({})).await.unwrap().unwrap_err().error_type;
        assert_eq!(error_type("stuck").await, "Sandbox.Timedout");
        assert_eq!(error_type("loud").await, "Function.ResponseSizeTooLarge");
        assert_eq!(error_type("broken").await, "Runtime.ExitError");
        assert_eq!(lambda.invoke("nobody", json!({})).await.unwrap_err().code, "ResourceNotFoundException");
    }
}
