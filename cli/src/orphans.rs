//! Runs that an earlier endpoint on this directory left behind: it was killed, or left by a second Ctrl-C. Its
//! executions are gone, so nobody else would ever close their rows or give their locks back.

use std::time::Duration;

use rsqlflow_store::WorkflowRow;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::place::Place;
use crate::printer::{Printer, one_line};

/// How often an open run is looked at. Its agents hear of their end with their next renewal.
const PAUSE: Duration = Duration::from_millis(500);

/// Closes them all, one after the other, as the event of their end would.
///
/// # Errors
/// Where the tables cannot be read, or the closing function fails.
pub(crate) async fn close(place: &Place, printer: Printer) -> Result<(), Failure> {
    for run in place.store.workflows().running().await? {
        printer.notice(&format!(
            "{} of workflow {} was left behind by an endpoint that ended: closing it, once its agents have stopped \
             or their leases have run out",
            run.workflow_execution_id,
            one_line(run.workflow_id.as_str())
        ));
        close_one(place, &run).await?;
    }
    Ok(())
}

/// As [`close`], and then never ends by itself: for a command that goes on serving.
///
/// # Errors
/// As [`close`].
pub(crate) async fn close_and_wait(place: &Place, printer: Printer) -> Result<(), Failure> {
    close(place, printer).await?;
    std::future::pending().await
}

async fn close_one(place: &Place, run: &WorkflowRow) -> Result<(), Failure> {
    let event = json!({
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "detail": {
            "executionArn": run.state_machine_execution_arn,
            "stateMachineArn": place.deployment.machines.master.arn,
            "name": run.workflow_execution_id,
            "status": "ABORTED",
            "error": "EndpointEnded",
            "cause": "the endpoint ended while the run was at work",
        },
    });
    loop {
        match place.invoke(&place.deployment.functions.update_audit, &event).await? {
            Ok(_) => return Ok(()),
            Err(error) if error.get("errorType") == Some(&Value::from("StageNotSettled")) => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                let text =
                    |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let failed = anyhow::anyhow!("{}: {}", text("errorType"), text("errorMessage"));
                return Err(failed.context(format!("cannot close {}", run.workflow_execution_id)).into());
            }
        }
    }
}
