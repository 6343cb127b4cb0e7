//! `rsqlflow jobs EXECUTION`

use crate::args::Execution;
use crate::error::Failure;
use crate::place::{Place, execution_id};
use crate::printer::Printer;
use crate::{exit, report, watch};

/// Shows the jobs' rows.
///
/// # Errors
/// Where the tables cannot be read, or there is no such run.
pub(crate) async fn jobs(args: &Execution, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let place = Place::reopen(&args.place).await?;
    let run = watch::read(&place.store, &id).await;
    place.close().await;
    report::jobs(printer, &run?.jobs);
    Ok(exit::OK)
}
