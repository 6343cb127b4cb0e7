//! `rsqlflow run FILE`: validate, put, start, watch until the end.

use std::path::{Path, PathBuf};

use anyhow::Context;
use aws_sdk_lambda::primitives::Blob;
use rsqlflow_core::plan::Plan;
use rsqlflow_core::{ErrorName, ExecutionId, WorkflowStatus};
use serde_json::{Map, Value, json};

use crate::args::Run;
use crate::error::Failure;
use crate::place::{Place, execution_id};
use crate::printer::{Printer, one_line};
use crate::{exit, file, logs, place, report, watch};

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

    let place = Place::start(&args.embedded, 0, &scripts).await?;
    let outcome = run_at(&place, &item, id, &args.parameters, printer).await;
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
    printer: Printer,
) -> Result<u8, Failure> {
    place.store.config().put(item).await?;
    let id = trigger(place, item, id, parameters).await?;
    let snapshot = place
        .store
        .jobs()
        .get_snapshot(&id)
        .await?
        .with_context(|| format!("the run {id} was started but has no plan"))?;
    let plan = Plan::from_snapshot(&snapshot)
        .map_err(|problems| Failure::Workflow { what: format!("the plan of {id}"), problems })?;
    printer.progress(&format!("started {id} at {}", place.url()));

    let run = tokio::select! {
        run = watch::until_closed(&place.store, &id, &plan, printer) => run?,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("cannot listen for Ctrl-C")?;
            printer.notice("cancelling: running scripts are being stopped (Ctrl-C again leaves at once)");
            return cancel(place, &id, &plan, printer).await;
        }
    };
    let tails = logs::tails(&aws_sdk_cloudwatchlogs::Client::new(&place.sdk), &run.jobs).await;
    report::run(printer, &run, &plan, &tails);
    Ok(match run.workflow.execution_status {
        WorkflowStatus::Completed => exit::OK,
        _ => exit::NOT_COMPLETED,
    })
}

/// Stops the master execution, as a person would on AWS, and waits until every row is closed.
async fn cancel(place: &Place, id: &ExecutionId, plan: &Plan, printer: Printer) -> Result<u8, Failure> {
    let row = place.store.workflows().get(id).await?.ok_or_else(|| watch::no_such_run(id))?;
    if let Some(arn) = &row.state_machine_execution_arn {
        aws_sdk_sfn::Client::new(&place.sdk)
            .stop_execution()
            .execution_arn(arn)
            .error("Cancelled")
            .cause("cancelled by Ctrl-C")
            .send()
            .await
            .context("cannot stop the execution")?;
    }
    tokio::select! {
        run = watch::until_closed(&place.store, id, plan, printer) => report::run(printer, &run?, plan, &[]),
        _ = tokio::signal::ctrl_c() => {}
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
    if let Some(id) = id {
        request["workflow_execution_id"] = json!(id);
    }
    if !parameters.is_empty() {
        let given: Map<String, Value> = parameters.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        request["parameters"] = Value::Object(given);
    }
    let answer = aws_sdk_lambda::Client::new(&place.sdk)
        .invoke()
        .function_name(&place.deployment.functions.workflow_trigger)
        .payload(Blob::new(request.to_string()))
        .send()
        .await
        .context("cannot invoke the trigger function")?;
    let payload = answer.payload().map(Blob::as_ref).unwrap_or_default();
    let payload: Value =
        serde_json::from_slice(payload).context("the trigger answered with something else than JSON")?;
    if answer.function_error().is_some() {
        return Err(refused(&payload));
    }
    payload
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
