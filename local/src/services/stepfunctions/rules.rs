//! What the event bus is told of executions.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html>

use std::sync::Arc;

use asl::{Ended, Status};
use serde_json::{Value, json};

use crate::http::AwsError;
use crate::services::eventbridge::{Event, EventBridge};
use crate::services::stepfunctions::Shared;
use crate::services::stepfunctions::registry::Entry;

/// Input and output together are in the event up to this size, in bytes (same page: 248 KiB).
const LARGEST_INCLUDED: usize = 248 * 1024;

/// Tells the bus that an execution has begun or ended, without waiting for it.
pub(super) fn apply(shared: &Arc<Shared>, entry: &Arc<Entry>, ended: Option<Ended>) {
    let (events, entry) = (shared.events.clone(), Arc::clone(entry));
    tokio::spawn(async move {
        if let Err(error) = status_changed(&events, &entry, ended.as_ref()).await {
            tracing::error!(execution = entry.arn, "its status was not published: {}", error.message);
        }
    });
}

/// Puts "Step Functions Execution Status Change" on the bus: `RUNNING` without an end. When this returns, the event
/// survives, and so do its deliveries.
pub(crate) async fn status_changed(
    events: &EventBridge,
    entry: &Entry,
    ended: Option<&Ended>,
) -> Result<(), AwsError> {
    let time = ended.map_or(entry.started, |ended| ended.stop_time);
    let detail = detail(entry, ended);
    let kind = "Step Functions Execution Status Change";
    events.publish(Event::new("aws.states", kind, time, vec![entry.arn.clone()], detail)).await
}

fn detail(entry: &Entry, ended: Option<&Ended>) -> Value {
    let input = entry.input.to_string();
    let output = ended.and_then(|ended| ended.output.as_deref()).map(Value::to_string);
    let included = input.len() + output.as_ref().map_or(0, String::len) <= LARGEST_INCLUDED;
    let details = |there: bool| if there { json!({"included": included}) } else { Value::Null };
    json!({
        "executionArn": entry.arn,
        "stateMachineArn": entry.machine.arn,
        "name": entry.name,
        "status": ended.map_or(Status::Running, |ended| ended.status),
        "startDate": entry.started.as_millisecond(),
        "stopDate": ended.map(|ended| ended.stop_time.as_millisecond()),
        "inputDetails": details(true),
        "outputDetails": details(output.is_some()),
        "input": included.then_some(input),
        "output": output.filter(|_| included),
        "error": ended.and_then(|ended| ended.error.as_deref()),
        "cause": ended.and_then(|ended| ended.cause.as_deref()),
    })
}
