//! `rsqlflow put FILE`

use serde_json::json;

use crate::args::Put;
use crate::failure::{Failure, exit};
use crate::input::confirm::agree;
use crate::input::file;
use crate::output::JSON_VERSION;
use crate::output::changes::Changes;
use crate::output::{Printer, one_line};
use crate::place::{Place, Purpose};

/// Validates a file and puts it. A version of the workflow that differs is replaced only with leave.
///
/// # Errors
/// Every problem of the file; where the table cannot be written.
pub(crate) async fn put(args: &Put, printer: Printer) -> Result<u8, Failure> {
    let place = Place::find(&args.place, Purpose::Look).await?;
    let put = at(args, &place, printer).await;
    place.close().await;
    put.map(|()| exit::OK)
}

async fn at(args: &Put, place: &Place, printer: Printer) -> Result<(), Failure> {
    let (item, workflow) = file::read_workflow(&args.file, &place.deployment.timing)?;
    let id = &workflow.workflow_id;
    let table = place.store.config();
    let before = table.get(id).await?;
    let what = match &before {
        None => "created",
        Some(old) if *old == item => "unchanged",
        Some(old) => {
            let changes = Changes::between(old, &item);
            printer.notice(&changes.to_string());
            let question = format!("Replace workflow {} on {}?", one_line(id.as_str()), place.name());
            agree(args.consent, printer, &question).await?;
            "replaced"
        }
    };
    if what != "unchanged" {
        table.put(&item).await?;
    }
    if printer.is_json() {
        printer.json(&json!({ "version": JSON_VERSION, "workflow_id": id, "put": what }));
    } else {
        printer.data(&format!("{what}  {}  on {}", one_line(id.as_str()), place.name()));
    }
    Ok(())
}
