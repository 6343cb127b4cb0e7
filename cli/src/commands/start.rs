//! `rsqlflow start ID`

use rsqlflow_core::message::{TriggerAnswer, TriggerRequest};
use serde_json::json;

use crate::args::Start;
use crate::commands::get::workflow_id;
use crate::failure::{Failure, exit};
use crate::input::signals::Signals;
use crate::output::{JSON_VERSION, Printer};
use crate::place::{Place, new_execution_id};
use crate::runs::follow::follow;
use crate::runs::resume;
use crate::runs::trigger;

/// Starts a run of a workflow of the config table.
///
/// # Errors
/// What the trigger has against it, or where it cannot be reached.
pub(crate) async fn start(args: &Start, printer: Printer) -> Result<u8, Failure> {
    let workflow = workflow_id(&args.workflow)?;
    let id = args.execution_id.as_deref().map(new_execution_id).transpose()?;
    let mut signals = Signals::listen()?;
    let place = Box::pin(Place::find_with_scripts(&args.place, args.scripts.as_deref())).await?;
    let request = TriggerRequest {
        workflow_execution_id: Some(id.clone().map_or_else(|| trigger::new_id(&workflow), Ok)?),
        workflow_id: workflow,
        parameters: trigger::overrides(&args.parameters),
        restart: None,
        answer_refusal: true,
    };
    let unused = match &id {
        Some(id) => trigger::unused(&place, id).await,
        None => Ok(()),
    };
    let begun = match unused {
        Ok(()) => begin(&place, &request, args.watch, &mut signals, printer).await,
        Err(taken) => Err(taken),
    };
    place.close().await;
    begun
}

/// Starts what the request says; follows it where that is asked for, or where it runs in this process.
///
/// # Errors
/// What the trigger has against it, or where the run cannot be followed.
pub(crate) async fn begin(
    place: &Place,
    request: &TriggerRequest,
    watch: bool,
    signals: &mut Signals,
    printer: Printer,
) -> Result<u8, Failure> {
    if place.is_served_here() {
        resume::take_up(place, printer).await?;
    }
    let started = trigger::invoke(place, request).await?;
    let id = &started.workflow_execution_id;
    let of = request.restart.as_ref().map(|restart| &restart.workflow_execution_id);
    if watch || place.is_served_here() {
        let restart = of.map(|of| format!(", a restart of {of}")).unwrap_or_default();
        printer.progress(&format!("started {id} on {}{restart}", place.name()));
        return follow(place, id, signals, printer).await;
    }
    tell(&started, request, printer);
    printer.progress(&format!("`rsqlflow watch {id}` follows it"));
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
        // Alone on its line, so that a script can take it.
        printer.data(id.as_str());
    }
}
