//! `rsqlflow jobs EXECUTION`

use crate::args::Jobs;
use crate::failure::{Failure, exit};
use crate::output::Printer;
use crate::place::{Place, Purpose, execution_id};
use crate::runs::report;
use crate::runs::rows;

/// Shows the jobs' rows, and what operators said of them.
///
/// # Errors
/// Where the tables cannot be read, or there is no such run.
pub(crate) async fn jobs(args: &Jobs, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let place = Place::find(&args.place, Purpose::Look).await?;
    let run = rows::read(&place.store, &id).await;
    let marks = place.store.jobs().marks(&id).await;
    let nobody_serves = place.is_served_here();
    place.close().await;
    let run = run?;
    if nobody_serves && !run.workflow.execution_status.is_closed() {
        printer.notice(rows::INTERRUPTED);
    }
    report::jobs(printer, &run.jobs, &marks?, args.all);
    Ok(exit::OK)
}
