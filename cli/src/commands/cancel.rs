//! `rsqlflow cancel EXECUTION [--job JOB]`

use std::time::Duration;

use rsqlflow_core::message::{ClockPart, ClockRequest};
use rsqlflow_core::plan::Plan;
use rsqlflow_core::protocol::{Change, JobStatus, Outcome};
use rsqlflow_core::{ExecutionId, Function, JobId};
use rsqlflow_store::{ChangeError, JobRow, Note};
use serde_json::json;

use crate::args::Cancel;
use crate::failure::{Failure, exit};
use crate::input::confirm::agree;
use crate::input::signals::{Signal, Signals};
use crate::output::{JSON_VERSION, Printer, one_line};
use crate::place::{Place, Purpose, execution_id};
use crate::runs::follow::{self, Patience, plan_of, stop};
use crate::runs::names;
use crate::runs::outage::Steady;
use crate::runs::rows;

/// How often a row is looked at that is to close.
const PAUSE: Duration = Duration::from_millis(300);

/// Ends a run or a job, and waits until it is closed.
///
/// # Errors
/// Where there is nothing to end, or it cannot be ended.
pub(crate) async fn cancel(args: &Cancel, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let mut signals = Signals::listen()?;
    let place = Box::pin(Place::find(&args.place, Purpose::Execute)).await?;
    let ended = at(args, &id, &place, &mut signals, printer).await;
    place.close().await;
    ended
}

async fn at(
    args: &Cancel,
    id: &ExecutionId,
    place: &Place,
    signals: &mut Signals,
    printer: Printer,
) -> Result<u8, Failure> {
    let row = place.store.workflows().get(id).await?.ok_or_else(|| rows::no_such_run(id))?;
    if row.execution_status.is_closed() {
        return Err(Failure::input(
            format!("{id} is over: it is {}", row.execution_status),
            format!("`rsqlflow status {id}` shows how it ended"),
        ));
    }
    let plan = plan_of(place, id).await?;
    let workflow = one_line(row.workflow_id.as_str());
    if let Some(job) = &args.job {
        let job = names::job(&plan, id, job)?;
        let name = plan.job(job).map(|job| one_line(&job.job_name)).unwrap_or_default();
        let question =
            format!("Cancel job {name} ({job}) of {id}, workflow {workflow}, on {}?", place.name());
        agree(args.consent, printer, &question).await?;
        return cancel_job(args, place, id, job, &plan, signals, printer).await;
    }
    let question = format!("Cancel {id} of workflow {workflow} on {}?", place.name());
    agree(args.consent, printer, &question).await?;
    if args.no_wait {
        tokio::select! {
            stopped = stop(place, id, Signal::Interrupt) => stopped?,
            _ = signals.next() => return Ok(exit::INTERRUPTED),
        }
        let times = Patience::of(&plan);
        printer.notice(&format!("asked for: {times}"));
        if printer.is_json() {
            printer.json(&json!({ "version": JSON_VERSION, "workflow_execution_id": id,
                "cancel_requested": true }));
        }
        return Ok(exit::OK);
    }
    Ok(match follow::cancel(place, id, &plan, Signal::Interrupt, signals, printer).await? {
        true => exit::OK,
        false => exit::INTERRUPTED,
    })
}

async fn cancel_job(
    args: &Cancel,
    place: &Place,
    id: &ExecutionId,
    job: JobId,
    plan: &Plan,
    signals: &mut Signals,
    printer: Printer,
) -> Result<u8, Failure> {
    let mut row = tokio::select! {
        row = request(place, id, job) => row?,
        _ = signals.next() => return Ok(exit::INTERRUPTED),
    };
    if !row.state.status.is_closed() && row.job.sql.is_some() {
        printer.notice(&format!(
            "cancelling {}: its statement is cancelled in the warehouse, and the job is closed when the statement has \
             ended (Ctrl-C to leave at once)",
            one_line(&row.job_name)
        ));
        // It would come within a minute by itself, and need not be reachable from here.
        let request = ClockRequest { only: Some(ClockPart::Statements), ..ClockRequest::default() };
        if let Ok(request) = serde_json::to_value(request) {
            let _ = place.invoke(&place.deployment.functions[Function::Clock], &request).await;
        }
    } else if !row.state.status.is_closed() {
        let heartbeat = row.job.heartbeat.get();
        printer.notice(&format!(
            "cancelling {}: its agent hears of it within {} s and gives the script {} s to end; if its instance is \
             gone, the run closes the job in {heartbeat} s to {} s (Ctrl-C to leave at once)",
            one_line(&row.job_name),
            follow::heard_within(heartbeat),
            plan.timing.stop_grace.as_secs(),
            3 * heartbeat
        ));
    }
    let mut steady = Steady::cancelling(place, id);
    while !row.state.status.is_closed() && !args.no_wait {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = signals.next() => return Ok(exit::INTERRUPTED),
        }
        row = tokio::select! {
            read = steady.read(|line| printer.notice(line), async || read(place, id, job).await) => read?,
            _ = signals.next() => return Ok(exit::INTERRUPTED),
        };
    }
    if printer.is_json() {
        printer.json(&json!({ "version": JSON_VERSION, "workflow_execution_id": id, "job_id": job,
            "cancel_requested": true, "execution_status": row.state.status }));
    } else {
        printer.data(&format!("{}  {job}  {}", row.state.status, one_line(&row.job_name)));
    }
    Ok(exit::OK)
}

/// Asks for the job's end. One that no launcher has taken up yet ends at once: its launcher, when its turn comes,
/// finds the row closed and tells the machine.
async fn request(place: &Place, id: &ExecutionId, job: JobId) -> Result<JobRow, Failure> {
    loop {
        let row = read(place, id, job).await?;
        let change = match row.state.status {
            JobStatus::Pending => Change::CloseUnclaimed {
                from: row.state.status,
                attempt: row.state.attempt,
                outcome: Outcome::without_exit(
                    JobStatus::Cancelled,
                    "cancelled by the operator before it began",
                ),
            },
            status if status.is_closed() => {
                return Err(Failure::input(
                    format!("{} ({job}) is over: it is {status}", one_line(&row.job_name)),
                    format!("`rsqlflow jobs {id}` shows how each job ended"),
                ));
            }
            _ => Change::RequestCancel,
        };
        let note = match &change {
            Change::CloseUnclaimed { .. } => Note::new().end(jiff::Timestamp::now().into()),
            _ => Note::new(),
        };
        match place.store.jobs().change(id, job, &change, note).await {
            Ok(row) => return Ok(row),
            // Somebody else moved it on meanwhile.
            Err(ChangeError::Refused(_)) => {}
            Err(ChangeError::Store(error)) => return Err(error.into()),
            Err(error) => return Err(anyhow::Error::new(error).into()),
        }
    }
}

async fn read(place: &Place, id: &ExecutionId, job: JobId) -> Result<JobRow, Failure> {
    place.store.jobs().get(id, job).await?.ok_or_else(|| {
        Failure::input(
            format!("the run has not come to job {job} yet, so there is nothing to cancel"),
            format!(
                "cancel the run, mark the job with `rsqlflow mark {id} {job} skipped --reason …`, and restart the rest"
            ),
        )
    })
}
