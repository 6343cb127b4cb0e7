//! Who is told when an execution ends: what EventBridge rules on "Step Functions Execution Status Change" do.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html>

use std::sync::Arc;
use std::time::Duration;

use asl::Status;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::place;
use crate::services::stepfunctions::Shared;
use crate::services::stepfunctions::database::Row;

/// Invokes a function when an execution of a machine ends with anything but success.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The machine's ARN.
    pub(crate) machine_arn: String,
    /// The function's name.
    pub(crate) function: String,
    /// Error types with which the function asks to be invoked again, however often that takes.
    pub(crate) again: &'static [&'static str],
}

/// Delays between invocations double from the first to the longest.
const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Tries after any other error: what Lambda does for asynchronous invocations.
const OTHER_TRIES: u32 = 3;

/// Tells the rules that an execution has ended, and remembers that they were told: a crash in between has it told
/// again.
pub(super) async fn announce(shared: Arc<Shared>, id: i64) {
    let told = async {
        let Some(row) = shared.database.execution_of(id).await? else { return Ok(()) };
        if row.status != Status::Succeeded {
            for rule in shared.rules.iter().filter(|rule| rule.machine_arn == row.machine_arn) {
                if !deliver(&shared, rule, event(&row)).await {
                    return Ok(());
                }
            }
        }
        shared.database.announced(id).await
    };
    if let Err(error) = told.await
        && !shared.closing.is_cancelled()
    {
        tracing::error!("the end of an execution was not announced: {}", error.message);
    }
}

/// False if the endpoint closes before it is done.
async fn deliver(shared: &Shared, rule: &Rule, event: Value) -> bool {
    let (mut delay, mut other_errors) = (FIRST_DELAY, 0);
    loop {
        match shared.lambda.invoke(&rule.function, event.clone()).await {
            Ok(Ok(_)) => return true,
            Ok(Err(error)) if rule.again.contains(&error.error_type.as_str()) => {}
            Ok(Err(error)) => {
                other_errors += 1;
                tracing::error!(
                    function = rule.function,
                    error = error.error_type,
                    "the end of an execution was not handled: {}",
                    error.error_message
                );
                if other_errors == OTHER_TRIES {
                    return true;
                }
            }
            Err(error) => {
                tracing::error!(function = rule.function, "{}", error.message);
                return true;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = shared.closing.cancelled() => return false,
        }
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

fn event(row: &Row) -> Value {
    let stopped = row.stopped.unwrap_or(row.started);
    let time = Timestamp::from_millisecond(stopped).unwrap_or_default();
    json!({
        "version": "0",
        "id": uuid::Uuid::new_v4().to_string(),
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": place::ACCOUNT,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": place::REGION,
        "resources": [row.arn],
        "detail": {
            "executionArn": row.arn,
            "stateMachineArn": row.machine_arn,
            "name": row.name,
            "status": row.status,
            "startDate": row.started,
            "stopDate": stopped,
            "input": row.input,
            "inputDetails": {"included": true},
            "output": null,
            "outputDetails": null,
            "error": row.error,
            "cause": row.cause,
        },
    })
}
