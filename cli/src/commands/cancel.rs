//! `rsqlflow cancel EXECUTION [--job JOB]`

use std::time::Duration;

use rsqlflow_core::message::{ClockPart, ClockRequest};
use rsqlflow_core::plan::Plan;
use rsqlflow_core::protocol::{Change, JobStatus, Outcome};
use rsqlflow_core::{ExecutionId, Function, JobId};
use rsqlflow_store::{ChangeError, JobRow, Note};
use serde_json::json;

use crate::args::Cancel;
use crate::backend::{Backend, Purpose, execution_id};
use crate::failure::{Failure, exit};
use crate::input::confirm::agree;
use crate::input::signals::{Signal, Signals};
use crate::output::{JSON_VERSION, Printer, one_line};
use crate::runs::follow::{self, CancelTimes, plan_of, stop};
use crate::runs::names;
use crate::runs::outage::Steady;
use crate::runs::rows;

/// How often the row is read until it is closed.
const PAUSE: Duration = Duration::from_millis(300);

/// Cancels a run or a job, and waits until it is closed.
///
/// # Errors
/// The run or job has already ended, or cannot be cancelled.
pub(crate) async fn cancel(args: &Cancel, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let mut signals = Signals::listen()?;
    let backend = Box::pin(Backend::find(&args.backend, Purpose::Execute)).await?;
    let ended = at(args, &id, &backend, &mut signals, printer).await;
    backend.close().await;
    ended
}

async fn at(
    args: &Cancel,
    id: &ExecutionId,
    backend: &Backend,
    signals: &mut Signals,
    printer: Printer,
) -> Result<u8, Failure> {
    let row = backend.store.workflows().get(id).await?.ok_or_else(|| rows::no_such_run(id))?;
    if row.execution_status.is_closed() {
        return Err(Failure::input(
            format!("{id} has already ended: it is {}", row.execution_status),
            format!("`rsqlflow status {id}` shows how it ended"),
        ));
    }
    let plan = plan_of(backend, id).await?;
    let workflow = one_line(row.workflow_id.as_str());
    if let Some(job) = &args.job {
        let job = names::job(&plan, id, job)?;
        let name = plan.job(job).map(|job| one_line(&job.job_name)).unwrap_or_default();
        let question =
            format!("Cancel job {name} ({job}) of {id}, workflow {workflow}, on {}?", backend.name());
        agree(args.consent, printer, &question).await?;
        return cancel_job(args, backend, id, job, &plan, signals, printer).await;
    }
    let question = format!("Cancel {id} of workflow {workflow} on {}?", backend.name());
    agree(args.consent, printer, &question).await?;
    if args.no_wait {
        tokio::select! {
            stopped = stop(backend, id, Signal::Interrupt) => stopped?,
            _ = signals.next() => return Ok(exit::INTERRUPTED),
        }
        let times = CancelTimes::of(&plan);
        printer.notice(&format!("cancel requested: {times}"));
        if printer.is_json() {
            printer.json(&json!({ "version": JSON_VERSION, "workflow_execution_id": id,
                "cancel_requested": true }));
        }
        return Ok(exit::OK);
    }
    Ok(match follow::cancel(backend, id, &plan, Signal::Interrupt, signals, printer).await? {
        true => exit::OK,
        false => exit::INTERRUPTED,
    })
}

async fn cancel_job(
    args: &Cancel,
    backend: &Backend,
    id: &ExecutionId,
    job: JobId,
    plan: &Plan,
    signals: &mut Signals,
    printer: Printer,
) -> Result<u8, Failure> {
    let mut row = tokio::select! {
        row = request(backend, id, job) => row?,
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
            let _ = backend.invoke(&backend.deployment.functions[Function::Clock], &request).await;
        }
    } else if !row.state.status.is_closed() {
        let heartbeat = row.job.heartbeat.get();
        printer.notice(&format!(
            "cancelling {}: its agent is notified within {} s and gives the script {} s to end; if its instance is \
             gone, the run closes the job in {heartbeat} s to {} s (Ctrl-C stops waiting)",
            one_line(&row.job_name),
            follow::notified_within(heartbeat),
            plan.timing.stop_grace.as_secs(),
            3 * heartbeat
        ));
    }
    let mut steady = Steady::cancelling(backend, id);
    while !row.state.status.is_closed() && !args.no_wait {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = signals.next() => return Ok(exit::INTERRUPTED),
        }
        row = tokio::select! {
            read = steady.read(|line| printer.notice(line), async || read(backend, id, job).await) => read?,
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

/// Requests the end of the job. A job that no launcher has started yet is closed at once: its launcher then finds the
/// row closed and reports that to the state machine.
async fn request(backend: &Backend, id: &ExecutionId, job: JobId) -> Result<JobRow, Failure> {
    loop {
        let row = read(backend, id, job).await?;
        let change = match row.state.status {
            JobStatus::Pending => Change::CloseUnclaimed {
                from: row.state.status,
                attempt: row.state.attempt,
                outcome: Outcome::without_exit(
                    JobStatus::Cancelled,
                    "cancelled by the operator before it started",
                ),
            },
            status if status.is_closed() => {
                return Err(Failure::input(
                    format!("{} ({job}) has already ended: it is {status}", one_line(&row.job_name)),
                    format!("`rsqlflow jobs {id}` shows how each job ended"),
                ));
            }
            _ => Change::RequestCancel,
        };
        let note = match &change {
            Change::CloseUnclaimed { .. } => Note::new().end(jiff::Timestamp::now().into()),
            _ => Note::new(),
        };
        match backend.store.jobs().change(id, job, &change, note).await {
            Ok(row) => return Ok(row),
            // The row changed since it was read.
            Err(ChangeError::Refused(_)) => {}
            Err(ChangeError::Store(error)) => return Err(error.into()),
            Err(error) => return Err(anyhow::Error::new(error).into()),
        }
    }
}

async fn read(backend: &Backend, id: &ExecutionId, job: JobId) -> Result<JobRow, Failure> {
    backend.store.jobs().get(id, job).await?.ok_or_else(|| {
        Failure::input(
            format!("job {job} cannot be cancelled: the run has not reached it yet"),
            format!(
                "cancel the run, mark the job with `rsqlflow mark {id} {job} skipped --reason …`, and restart the rest"
            ),
        )
    })
}
