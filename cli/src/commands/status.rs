//! `rsqlflow status EXECUTION`

use crate::args::Execution;
use crate::failure::{Failure, exit};
use crate::output::Printer;
use crate::place::{Place, Purpose, execution_id};
use crate::runs::report;
use crate::runs::rows;

/// Shows the run's row.
///
/// # Errors
/// Where the tables cannot be read, or there is no such run.
pub(crate) async fn status(args: &Execution, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let place = Place::find(&args.place, Purpose::Look).await?;
    let row = place.store.workflows().get(&id).await?.ok_or_else(|| rows::no_such_run(&id));
    let nobody_serves = place.is_served_here();
    place.close().await;
    let row = row?;
    if nobody_serves && !row.execution_status.is_closed() {
        printer.notice(rows::INTERRUPTED);
    }
    report::status(printer, &row);
    Ok(exit::OK)
}
