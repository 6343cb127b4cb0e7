//! `rsqlflow logs EXECUTION [JOB]`

use rsqlflow_store::JobSummary;
use serde_json::json;

use crate::args::Logs;
use crate::error::Failure;
use crate::place::{Place, execution_id};
use crate::printer::{Printer, one_line};
use crate::{exit, report, watch};

/// Prints output as it was written, each job's after a line that names it.
///
/// # Errors
/// Where tables or logs cannot be read, or there is no such run or job.
pub(crate) async fn logs(args: &Logs, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let place = Place::reopen(&args.place).await?;
    let shown = show(args, &place, &id, printer).await;
    place.close().await;
    shown.map(|()| exit::OK)
}

async fn show(
    args: &Logs,
    place: &Place,
    id: &rsqlflow_core::ExecutionId,
    printer: Printer,
) -> Result<(), Failure> {
    let run = watch::read(&place.store, id).await?;
    let is_wanted = |job: &&JobSummary| {
        args.job.as_deref().is_none_or(|wanted| job.job_name == wanted || job.job_id.to_string() == wanted)
    };
    let jobs: Vec<&JobSummary> = run.jobs.iter().filter(is_wanted).collect();
    if let (true, Some(wanted)) = (jobs.is_empty(), &args.job) {
        return Err(Failure::input(
            format!("the run {id} has no job {wanted:?}"),
            format!("`rsqlflow jobs {id}` lists names and ids"),
        ));
    }
    let client = aws_sdk_cloudwatchlogs::Client::new(&place.sdk);
    let mut documents = Vec::new();
    for job in jobs {
        let mut lines = Vec::new();
        if !printer.is_json() {
            printer.notice(&format!("== {} ({})", one_line(&job.job_name), job.job_id));
        }
        crate::logs::all(&client, job, |line| {
            if printer.is_json() {
                lines.push(line.to_owned());
            } else {
                printer.data(line);
            }
        })
        .await?;
        documents.push(json!({ "job_id": job.job_id, "job_name": job.job_name, "lines": lines }));
    }
    if printer.is_json() {
        printer.json(&json!({ "version": report::JSON_VERSION, "logs": documents }));
    }
    Ok(())
}
