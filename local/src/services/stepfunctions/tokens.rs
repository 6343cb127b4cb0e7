//! `SendTaskSuccess`, `SendTaskFailure` and `SendTaskHeartbeat`.

use asl::{Callback, Input, Rejected, Status, TaskToken};
use serde::Deserialize;
use serde_json::json;

use crate::http::{AwsError, answer, parse};
use crate::services::stepfunctions::running::Unfed;
use crate::services::stepfunctions::{StepFunctions, names};

/// The longest error and cause (Step Functions API reference, `SendTaskFailure`).
const LONGEST_ERROR: usize = 256;
const LONGEST_CAUSE: usize = 32_768;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Success {
    task_token: String,
    output: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Failure {
    task_token: String,
    error: Option<String>,
    cause: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Heartbeat {
    task_token: String,
}

impl StepFunctions {
    pub(super) async fn send_task_success(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Success = parse("SendTaskSuccess", body)?;
        let invalid =
            |reason: String| AwsError::client("InvalidOutput", format!("Invalid Output: '{reason}'"));
        if request.output.len() > names::LARGEST_PAYLOAD {
            return Err(invalid(format!("more than {} bytes", names::LARGEST_PAYLOAD)));
        }
        let output = serde_json::from_str(&request.output).map_err(|e| invalid(e.to_string()))?;
        self.call_back(&request.task_token, Callback::Success { output }).await
    }

    pub(super) async fn send_task_failure(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Failure = parse("SendTaskFailure", body)?;
        check_failure(request.error.as_deref(), request.cause.as_deref())?;
        let callback = Callback::Failure { error: request.error, cause: request.cause };
        self.call_back(&request.task_token, callback).await
    }

    pub(super) async fn send_task_heartbeat(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Heartbeat = parse("SendTaskHeartbeat", body)?;
        self.call_back(&request.task_token, Callback::Heartbeat).await
    }

    async fn call_back(&self, token: &str, callback: Callback) -> Result<Vec<u8>, AwsError> {
        if !TaskToken::is_well_formed(token) {
            return Err(AwsError::client("InvalidToken", "Invalid Token: 'Invalid token'"));
        }
        let missing = || AwsError::client("TaskDoesNotExist", "Task Does Not Exist");
        let late =
            || AwsError::client("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
        let execution = self.shared.database.execution_of_token(token).await?.ok_or_else(missing)?;
        let Some(entry) = self.shared.running.get(execution) else {
            let row = self.shared.database.execution_of(execution).await?;
            let waits = row.is_some_and(|row| row.status == Status::Running);
            // A timeout, because this endpoint may not continue the execution.
            return Err(if waits { names::paused() } else { late() });
        };
        match entry.feed(Input::Callback { token: TaskToken::new(token), callback }).await {
            Ok(Ok(())) => answer(&json!({})),
            Ok(Err(Rejected::TaskDoesNotExist)) => Err(missing()),
            Err(Unfed::Unwritten(error)) => Err(error),
            Err(Unfed::Gone) if self.shared.closing.is_cancelled() => Err(names::closing()),
            Ok(Err(_)) | Err(Unfed::Gone) => Err(late()),
        }
    }
}

/// Refuses an error or a cause that is too long.
pub(super) fn check_failure(error: Option<&str>, cause: Option<&str>) -> Result<(), AwsError> {
    for (member, text, longest) in [("error", error, LONGEST_ERROR), ("cause", cause, LONGEST_CAUSE)] {
        if text.is_some_and(|text| text.chars().count() > longest) {
            let message = format!(
                "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have \
                 length less than or equal to {longest}"
            );
            return Err(AwsError::client("ValidationException", message));
        }
    }
    Ok(())
}
