//! Reports the end of executions.
//!
//! On AWS, an EventBridge rule matches the event of a master's end and invokes `update-audit`. Here, the same event goes
//! directly into Lambda's queue of asynchronous invocations, which stores it until the function has processed it.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html>

use std::sync::Arc;
use std::time::Duration;

use asl::Status;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::http::AwsError;
use crate::place;
use crate::services::stepfunctions::Shared;
use crate::services::stepfunctions::database::Row;

/// Input and output are in the event up to this total size, in bytes (same page: 248 KiB).
const LARGEST_INCLUDED: usize = 248 * 1024;

/// Delays between attempts to report an end. They double from the first to the longest.
const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// A function that is invoked when an execution of a machine ends without success.
#[derive(Debug, Clone)]
pub(crate) struct OnEnd {
    /// The machine's ARN.
    pub(crate) machine_arn: String,
    /// The function's name.
    pub(crate) function: String,
    /// Error types with which the function requests another invocation, without limit. On AWS, a queue in front of the
    /// function does that.
    pub(crate) repeat_on: &'static [&'static str],
}

/// Reports the end of an execution, and records that it was reported. A crash between the two repeats the report. Retries
/// until the report is on disk, because this event closes a run.
pub(super) async fn report(shared: Arc<Shared>, id: i64) {
    let mut delay = FIRST_DELAY;
    loop {
        let Err(error) = report_now(&shared, id).await else { return };
        if shared.closing.is_cancelled() {
            return;
        }
        tracing::error!("the end of an execution cannot be reported: {}", error.message);
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = shared.closing.cancelled() => return,
        }
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

async fn report_now(shared: &Shared, id: i64) -> Result<(), AwsError> {
    let Some(row) = shared.database.execution_of(id).await? else { return Ok(()) };
    let on_end = &shared.on_end;
    let failed = matches!(row.status, Status::Failed | Status::TimedOut | Status::Aborted);
    if failed && row.machine_arn == on_end.machine_arn {
        shared.lambda.accept_until_done(&on_end.function, event(&row)?, on_end.repeat_on).await?;
    }
    shared.database.reported(id).await
}

/// The event `Step Functions Execution Status Change`, as EventBridge delivers it.
fn event(row: &Row) -> Result<Value, AwsError> {
    let moment = row.stopped.unwrap_or(row.started);
    let time = Timestamp::from_millisecond(moment).map_err(AwsError::internal)?;
    let included = row.input.len() + row.output.as_ref().map_or(0, String::len) <= LARGEST_INCLUDED;
    let details = |there: bool| if there { json!({"included": included}) } else { Value::Null };
    Ok(json!({
        "version": "0",
        "id": uuid::Uuid::new_v4().to_string(),
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": place::ACCOUNT,
        "time": format!("{time:.0}"),
        "region": place::REGION,
        "resources": [row.arn],
        "detail": {
            "executionArn": row.arn,
            "stateMachineArn": row.machine_arn,
            "name": row.name,
            "status": row.status,
            "startDate": row.started,
            "stopDate": row.stopped,
            "inputDetails": details(true),
            "outputDetails": details(row.output.is_some()),
            "input": included.then_some(&row.input),
            "output": row.output.as_ref().filter(|_| included),
            "error": row.error,
            "cause": row.cause,
        },
    }))
}
