//! `rsqlflow run FILE`: validates the file, stores the workflow, starts a run, and follows it until it ends.

use rsqlflow_core::ExecutionId;
use rsqlflow_core::config::Workflow;
use rsqlflow_core::message::TriggerRequest;
use rsqlflow_core::timing::Timing;
use serde_json::Value;

use crate::args::Run;
use crate::backend::{self, Backend, Serving, new_execution_id};
use crate::failure::{Failure, exit};
use crate::input::file;
use crate::input::signals::Signals;
use crate::output::{Printer, one_line};
use crate::runs::follow::{self, follow, plan_of};
use crate::runs::live::Live;
use crate::runs::outage::{self, Steady};
use crate::runs::resume;
use crate::runs::trigger;

/// Runs a workflow file on an embedded endpoint.
///
/// # Errors
/// The file is not valid, or the run cannot be started or followed. A failed job is not an error here: it sets the exit
/// code.
pub(crate) async fn run(args: &Run, printer: Printer) -> Result<u8, Failure> {
    let timing = backend::deployment(Timing::single_machine())?.timing;
    let (item, workflow) = file::read_workflow(&args.file, &timing)?;
    let id = args.execution_id.as_deref().map(new_execution_id).transpose()?;
    let scripts = args.scripts.clone().unwrap_or_else(|| file::scripts_beside(&args.file));

    let mut signals = Signals::listen()?;
    let serving = Serving { embedded: &args.embedded, port: 0, scripts: &scripts, authenticate: true };
    let backend = Box::pin(Backend::serve(serving)).await?;
    let outcome = run_at(&backend, (&item, &workflow), id, &args.parameters, &mut signals, printer).await;
    backend.close().await;
    if let Ok(exit::NOT_COMPLETED) = outcome {
        printer.notice(&format!("workflow {} did not complete", one_line(workflow.workflow_id.as_str())));
    }
    outcome
}

async fn run_at(
    backend: &Backend,
    (item, workflow): (&Value, &Workflow),
    id: Option<ExecutionId>,
    parameters: &[(String, String)],
    signals: &mut Signals,
    printer: Printer,
) -> Result<u8, Failure> {
    let unfinished = tokio::select! {
        unfinished = resume::resume(backend, printer) => unfinished?,
        _ = signals.next() => return Ok(exit::INTERRUPTED),
    };
    if let Some(id) = id.as_ref().filter(|id| unfinished.contains(id)) {
        // A repeated command, after the first was interrupted: the run exists, and only has to be followed.
        let row = backend.store.workflows().get(id).await?;
        if row.is_some_and(|row| row.workflow_id == workflow.workflow_id) {
            printer.notice(&format!("{id} was started before, with the workflow of that time; following it"));
            return follow(backend, id, signals, printer).await;
        }
    }
    for id in unfinished {
        let plan = plan_of(backend, &id).await?;
        let live = Live::new(&id, &plan, printer);
        tokio::select! {
            run = outage::until_closed(&backend.store, &id, Steady::following(backend, &id), &live) => {
                printer.notice(&format!("{id} ended: {}", run?.workflow.execution_status));
            }
            by = signals.next() => {
                follow::cancel(backend, &id, &plan, by, signals, printer).await?;
                return Ok(exit::INTERRUPTED);
            }
        }
    }
    if let Some(id) = &id {
        trigger::unused(backend, id).await?;
    }
    backend.store.config().put(item).await?;
    let request = TriggerRequest {
        workflow_id: workflow.workflow_id.clone(),
        workflow_execution_id: Some(id.map_or_else(|| trigger::new_id(&workflow.workflow_id), Ok)?),
        parameters: trigger::overrides(parameters),
        restart: None,
        answer_refusal: true,
    };
    let id = trigger::invoke(backend, &request).await?.workflow_execution_id;
    printer.progress(&format!("started {id} at {}", backend.url()));
    follow(backend, &id, signals, printer).await
}
