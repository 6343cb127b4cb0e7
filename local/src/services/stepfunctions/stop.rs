//! `StopExecution`.

use asl::{Input, Status};
use serde::Deserialize;
use serde_json::json;

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::stepfunctions::running::Unfed;
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
        let database = &self.shared.database;
        let row = database.execution(&request.execution_arn).await?;
        let row = row.ok_or_else(|| names::no_execution(&request.execution_arn))?;
        // An execution that has ended does not change, and the request succeeds.
        match self.shared.running.get(row.id) {
            Some(entry) => {
                let stop = Input::Stop { error: request.error, cause: request.cause };
                match entry.feed(stop).await {
                    Err(Unfed::Unwritten(error)) => return Err(error),
                    Err(Unfed::Gone) if self.shared.closing.is_cancelled() => return Err(names::closing()),
                    // It has ended.
                    Err(Unfed::Gone) | Ok(_) => {}
                }
            }
            None if row.status == Status::Running => return Err(names::paused()),
            None => {}
        }
        let stopped = database.execution_of(row.id).await?.and_then(|row| row.stopped);
        answer(&json!({"stopDate": place::seconds(stopped.unwrap_or_else(place::now_ms))}))
    }
}
