//! `rsqlflow mark EXECUTION JOB completed|skipped --reason TEXT`

use rsqlflow_core::ExecutionId;
use rsqlflow_core::restart::{self, MarkStatus, check_mark};
use serde_json::json;

use crate::args::{Mark, MarkAs};
use crate::failure::{Failure, exit};
use crate::input::confirm::agree;
use crate::output::{JSON_VERSION, Printer, one_line};
use crate::place::{Place, Purpose, execution_id};
use crate::runs::follow::plan_of;
use crate::runs::names;
use crate::runs::operator;
use crate::runs::rows;

/// A reason is read in a table.
const LONGEST_REASON: usize = 500;

/// Writes a mark beside the job's row, which stays as it is.
///
/// # Errors
/// Where the job may still run, has completed, or the table cannot be written.
pub(crate) async fn mark(args: &Mark, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let reason = args.reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(Failure::input(
            format!("a reason has 1 to {LONGEST_REASON} characters"),
            "say what was done instead: whoever reads the audit next month was not there",
        ));
    }
    let place = Place::find(&args.place, Purpose::Look).await?;
    let marked = at(args, &id, reason, &place, printer).await;
    place.close().await;
    marked.map(|()| exit::OK)
}

async fn at(
    args: &Mark,
    id: &ExecutionId,
    reason: &str,
    place: &Place,
    printer: Printer,
) -> Result<(), Failure> {
    let row = place.store.workflows().get(id).await?.ok_or_else(|| rows::no_such_run(id))?;
    let plan = plan_of(place, id).await?;
    let job = names::job(&plan, id, &args.job)?;
    let name = plan.job(job).map(|job| one_line(&job.job_name)).unwrap_or_default();
    let status = place.store.jobs().get(id, job).await?.map(|row| row.state.status);
    check_mark(row.execution_status.is_closed(), status).map_err(|refused| {
        let hint = match refused {
            restart::MarkRefused::Completed => "a restart does not run it again anyway".to_owned(),
            _ => format!("wait for its end, or end it: `rsqlflow cancel {id} --job {job}`"),
        };
        Failure::input(format!("{name} ({job}) cannot be marked: {refused}"), hint)
    })?;
    let mark = restart::Mark {
        job_id: job,
        mark: match args.status {
            MarkAs::Completed => MarkStatus::Completed,
            MarkAs::Skipped => MarkStatus::Skipped,
        },
        marked_by: operator::name(args.by.as_deref(), place).await,
        reason: one_line(reason),
        marked_at: jiff::Timestamp::now().into(),
    };
    let question = format!(
        "Mark {name} ({job}) of {id} as {} in the name of {}? A restart then does not run it.",
        mark.mark,
        one_line(&mark.marked_by)
    );
    agree(args.consent, printer, &question).await?;
    if !place.store.jobs().add_mark(id, &mark, row.expires_at).await? {
        return Err(Failure::input(
            "the job was marked at this very moment",
            "look at it, then mark it again",
        ));
    }
    if printer.is_json() {
        printer.json(&json!({ "version": JSON_VERSION, "workflow_execution_id": id, "mark": mark }));
    } else {
        printer.data(&format!("marked  {job}  {name}  as {} by {}", mark.mark, one_line(&mark.marked_by)));
        printer.progress(&format!("`rsqlflow restart {id}` runs what is left"));
    }
    Ok(())
}
