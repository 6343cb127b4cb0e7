//! `rsqlflow status EXECUTION`

use crate::args::Execution;
use crate::backend::{Backend, Purpose, execution_id};
use crate::failure::{Failure, exit};
use crate::output::Printer;
use crate::runs::report;
use crate::runs::rows;

/// Shows the run's row.
///
/// # Errors
/// The tables cannot be read, or the run does not exist.
pub(crate) async fn status(args: &Execution, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let backend = Backend::find(&args.backend, Purpose::Read).await?;
    let row = backend.store.workflows().get(&id).await?.ok_or_else(|| rows::no_such_run(&id));
    let nobody_serves = backend.is_served_here();
    backend.close().await;
    let row = row?;
    if nobody_serves && !row.execution_status.is_closed() {
        printer.notice(rows::INTERRUPTED);
    }
    report::status(printer, &row);
    Ok(exit::OK)
}
