//! Runs that an earlier endpoint on this directory left unfinished: it was killed, or stopped while they were at
//! work. Their executions go on with the endpoint. A run without one that is at work was cut off between its row and
//! its start, or before its end was told: nobody else would ever close its row or give its lock back.

use std::time::Duration;

use aws_sdk_sfn::types::ExecutionStatus;
use rsqlflow_core::{ExecutionId, Function};
use rsqlflow_store::WorkflowRow;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{Printer, one_line};
use crate::place::Place;

/// How often an open run is looked at. Its agents hear of their end with their next renewal.
const PAUSE: Duration = Duration::from_millis(500);

/// Says which runs go on, and closes those that cannot. Gives back the former, oldest first. A run that cannot be looked
/// at or closed is named, and holds up no other.
///
/// # Errors
/// Where the runs cannot be read.
pub(crate) async fn take_up(place: &Place, printer: Printer) -> Result<Vec<ExecutionId>, Failure> {
    let mut runs = place.store.workflows().running().await?;
    // Clients of this endpoint may have started others already.
    runs.retain(|run| run.execution_start_ts < place.since);
    runs.sort_by_key(|run| run.execution_start_ts);
    let (mut at_work, mut over) = (Vec::new(), Vec::new());
    for run in runs {
        let name =
            format!("{} of workflow {}", run.workflow_execution_id, one_line(run.workflow_id.as_str()));
        match place.execution_status(&run.workflow_execution_id).await {
            Ok(Some(ExecutionStatus::Running)) => {
                printer.notice(&format!("{name} was interrupted with its endpoint and goes on"));
                at_work.push(run.workflow_execution_id);
            }
            Ok(status) => {
                printer.notice(&format!(
                    "{name} was interrupted and its execution is over: closing it, once its agents have stopped or \
                     their leases have run out"
                ));
                over.push((run, name, status));
            }
            Err(error) => not_closed(&name, &error.into(), printer),
        }
    }
    // At the same time: one that waits for the lease of its agent holds up no other.
    let closing = over.into_iter().map(|(run, name, status)| async move {
        if let Err(failure) = close(place, &run, status).await {
            not_closed(&name, &failure, printer);
        }
    });
    futures::future::join_all(closing).await;
    Ok(at_work)
}

fn not_closed(name: &str, failure: &Failure, printer: Printer) {
    printer.notice(&format!("{name} was interrupted and cannot be closed: {}", failure.message()));
    printer.notice("hint: when the cause is removed, `rsqlflow sweep` closes it");
}

/// As [`take_up`], and then never ends by itself: for a command that goes on serving.
///
/// # Errors
/// As [`take_up`].
pub(crate) async fn take_up_and_wait(place: &Place, printer: Printer) -> Result<(), Failure> {
    take_up(place, printer).await?;
    std::future::pending().await
}

/// Closes a run as the event of its execution's end would.
async fn close(place: &Place, run: &WorkflowRow, status: Option<ExecutionStatus>) -> Result<(), Failure> {
    let status = match status {
        Some(status @ (ExecutionStatus::Failed | ExecutionStatus::TimedOut)) => status,
        _ => ExecutionStatus::Aborted,
    };
    // A run that was cut off before its execution began names none.
    let id = &run.workflow_execution_id;
    let master = &place.deployment.machines.master;
    let arn = run.state_machine_execution_arn.clone().or_else(|| master.execution_arn(id.as_str()));
    let event = json!({
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "detail": {
            "executionArn": arn,
            "stateMachineArn": master.arn,
            "name": id,
            "status": status.as_str(),
            "error": "EndpointEnded",
            "cause": "the endpoint ended before the run was closed",
        },
    });
    loop {
        match place.invoke(&place.deployment.functions[Function::UpdateAudit], &event).await? {
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
