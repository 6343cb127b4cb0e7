//! Who is told when an execution ends: what EventBridge rules on "Step Functions Execution Status Change" do.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html>

use std::sync::Arc;
use std::time::Duration;

use asl::{Ended, Status};
use serde_json::{Value, json};

use crate::place;
use crate::services::stepfunctions::Shared;
use crate::services::stepfunctions::registry::Entry;

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

/// Applies the rules to an execution that has just ended.
pub(super) fn apply(shared: &Arc<Shared>, entry: &Entry, ended: &Ended) {
    if ended.status == Status::Succeeded {
        return;
    }
    for (index, rule) in shared.rules.iter().enumerate() {
        if rule.machine_arn == entry.machine.arn {
            let event = event(entry, ended);
            tokio::spawn(deliver(Arc::clone(shared), index, event));
        }
    }
}

async fn deliver(shared: Arc<Shared>, index: usize, event: Value) {
    let Some(rule) = shared.rules.get(index) else { return };
    let (mut delay, mut other_errors) = (FIRST_DELAY, 0);
    loop {
        match shared.lambda.invoke(&rule.function, event.clone()).await {
            Ok(Ok(_)) => return,
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
                    return;
                }
            }
            Err(error) => {
                tracing::error!(function = rule.function, "{}", error.message);
                return;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = shared.closing.cancelled() => return,
        }
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

fn event(entry: &Entry, ended: &Ended) -> Value {
    json!({
        "version": "0",
        "id": uuid::Uuid::new_v4().to_string(),
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": place::ACCOUNT,
        "time": ended.stop_time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": place::REGION,
        "resources": [entry.arn],
        "detail": {
            "executionArn": entry.arn,
            "stateMachineArn": entry.machine.arn,
            "name": entry.name,
            "status": ended.status,
            "startDate": entry.started.as_millisecond(),
            "stopDate": ended.stop_time.as_millisecond(),
            "input": entry.input.to_string(),
            "inputDetails": {"included": true},
            "output": null,
            "outputDetails": null,
            "error": ended.error.as_deref(),
            "cause": ended.cause.as_deref(),
        },
    })
}
