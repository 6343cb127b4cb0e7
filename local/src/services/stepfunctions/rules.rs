//! What the event bus is told of executions.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html>

use std::sync::Arc;
use std::time::Duration;

use asl::Status;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::http::AwsError;
use crate::services::eventbridge::{Event, EventBridge};
use crate::services::stepfunctions::Shared;
use crate::services::stepfunctions::database::Row;

/// Input and output together are in the event up to this size, in bytes (same page: 248 KiB).
const LARGEST_INCLUDED: usize = 248 * 1024;

/// Delays between tries to tell of an end double from the first to the longest.
const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// Tells the bus that an execution begins to run. The service sends these events as well as it can, and so does
/// this: an execution does not wait for a bus that cannot be written to.
pub(super) async fn begun(shared: &Shared, id: i64) {
    let told = async {
        match shared.database.execution_of(id).await? {
            Some(row) => status_changed(&shared.events, &running(row)).await,
            None => Ok(()),
        }
    };
    complain(shared, told.await);
}

/// Tells the bus that an execution has ended, and remembers that: a crash in between has it told again.
/// It is told again and again until it is written: a run is closed by this event.
pub(super) async fn announce(shared: Arc<Shared>, id: i64) {
    let mut delay = FIRST_DELAY;
    loop {
        let told = announce_now(&shared, id).await;
        if told.is_ok() {
            return;
        }
        complain(&shared, told);
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = shared.closing.cancelled() => return,
        }
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

/// Tells of an end that was not told yet. A redrive does so first: after it there is no end any more to be told of.
pub(super) async fn announce_now(shared: &Shared, id: i64) -> Result<(), AwsError> {
    // So that a redrive neither tells it a second time nor comes in between.
    let _one = shared.announcing.lock().await;
    match shared.database.execution_of(id).await? {
        Some(row) if row.stopped.is_some() && !row.announced => {
            status_changed(&shared.events, &row).await?;
            shared.database.announced(id).await
        }
        _ => Ok(()),
    }
}

fn complain(shared: &Shared, told: Result<(), AwsError>) {
    if let Err(error) = told
        && !shared.closing.is_cancelled()
    {
        tracing::error!("the status of an execution was not published: {}", error.message);
    }
}

/// The execution as it was when it began.
fn running(row: Row) -> Row {
    Row { status: Status::Running, stopped: None, output: None, error: None, cause: None, ..row }
}

/// Puts "Step Functions Execution Status Change" on the bus. When this returns, the event survives, and so do its
/// deliveries.
async fn status_changed(events: &EventBridge, row: &Row) -> Result<(), AwsError> {
    let moment = row.stopped.or(row.redriven).unwrap_or(row.started);
    let time = Timestamp::from_millisecond(moment).map_err(AwsError::internal)?;
    let kind = "Step Functions Execution Status Change";
    events.publish(Event::new("aws.states", kind, time, vec![row.arn.clone()], detail(row))).await
}

fn detail(row: &Row) -> Value {
    let included = row.input.len() + row.output.as_ref().map_or(0, String::len) <= LARGEST_INCLUDED;
    let details = |there: bool| if there { json!({"included": included}) } else { Value::Null };
    json!({
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
    })
}
