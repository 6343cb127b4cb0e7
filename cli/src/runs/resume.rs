//! Runs that an earlier endpoint on this directory left unfinished, because it was killed or stopped. Their executions
//! continue with the endpoint. A run without a running execution was interrupted between its row and its start, or before
//! its end was recorded. Only this endpoint can close its row and release its lock.

use std::time::Duration;

use aws_sdk_sfn::types::ExecutionStatus;
use rsqlflow_core::{ExecutionId, Function};
use rsqlflow_store::WorkflowRow;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::failure::Failure;
use crate::output::{Printer, one_line};

/// How often an open run is read. Its agents are notified with their next renewal.
const PAUSE: Duration = Duration::from_millis(500);

/// Says which runs go on, and closes those that cannot. Gives back the former, oldest first. A run that cannot be looked
/// at or closed is named, and holds up no other.
///
/// # Errors
/// Where the runs cannot be read.
pub(crate) async fn resume(backend: &Backend, printer: Printer) -> Result<Vec<ExecutionId>, Failure> {
    let mut runs = backend.store.workflows().running().await?;
    // Clients of this endpoint may have started others already.
    runs.retain(|run| run.execution_start_ts < backend.since);
    runs.sort_by_key(|run| run.execution_start_ts);
    let (mut continuing, mut over) = (Vec::new(), Vec::new());
    for run in runs {
        let name =
            format!("{} of workflow {}", run.workflow_execution_id, one_line(run.workflow_id.as_str()));
        match backend.execution_status(&run.workflow_execution_id).await {
            Ok(Some(ExecutionStatus::Running)) => {
                printer.notice(&format!("{name} was interrupted with its endpoint and continues"));
                continuing.push(run.workflow_execution_id);
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
        if let Err(failure) = close(backend, &run, status).await {
            not_closed(&name, &failure, printer);
        }
    });
    futures::future::join_all(closing).await;
    Ok(continuing)
}

fn not_closed(name: &str, failure: &Failure, printer: Printer) {
    printer.notice(&format!("{name} was interrupted and cannot be closed: {}", failure.message()));
    printer.notice("hint: when the cause is removed, `rsqlflow sweep` closes it");
}

/// As [`take_up`], and then never ends by itself: for a command that continues serving.
///
/// # Errors
/// As [`resume`].
pub(crate) async fn resume_and_wait(backend: &Backend, printer: Printer) -> Result<(), Failure> {
    resume(backend, printer).await?;
    std::future::pending().await
}

/// Closes a run as the event of its execution's end does.
async fn close(backend: &Backend, run: &WorkflowRow, status: Option<ExecutionStatus>) -> Result<(), Failure> {
    let status = match status {
        Some(status @ (ExecutionStatus::Failed | ExecutionStatus::TimedOut)) => status,
        _ => ExecutionStatus::Aborted,
    };
    // A run that was cut off before its execution began names none.
    let id = &run.workflow_execution_id;
    let master = &backend.deployment.machines.master;
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
        match backend.invoke(&backend.deployment.functions[Function::UpdateAudit], &event).await? {
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
