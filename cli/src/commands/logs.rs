//! `rsqlflow logs EXECUTION [JOB] [-f]`

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{ExecutionId, JobId};
use rsqlflow_store::JobSummary;
use serde_json::json;

use crate::args::Logs;
use crate::backend::{Backend, Purpose, execution_id};
use crate::failure::{Failure, exit};
use crate::input::signals::Signals;
use crate::output::{JSON_VERSION, Printer, one_line};
use crate::runs::follow::plan_of;
use crate::runs::job_output::Cursor;
use crate::runs::names;
use crate::runs::outage::Steady;
use crate::runs::rows;

/// How often new lines are read. CloudWatch Logs allows 25 reads a second for each account (its quotas page).
const PAUSE: Duration = Duration::from_millis(500);

/// Prints the output of jobs, each after a line with the job's name. With `--follow`, prints new lines as they arrive.
///
/// # Errors
/// Tables or logs cannot be read, or the run or job does not exist.
pub(crate) async fn logs(args: &Logs, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let mut signals = Signals::listen()?;
    let backend = Backend::find(&args.backend, Purpose::Read).await?;
    let shown = tokio::select! {
        shown = show(args, &backend, &id, printer) => shown.map(|whole| if whole { exit::OK } else { exit::NOT_WHOLE }),
        _ = signals.next() => Ok(exit::INTERRUPTED),
    };
    backend.close().await;
    shown
}

/// Whether all that was shown is whole.
async fn show(args: &Logs, backend: &Backend, id: &ExecutionId, printer: Printer) -> Result<bool, Failure> {
    let run = rows::read(&backend.store, id).await?;
    let wanted = match &args.job {
        None => None,
        Some(job) => wanted(backend, id, &run.jobs, job).await?,
    };
    let client = Client::new(&backend.reading);
    let nobody_serves = backend.is_served_here() && !run.workflow.execution_status.is_closed();
    if nobody_serves {
        printer.notice(rows::INTERRUPTED);
    }
    if args.follow && !nobody_serves {
        return follow(backend, id, &client, wanted.as_deref(), (printer, args.raw)).await;
    }
    if args.follow && printer.is_json() {
        // Nothing will come, but who reads a document a line is to find that.
        let mut cursors = BTreeMap::new();
        let round = round(backend, id, &client, wanted.as_deref(), &mut cursors, (printer, args.raw)).await?;
        return Ok(round.is_whole);
    }
    let (mut documents, mut is_whole) = (Vec::new(), true);
    let shown: Vec<_> = run.jobs.iter().filter(|job| is_wanted(wanted.as_deref(), job)).collect();
    for job in &shown {
        let mut lines = Vec::new();
        if !printer.is_json() {
            let head = format!("== {} ({})", one_line(&job.job_name), job.job_id);
            // In the output of several jobs, the line must be part of the data.
            if shown.len() > 1 { printer.data(&head) } else { printer.notice(&head) }
        }
        let mut cursor = Cursor::default();
        cursor
            .read(&client, job, |line| {
                if printer.is_json() {
                    lines.push(line.to_owned());
                } else {
                    printer.script_line(line, args.raw);
                }
            })
            .await?;
        is_whole &= tell_whole(id, job, printer);
        documents.push(json!({ "job_id": job.job_id, "job_name": job.job_name, "lines": lines,
            "log_complete": job.log_complete, "log_error": why_not_whole(id, job) }));
    }
    if printer.is_json() {
        printer.json(&json!({ "version": JSON_VERSION, "logs": documents }));
    }
    Ok(is_whole)
}

/// Whether a job's log is whole. If not, says why, and where the rest of it is. Not among the lines: they are the script's.
fn tell_whole(run: &ExecutionId, job: &JobSummary, printer: Printer) -> bool {
    let Some(why) = why_not_whole(run, job) else { return true };
    if !printer.is_json() {
        let name = one_line(&job.job_name);
        printer.notice(&format!("the log of {name} ({}) is not complete: {}", job.job_id, one_line(&why)));
    }
    false
}

/// Why the log of a closed job is not whole, and where the rest is; `None` if it is whole, as far as is known.
fn why_not_whole(run: &ExecutionId, job: &JobSummary) -> Option<String> {
    let instance = job.instance_id.as_deref().unwrap_or("unknown");
    match (job.log_complete, job.state.status) {
        (Some(false), _) => {
            let why = job.log_error.as_deref().unwrap_or("the agent could not send all of it");
            Some(format!("{why} (instance {instance})"))
        }
        // Its agent did not live to say whether all was sent.
        (None, JobStatus::Lost) => {
            let (id, attempt) = (job.job_id, job.state.attempt);
            Some(format!(
                "its agent vanished before it reported whether all of it was sent; see \
                 {run}/{:04}-{:05}-a{attempt}.log in the agent's `log_dir` (instance {instance})",
                id.stage, id.position
            ))
        }
        _ => None,
    }
}

/// The selected jobs: all jobs of a name, or one job by its id. A job that the run has not reached has no row, but is in
/// the plan.
async fn wanted(
    backend: &Backend,
    id: &ExecutionId,
    rows: &[JobSummary],
    text: &str,
) -> Result<Option<Vec<JobId>>, Failure> {
    let named = rows.iter().filter(|job| job.job_name == text || job.job_id.to_string() == text);
    let named: Vec<JobId> = named.map(|job| job.job_id).collect();
    if named.is_empty() {
        return Ok(Some(vec![names::job(&plan_of(backend, id).await?, id, text)?]));
    }
    Ok(Some(named))
}

fn is_wanted(wanted: Option<&[JobId]>, job: &JobSummary) -> bool {
    wanted.is_none_or(|wanted| wanted.contains(&job.job_id))
}

/// Prints lines as they arrive, with the name of the job if there are several, until the jobs are closed. As JSON,
/// each line is a document.
async fn follow(
    backend: &Backend,
    id: &ExecutionId,
    client: &Client,
    wanted: Option<&[JobId]>,
    (printer, raw): (Printer, bool),
) -> Result<bool, Failure> {
    let mut cursors = BTreeMap::new();
    let mut steady = Steady::listening(backend, id);
    let mut is_whole = true;
    loop {
        let round = steady
            .read(
                |line| printer.notice(line),
                async || round(backend, id, client, wanted, &mut cursors, (printer, raw)).await,
            )
            .await?;
        is_whole &= round.is_whole;
        if !round.is_open {
            return Ok(is_whole);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What a round has found.
struct Round {
    /// Whether more may come.
    is_open: bool,
    /// Whether the logs that ended in it are whole.
    is_whole: bool,
}

/// Prints what has come since the last round.
async fn round(
    backend: &Backend,
    id: &ExecutionId,
    client: &Client,
    wanted: Option<&[JobId]>,
    cursors: &mut BTreeMap<JobId, Cursor>,
    (printer, raw): (Printer, bool),
) -> Result<Round, Failure> {
    let is_one = wanted.is_some_and(|wanted| wanted.len() == 1);
    let run = rows::read(&backend.store, id).await?;
    let mut is_open = !run.workflow.execution_status.is_closed();
    let (mut seen, mut is_whole) = (0, true);
    for job in run.jobs.iter().filter(|job| is_wanted(wanted, job)) {
        let cursor = cursors.entry(job.job_id).or_default();
        let is_closed = job.state.status.is_closed();
        seen += usize::from(is_closed);
        if cursor.is_done {
            continue;
        }
        let name = one_line(&job.job_name);
        cursor
            .read(client, job, |line| {
                if printer.is_json() {
                    printer.json_line(&json!({ "version": JSON_VERSION, "job_id": job.job_id,
                        "job_name": job.job_name, "line": line }));
                } else if is_one {
                    printer.script_line(line, raw);
                } else {
                    printer.script_line(&format!("{name} | {line}"), raw);
                }
            })
            .await?;
        if is_closed {
            is_whole &= tell_whole(id, job, printer);
        }
        // The row was closed before the log was read, so the log is complete.
        cursor.is_done = is_closed;
    }
    if let Some(wanted) = wanted {
        is_open &= seen < wanted.len();
    }
    Ok(Round { is_open, is_whole })
}
