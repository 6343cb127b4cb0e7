//! `rsqlflow run FILE`: validate, put, start, watch until the end.

use rsqlflow_core::ExecutionId;
use rsqlflow_core::config::Workflow;
use rsqlflow_core::message::TriggerRequest;
use rsqlflow_core::timing::Timing;
use serde_json::Value;

use crate::args::Run;
use crate::failure::{Failure, exit};
use crate::input::file;
use crate::input::signals::Signals;
use crate::output::{Printer, one_line};
use crate::place::{self, Place, Serving, new_execution_id};
use crate::runs::follow::{self, follow, plan_of};
use crate::runs::live::Live;
use crate::runs::outage::{self, Steady};
use crate::runs::resume;
use crate::runs::trigger;

/// Runs a workflow file on an embedded endpoint.
///
/// # Errors
/// Where the file is not valid, or the run cannot be started or watched. That a job fails is no error here: the
/// exit code says it.
pub(crate) async fn run(args: &Run, printer: Printer) -> Result<u8, Failure> {
    let timing = place::deployment(Timing::single_machine())?.timing;
    let (item, workflow) = file::read_workflow(&args.file, &timing)?;
    let id = args.execution_id.as_deref().map(new_execution_id).transpose()?;
    let scripts = args.scripts.clone().unwrap_or_else(|| file::scripts_beside(&args.file));

    let mut signals = Signals::listen()?;
    let serving = Serving { embedded: &args.embedded, port: 0, scripts: &scripts, authenticate: true };
    let place = Box::pin(Place::serve(serving)).await?;
    let outcome = run_at(&place, (&item, &workflow), id, &args.parameters, &mut signals, printer).await;
    place.close().await;
    if let Ok(exit::NOT_COMPLETED) = outcome {
        printer.notice(&format!("workflow {} did not complete", one_line(workflow.workflow_id.as_str())));
    }
    outcome
}

async fn run_at(
    place: &Place,
    (item, workflow): (&Value, &Workflow),
    id: Option<ExecutionId>,
    parameters: &[(String, String)],
    signals: &mut Signals,
    printer: Printer,
) -> Result<u8, Failure> {
    let unfinished = tokio::select! {
        unfinished = resume::take_up(place, printer) => unfinished?,
        _ = signals.next() => return Ok(exit::INTERRUPTED),
    };
    if let Some(id) = id.as_ref().filter(|id| unfinished.contains(id)) {
        // The same command again, after the first was cut off: the run is there, and its end is what is asked for.
        let row = place.store.workflows().get(id).await?;
        if row.is_some_and(|row| row.workflow_id == workflow.workflow_id) {
            printer
                .notice(&format!("{id} was begun before, with the workflow as it was then; this follows it"));
            return follow(place, id, signals, printer).await;
        }
    }
    for id in unfinished {
        let plan = plan_of(place, &id).await?;
        let live = Live::new(&id, &plan, printer);
        tokio::select! {
            run = outage::until_closed(&place.store, &id, Steady::following(place, &id), &live) => {
                printer.notice(&format!("{id} ended: {}", run?.workflow.execution_status));
            }
            by = signals.next() => {
                follow::cancel(place, &id, &plan, by, signals, printer).await?;
                return Ok(exit::INTERRUPTED);
            }
        }
    }
    if let Some(id) = &id {
        trigger::unused(place, id).await?;
    }
    place.store.config().put(item).await?;
    let request = TriggerRequest {
        workflow_id: workflow.workflow_id.clone(),
        workflow_execution_id: Some(id.map_or_else(|| trigger::new_id(&workflow.workflow_id), Ok)?),
        parameters: trigger::overrides(parameters),
        restart: None,
        answer_refusal: true,
    };
    let id = trigger::invoke(place, &request).await?.workflow_execution_id;
    printer.progress(&format!("started {id} at {}", place.url()));
    follow(place, &id, signals, printer).await
}
