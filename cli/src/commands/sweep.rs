//! `rsqlflow sweep`

use std::time::Duration;

use anyhow::Context;
use rsqlflow_core::Function;
use rsqlflow_core::message::{ClockAnswer, ClockPart, ClockRequest, SweepAnswer, Swept};
use serde_json::json;

use crate::args::Sweep;
use crate::failure::{Failure, exit};
use crate::input::confirm::agree;
use crate::input::signals::Signals;
use crate::output::{JSON_VERSION, Printer, one_line};
use crate::place::{Place, Purpose, failed};
use crate::runs::resume;

/// Agents hear with their next renewal that they are to stop.
const PAUSE: Duration = Duration::from_secs(1);

/// Has the clock close runs, again and again until nothing is being stopped any more.
///
/// # Errors
/// Where it cannot be invoked, or could not close a run.
pub(crate) async fn sweep(args: &Sweep, printer: Printer) -> Result<u8, Failure> {
    let mut signals = Signals::listen()?;
    let place = Box::pin(Place::find(&args.place, Purpose::Execute)).await?;
    let swept = tokio::select! {
        swept = at(args, &place, printer) => swept,
        _ = signals.next() => Ok(exit::INTERRUPTED),
    };
    place.close().await;
    swept
}

async fn at(args: &Sweep, place: &Place, printer: Printer) -> Result<u8, Failure> {
    if place.is_served_here() {
        // Runs that the last endpoint left before they began are closed as any endpoint does at its start.
        resume::take_up(place, printer).await?;
    }
    let found = invoke(place, true).await?;
    if args.dry_run || (found.closed.is_empty() && found.stopping.is_empty()) {
        return Ok(tell(&found, args.dry_run, printer));
    }
    for run in &found.closed {
        printer.progress(&line("will close", run));
    }
    let question = format!("Close {} run(s) on {}?", found.closed.len(), place.name());
    agree(args.consent, printer, &question).await?;
    let mut closed = Vec::new();
    loop {
        let mut answer = invoke(place, false).await?;
        closed.append(&mut answer.closed);
        if answer.stopping.is_empty() {
            answer.closed = closed;
            return Ok(tell(&answer, false, printer));
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
pub(crate) async fn invoke(place: &Place, dry_run: bool) -> Result<SweepAnswer, Failure> {
    let function = &place.deployment.functions[Function::Clock];
    let request = ClockRequest { dry_run, all: true, only: Some(ClockPart::Runs), detail: None };
    let request = serde_json::to_value(request).context("a request cannot be written")?;
    let answer = place.invoke(function, &request).await?.map_err(|error| failed(function, &error))?;
    let answer: ClockAnswer = serde_json::from_value(answer).context("the clock's answer cannot be read")?;
    Ok(answer.runs)
}

fn tell(answer: &SweepAnswer, dry_run: bool, printer: Printer) -> u8 {
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
            "{} {}, {} at work, {} failed",
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
