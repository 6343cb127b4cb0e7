//! Running a function.

use serde_json::Value;

use crate::http::AwsError;
use crate::place;
use crate::services::lambda::{Function, FunctionError, Lambda};

/// How an invocation ended: with the function's answer, or with what it raised.
pub(crate) type Invoked = Result<Value, FunctionError>;

impl Lambda {
    /// Finds a function by name, partial ARN or ARN, each with or without a qualifier.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(super) fn find(&self, id: &str) -> Result<&Function, AwsError> {
        let after = id.rsplit_once("function:").map_or(id, |(_, rest)| rest);
        let (name, qualifier) = after.split_once(':').map_or((after, None), |(n, q)| (n, Some(q)));
        match self.functions.get(name) {
            Some(function) if matches!(qualifier, None | Some("$LATEST")) => Ok(function),
            _ => {
                let arn = place::arn("lambda", format_args!("function:{after}"));
                let error =
                    AwsError::client("ResourceNotFoundException", format!("Function not found: {arn}"));
                Err(error.with_status(404))
            }
        }
    }

    /// Invokes a function and waits for its end.
    ///
    /// # Errors
    /// `ResourceNotFoundException`. What the function raises is not an error of the invocation.
    pub(crate) async fn invoke(&self, id: &str, event: Value) -> Result<Invoked, AwsError> {
        let function = self.find(id)?;
        // A task of its own, so that a panic ends the function only, and a caller who goes away does not.
        let mut task = tokio::spawn((function.run)(event));
        Ok(match tokio::time::timeout(function.timeout, &mut task).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(FunctionError {
                error_type: "Runtime.ExitError".to_owned(),
                error_message: "RequestId: local Error: Runtime exited with error".to_owned(),
            }),
            Err(_) => {
                // As the service freezes the sandbox: the function goes no further.
                task.abort();
                let seconds = function.timeout.as_secs_f64();
                tracing::warn!(function = function.name, "timed out");
                Err(FunctionError {
                    error_type: "Sandbox.Timedout".to_owned(),
                    error_message: format!(
                        "RequestId: local Error: Task timed out after {seconds:.2} seconds"
                    ),
                })
            }
        })
    }

    /// Takes an asynchronous invocation: answers at once, the function runs later.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(crate) fn accept(&self, id: &str, event: Value) -> Result<(), AwsError> {
        self.find(id)?;
        let (lambda, id) = (self.clone(), id.to_owned());
        tokio::spawn(async move {
            if let Ok(Err(error)) = lambda.invoke(&id, event).await {
                tracing::warn!(function = id, error = error.error_type, "{}", error.error_message);
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn lambda() -> Lambda {
        let second = Duration::from_secs(1);
        Lambda::new([
            Function::new("echo", second, |event| async { Ok(event) }),
            Function::new("stuck", second, |_| std::future::pending()),
            Function::new("broken", second, |event: Value| async move {
                assert!(event.is_null(), "a bug");
                Ok(event)
            }),
        ])
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_function_is_told_by_its_error_type() {
        let lambda = lambda();
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:echo:$LATEST";
        for id in ["echo", arn, "function:echo"] {
            assert_eq!(lambda.invoke(id, json!({"a": 1})).await.unwrap(), Ok(json!({"a": 1})), "{id}");
        }
        let error_type = async |id| lambda.invoke(id, json!({})).await.unwrap().unwrap_err().error_type;
        assert_eq!(error_type("stuck").await, "Sandbox.Timedout");
        assert_eq!(error_type("broken").await, "Runtime.ExitError");
        assert_eq!(lambda.invoke("nobody", json!({})).await.unwrap_err().code, "ResourceNotFoundException");
    }
}
