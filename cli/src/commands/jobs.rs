//! `rsqlflow jobs EXECUTION`

use crate::args::Jobs;
use crate::backend::{Backend, Purpose, execution_id};
use crate::failure::{Failure, exit};
use crate::output::Printer;
use crate::runs::report;
use crate::runs::rows;

/// Shows the jobs' rows and the marks of operators.
///
/// # Errors
/// The tables cannot be read, or the run does not exist.
pub(crate) async fn jobs(args: &Jobs, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let backend = Backend::find(&args.backend, Purpose::Read).await?;
    let run = rows::read(&backend.store, &id).await;
    let marks = backend.store.jobs().marks(&id).await;
    let nobody_serves = backend.is_served_here();
    backend.close().await;
    let run = run?;
    if nobody_serves && !run.workflow.execution_status.is_closed() {
        printer.notice(rows::INTERRUPTED);
    }
    report::jobs(printer, &run.jobs, &marks?, args.all);
    Ok(exit::OK)
}
