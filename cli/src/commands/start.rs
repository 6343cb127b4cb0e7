//! `rsqlflow start ID`

use rsqlflow_core::message::{TriggerAnswer, TriggerRequest};
use serde_json::json;

use crate::args::Start;
use crate::backend::{Backend, new_execution_id};
use crate::commands::get::workflow_id;
use crate::failure::{Failure, exit};
use crate::input::signals::Signals;
use crate::output::{JSON_VERSION, Printer};
use crate::runs::follow::follow;
use crate::runs::resume;
use crate::runs::trigger;

/// Starts a run of a workflow in the config table.
///
/// # Errors
/// The trigger refuses the request, or cannot be reached.
pub(crate) async fn start(args: &Start, printer: Printer) -> Result<u8, Failure> {
    let workflow = workflow_id(&args.workflow)?;
    let id = args.execution_id.as_deref().map(new_execution_id).transpose()?;
    let mut signals = Signals::listen()?;
    let backend = Box::pin(Backend::find_with_scripts(&args.backend, args.scripts.as_deref())).await?;
    let request = TriggerRequest {
        workflow_execution_id: Some(id.clone().map_or_else(|| trigger::new_id(&workflow), Ok)?),
        workflow_id: workflow,
        parameters: trigger::overrides(&args.parameters),
        restart: None,
        answer_refusal: true,
    };
    let unused = match &id {
        Some(id) => trigger::unused(&backend, id).await,
        None => Ok(()),
    };
    let begun = match unused {
        Ok(()) => begin(&backend, &request, args.watch, &mut signals, printer).await,
        Err(taken) => Err(taken),
    };
    backend.close().await;
    begun
}

/// Starts the run of a request. Follows it if requested, or if it runs in this process.
///
/// # Errors
/// The trigger refuses the request, or the run cannot be followed.
pub(crate) async fn begin(
    backend: &Backend,
    request: &TriggerRequest,
    watch: bool,
    signals: &mut Signals,
    printer: Printer,
) -> Result<u8, Failure> {
    if backend.is_served_here() {
        resume::resume(backend, printer).await?;
    }
    let started = trigger::invoke(backend, request).await?;
    let id = &started.workflow_execution_id;
    let of = request.restart.as_ref().map(|restart| &restart.workflow_execution_id);
    if watch || backend.is_served_here() {
        let restart = of.map(|of| format!(", a restart of {of}")).unwrap_or_default();
        printer.progress(&format!("started {id} on {}{restart}", backend.name()));
        return follow(backend, id, signals, printer).await;
    }
    tell(&started, request, printer);
    printer.progress(&format!("hint: run `rsqlflow watch {id}` to follow it"));
    Ok(exit::OK)
}

fn tell(started: &TriggerAnswer, request: &TriggerRequest, printer: Printer) {
    let id = &started.workflow_execution_id;
    if printer.is_json() {
        printer.json(&json!({
            "version": JSON_VERSION,
            "workflow_id": request.workflow_id,
            "workflow_execution_id": id,
            "execution_arn": started.execution_arn,
            "status": started.status,
            "execution_status": started.workflow_status,
            "restarted_from": request.restart.as_ref().map(|restart| &restart.workflow_execution_id),
        }));
    } else {
        // The id is the only data on standard output, so that a script can read it.
        printer.data(id.as_str());
    }
}
