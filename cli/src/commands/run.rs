//! `rsqlflow run FILE`: validate, put, start, watch until the end.

use std::path::{Path, PathBuf};

use anyhow::Context;
use rsqlflow_core::plan::Plan;
use rsqlflow_core::{ErrorName, ExecutionId, WorkflowStatus};
use serde_json::{Map, Value, json};

use crate::args::Run;
use crate::error::Failure;
use crate::place::{Place, execution_id};
use crate::printer::{Printer, one_line};
use crate::signals::Signals;
use crate::{exit, file, logs, place, report, unfinished, watch};

/// Runs a workflow file on an embedded endpoint.
///
/// # Errors
/// Where the file is not valid, or the run cannot be started or watched. That a job fails is no error here: the
/// exit code says it.
pub(crate) async fn run(args: &Run, printer: Printer) -> Result<u8, Failure> {
    let timing = place::deployment()?.timing;
    let (item, workflow) = file::read_workflow(&args.file, &timing)?;
    let id = args.execution_id.as_deref().map(execution_id).transpose()?;
    let scripts = args.scripts.clone().unwrap_or_else(|| scripts_beside(&args.file));

    let mut signals = Signals::listen()?;
    let place = Box::pin(Place::start(&args.embedded, 0, &scripts)).await?;
    let outcome = run_at(&place, &item, id, &args.parameters, &mut signals, printer).await;
    place.close().await;
    if let Ok(exit::NOT_COMPLETED) = outcome {
        printer.notice(&format!("workflow {} did not complete", one_line(workflow.workflow_id.as_str())));
    }
    outcome
}

async fn run_at(
    place: &Place,
    item: &Value,
    id: Option<ExecutionId>,
    parameters: &[(String, String)],
    signals: &mut Signals,
    printer: Printer,
) -> Result<u8, Failure> {
    let unfinished = tokio::select! {
        unfinished = unfinished::take_up(place, printer) => unfinished?,
        () = signals.next() => return Ok(exit::INTERRUPTED),
    };
    for id in unfinished {
        let plan = plan_of(place, &id).await?;
        tokio::select! {
            run = watch::until_closed(&place.store, &id, &plan, printer) => {
                printer.notice(&format!("{id} ended: {}", run?.workflow.execution_status));
            }
            () = signals.next() => return cancel(place, &id, &plan, signals, printer).await,
        }
    }
    place.store.config().put(item).await?;
    let id = trigger(place, item, id, parameters).await?;
    let plan = plan_of(place, &id).await?;
    printer.progress(&format!("started {id} at {}", place.url()));

    let run = tokio::select! {
        run = watch::until_closed(&place.store, &id, &plan, printer) => run?,
        () = signals.next() => return cancel(place, &id, &plan, signals, printer).await,
    };
    let tails = logs::tails(&aws_sdk_cloudwatchlogs::Client::new(&place.sdk), &run.jobs).await;
    report::run(printer, &run, &plan, &tails);
    Ok(match run.workflow.execution_status {
        WorkflowStatus::Completed => exit::OK,
        _ => exit::NOT_COMPLETED,
    })
}

async fn plan_of(place: &Place, id: &ExecutionId) -> Result<Plan, Failure> {
    let snapshot = place.store.jobs().get_snapshot(id).await?;
    let snapshot = snapshot.with_context(|| format!("the run {id} was started but has no plan"))?;
    Plan::from_snapshot(&snapshot)
        .map_err(|problems| Failure::Workflow { what: format!("the plan of {id}"), problems })
}

/// Stops the master execution, as a person would on AWS, and waits until every row is closed.
async fn cancel(
    place: &Place,
    id: &ExecutionId,
    plan: &Plan,
    signals: &mut Signals,
    printer: Printer,
) -> Result<u8, Failure> {
    let longest = plan.jobs().map(|(_, job)| job.heartbeat.get()).max().unwrap_or(0);
    printer.notice(&format!(
        "cancelling {id}: an agent hears of it with its next renewal, within {} s (again to leave at once)",
        longest.div_ceil(3)
    ));
    let row = place.store.workflows().get(id).await?.ok_or_else(|| watch::no_such_run(id))?;
    if let Some(arn) = &row.state_machine_execution_arn {
        aws_sdk_sfn::Client::new(&place.sdk)
            .stop_execution()
            .execution_arn(arn)
            .error("Cancelled")
            .cause("cancelled by the operator")
            .send()
            .await
            .context("cannot stop the execution")?;
    }
    tokio::select! {
        // What was told before is not told again.
        run = watch::until_closed(&place.store, id, plan, printer.silent()) => report::run(printer, &run?, plan, &[]),
        () = signals.next() => printer.notice(&format!(
            "left: scripts that still run are stopped when their leases end, within {longest} s; the next `rsqlflow \
             run` or `local` on this state directory closes the run"
        )),
    }
    Ok(exit::INTERRUPTED)
}

/// Invokes the trigger function, as users do on AWS.
async fn trigger(
    place: &Place,
    item: &Value,
    id: Option<ExecutionId>,
    parameters: &[(String, String)],
) -> Result<ExecutionId, Failure> {
    let mut request = json!({ "workflow_id": item.get("workflow_id") });
    if let Some(id) = &id {
        // A run that is over is not run again, and its old result must not pass for a new one.
        if let Some(row) = place.store.workflows().get(id).await? {
            return Err(Failure::input(
                format!("there is a run {id} already, and it is {}", row.execution_status),
                "give this one another --execution-id, or none",
            ));
        }
        request["workflow_execution_id"] = json!(id);
    }
    if !parameters.is_empty() {
        let given: Map<String, Value> = parameters.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        request["parameters"] = Value::Object(given);
    }
    let answer = place.invoke(&place.deployment.functions.workflow_trigger, &request).await?;
    let answer = answer.map_err(|error| refused(&error))?;
    answer
        .get("workflow_execution_id")
        .and_then(Value::as_str)
        .context("the trigger did not name the run")?
        .parse()
        .context("the trigger named the run as nobody can")
        .map_err(Failure::from)
}

/// What the trigger has against the request: the user's mistake, or the surroundings'.
fn refused(payload: &Value) -> Failure {
    let text = |name: &str| payload.get(name).and_then(Value::as_str).unwrap_or_default();
    let (name, message) = (text("errorType"), text("errorMessage"));
    let is_input = matches!(
        name.parse(),
        Ok(ErrorName::InvalidRequest
            | ErrorName::InvalidWorkflow
            | ErrorName::WorkflowNotFound
            | ErrorName::WorkflowAlreadyRunning
            | ErrorName::ExecutionIdTaken)
    );
    if is_input {
        return Failure::Input { message: message.to_owned(), hint: None };
    }
    anyhow::anyhow!("the trigger function failed with {name}: {message}").into()
}

/// `scripts` beside the file if there is such a directory, else the file's own.
fn scripts_beside(file: &Path) -> PathBuf {
    let beside = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let scripts = beside.join("scripts");
    if scripts.is_dir() { scripts } else { beside }
}
