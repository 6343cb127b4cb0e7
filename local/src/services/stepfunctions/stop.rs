//! `StopExecution`.

use asl::Input;
use serde::Deserialize;
use serde_json::json;

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::stepfunctions::{StepFunctions, names, tokens};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stop {
    execution_arn: String,
    error: Option<String>,
    cause: Option<String>,
}

impl StepFunctions {
    pub(super) async fn stop_execution(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Stop = parse("StopExecution", body)?;
        names::check_arn(&request.execution_arn, "execution")?;
        tokens::check_failure(request.error.as_deref(), request.cause.as_deref())?;
        let entry = self.shared.registry.execution(&request.execution_arn)?;
        // An execution that has ended stays as it is, and the request is a success.
        let stop = Input::Stop { error: request.error, cause: request.cause };
        entry.feed(stop).await.ok_or_else(|| AwsError::internal("the endpoint is shutting down"))?.ok();
        let stopped = entry.ended.borrow().as_ref().map(|ended| ended.stop_time.as_millisecond());
        answer(&json!({"stopDate": place::seconds(stopped.unwrap_or_else(place::now_ms))}))
    }
}
