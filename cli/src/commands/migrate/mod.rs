//! `rsqlflow migrate`

mod findings;
mod steps;

use crate::args::{Migrate, What};
use crate::backend::{Backend, Purpose};
use crate::failure::{Failure, exit};
use crate::input::confirm::agree;
use crate::output::Printer;

use findings::Findings;

/// Finds what can be copied, shows it, and with `--apply` writes it. A second run finds the items of the first, and
/// changes nothing.
///
/// # Errors
/// A table cannot be read or written. Rows that cannot be converted are reported and left out.
pub(crate) async fn migrate(args: &Migrate, printer: Printer) -> Result<u8, Failure> {
    let backend = Backend::find(&args.backend, Purpose::Read).await?;
    let migrated = Box::pin(at(args, &backend, printer)).await;
    backend.close().await;
    migrated
}

async fn at(args: &Migrate, backend: &Backend, printer: Printer) -> Result<u8, Failure> {
    let mut found = Findings::new(backend.name());
    let workflows = steps::workflows(args, backend, &mut found).await?;
    let runs = match args.what {
        What::Workflows => Vec::new(),
        What::All | What::History => steps::history(args, backend, &workflows, &mut found).await?,
    };
    if args.apply && found.has_work() {
        if !printer.is_json() {
            found.tell(printer, false);
        }
        let question = format!("Write these items into the tables on {}?", backend.name());
        agree(args.consent, printer, &question).await?;
        steps::write(backend, &workflows, &runs, printer).await?;
    }
    found.tell(printer, args.apply);
    if !args.apply && found.has_work() && !printer.is_json() {
        printer.progress("nothing was written\nhint: add `--apply` to write the items");
    }
    Ok(if found.left_out().is_empty() { exit::OK } else { exit::LEFT_OUT })
}
