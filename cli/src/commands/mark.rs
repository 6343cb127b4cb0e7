//! `rsqlflow mark EXECUTION JOB completed|skipped --reason TEXT`

use rsqlflow_core::ExecutionId;
use rsqlflow_core::restart::{self, MarkStatus, check_mark};
use serde_json::json;

use crate::args::{Mark, MarkAs};
use crate::backend::{Backend, Purpose, execution_id};
use crate::failure::{Failure, exit};
use crate::input::confirm::agree;
use crate::output::{JSON_VERSION, Printer, one_line};
use crate::runs::follow::plan_of;
use crate::runs::names;
use crate::runs::operator;
use crate::runs::rows;

/// Longest reason, in characters: it is shown in a table.
const LONGEST_REASON: usize = 500;

/// Stores a mark for the job. The job's row does not change.
///
/// # Errors
/// The job may still run or has completed, or the table cannot be written.
pub(crate) async fn mark(args: &Mark, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let reason = args.reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(Failure::input(
            format!("the reason must have 1 to {LONGEST_REASON} characters"),
            "describe what was done instead",
        ));
    }
    let backend = Backend::find(&args.backend, Purpose::Read).await?;
    let marked = at(args, &id, reason, &backend, printer).await;
    backend.close().await;
    marked.map(|()| exit::OK)
}

async fn at(
    args: &Mark,
    id: &ExecutionId,
    reason: &str,
    backend: &Backend,
    printer: Printer,
) -> Result<(), Failure> {
    let row = backend.store.workflows().get(id).await?.ok_or_else(|| rows::no_such_run(id))?;
    let plan = plan_of(backend, id).await?;
    let job = names::job(&plan, id, &args.job)?;
    let name = plan.job(job).map(|job| one_line(&job.job_name)).unwrap_or_default();
    let status = backend.store.jobs().get(id, job).await?.map(|row| row.state.status);
    check_mark(row.execution_status.is_closed(), status).map_err(|refused| {
        let hint = match refused {
            restart::MarkRefused::Completed => {
                "a restart does not run it again, so it needs no mark".to_owned()
            }
            _ => format!("wait until it ends, or run `rsqlflow cancel {id} --job {job}`"),
        };
        Failure::input(format!("{name} ({job}) cannot be marked: {refused}"), hint)
    })?;
    let mark = restart::Mark {
        job_id: job,
        mark: match args.status {
            MarkAs::Completed => MarkStatus::Completed,
            MarkAs::Skipped => MarkStatus::Skipped,
        },
        marked_by: operator::name(args.by.as_deref(), backend).await,
        reason: one_line(reason),
        marked_at: jiff::Timestamp::now().into(),
    };
    let question = format!(
        "Mark {name} ({job}) of {id} as {} on behalf of {}? A restart then does not run it.",
        mark.mark,
        one_line(&mark.marked_by)
    );
    agree(args.consent, printer, &question).await?;
    if !backend.store.jobs().add_mark(id, &mark, row.expires_at).await? {
        return Err(Failure::input(
            "another mark was set for the job at the same time",
            "run `rsqlflow jobs` to see it, then try again",
        ));
    }
    if printer.is_json() {
        printer.json(&json!({ "version": JSON_VERSION, "workflow_execution_id": id, "mark": mark }));
    } else {
        printer.data(&format!("marked  {job}  {name}  as {} by {}", mark.mark, one_line(&mark.marked_by)));
        printer.progress(&format!("hint: run `rsqlflow restart {id}` to run the remaining jobs"));
    }
    Ok(())
}
