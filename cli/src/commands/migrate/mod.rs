//! `rsqlflow migrate`

mod findings;
mod steps;

use crate::args::{Migrate, What};
use crate::failure::{Failure, exit};
use crate::input::confirm::agree;
use crate::output::Printer;
use crate::place::{Place, Purpose};

use findings::Findings;

/// Looks what can be taken over, shows it, and does it where that is asked for. Made again it finds what it made before,
/// and changes nothing.
///
/// # Errors
/// Where a table cannot be read or written; rows that are not understood are named, and left out.
pub(crate) async fn migrate(args: &Migrate, printer: Printer) -> Result<u8, Failure> {
    let place = Place::find(&args.place, Purpose::Look).await?;
    let migrated = Box::pin(at(args, &place, printer)).await;
    place.close().await;
    migrated
}

async fn at(args: &Migrate, place: &Place, printer: Printer) -> Result<u8, Failure> {
    let mut found = Findings::new(place.name());
    let workflows = steps::workflows(args, place, &mut found).await?;
    let runs = match args.what {
        What::Workflows => Vec::new(),
        What::All | What::History => steps::history(args, place, &workflows, &mut found).await?,
    };
    if args.apply && found.has_work() {
        if !printer.is_json() {
            found.tell(printer, false);
        }
        let question = format!("Write this into the tables on {}?", place.name());
        agree(args.consent, printer, &question).await?;
        steps::write(place, &workflows, &runs, printer).await?;
    }
    found.tell(printer, args.apply);
    if !args.apply && found.has_work() && !printer.is_json() {
        printer.progress("nothing was written; --apply does it");
    }
    Ok(if found.left_out().is_empty() { exit::OK } else { exit::LEFT_OUT })
}
