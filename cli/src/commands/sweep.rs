//! `rsqlflow sweep`

use std::time::Duration;

use anyhow::Context;
use rsqlflow_core::Function;
use rsqlflow_core::message::{ClockAnswer, ClockPart, ClockRequest, SweepAnswer, Swept};
use serde_json::json;

use crate::args::Sweep;
use crate::backend::{Backend, Purpose, failed};
use crate::failure::{Failure, exit};
use crate::input::confirm::agree;
use crate::input::signals::Signals;
use crate::output::{JSON_VERSION, Printer, counted, one_line};
use crate::runs::resume;

/// Pause between calls. Agents are notified with their next renewal.
const PAUSE: Duration = Duration::from_secs(1);

/// Has the clock close runs, again and again until nothing is being stopped any more.
///
/// # Errors
/// The clock cannot be invoked, or could not close a run.
pub(crate) async fn sweep(args: &Sweep, printer: Printer) -> Result<u8, Failure> {
    let mut signals = Signals::listen()?;
    let backend = Box::pin(Backend::find(&args.backend, Purpose::Execute)).await?;
    let swept = tokio::select! {
        swept = at(args, &backend, printer) => swept,
        _ = signals.next() => Ok(exit::INTERRUPTED),
    };
    backend.close().await;
    swept
}

async fn at(args: &Sweep, backend: &Backend, printer: Printer) -> Result<u8, Failure> {
    if backend.is_served_here() {
        // Runs that the last endpoint left unstarted are closed, as at the start of any endpoint.
        resume::resume(backend, printer).await?;
    }
    let found = invoke(backend, true).await?;
    if args.dry_run || (found.closed.is_empty() && found.stopping.is_empty()) {
        return Ok(report(&found, args.dry_run, printer));
    }
    for run in &found.closed {
        printer.progress(&line("will close", run));
    }
    let question = format!("Close {} on {}?", counted(found.closed.len(), "run"), backend.name());
    agree(args.consent, printer, &question).await?;
    let mut closed = Vec::new();
    loop {
        let mut answer = invoke(backend, false).await?;
        closed.append(&mut answer.closed);
        if answer.stopping.is_empty() {
            answer.closed = closed;
            return Ok(report(&answer, false, printer));
        }
        for run in &answer.stopping {
            printer.progress(&line("waiting for", run));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What the clock says of runs.
///
/// # Errors
/// Where it cannot be invoked, or fails.
pub(crate) async fn invoke(backend: &Backend, dry_run: bool) -> Result<SweepAnswer, Failure> {
    let function = &backend.deployment.functions[Function::Clock];
    let request = ClockRequest { dry_run, all: true, only: Some(ClockPart::Runs), detail: None };
    let request = serde_json::to_value(request).context("a request cannot be written")?;
    let answer = backend.invoke(function, &request).await?.map_err(|error| failed(function, &error))?;
    let answer: ClockAnswer = serde_json::from_value(answer).context("the clock's answer cannot be read")?;
    Ok(answer.runs)
}

fn report(answer: &SweepAnswer, dry_run: bool, printer: Printer) -> u8 {
    if printer.is_json() {
        let mut document = json!(answer);
        document["version"] = json!(JSON_VERSION);
        document["dry_run"] = json!(dry_run);
        printer.json(&document);
    } else {
        for run in &answer.closed {
            printer.data(&line(if dry_run { "would close" } else { "closed" }, run));
        }
        for run in &answer.notified {
            printer.data(&line(if dry_run { "would notify" } else { "notified" }, run));
        }
        for run in &answer.settled {
            printer.data(&line(if dry_run { "would settle" } else { "settled" }, run));
        }
        for run in &answer.failed {
            printer.data(&line("failed", run));
        }
        for row in &answer.unreadable {
            printer.data(&format!("unreadable  {}  {}", one_line(&row.key), one_line(&row.message)));
        }
        printer.data(&format!(
            "{} {}, {} running, {} failed",
            answer.closed.len(),
            if dry_run { "to close" } else { "closed" },
            answer.running.len(),
            answer.failed.len()
        ));
    }
    if answer.failed.is_empty() && answer.unreadable.is_empty() { exit::OK } else { exit::ENVIRONMENT }
}

fn line(what: &str, run: &Swept) -> String {
    let workflow = one_line(run.workflow_id.as_str());
    format!("{what}  {}  {workflow}  {}", run.workflow_execution_id, one_line(&run.message))
}
