//! `rsqlflow diff FILE`

use serde_json::json;

use crate::args::Diff;
use crate::commands;
use crate::failure::{Failure, exit};
use crate::input::file;
use crate::output::changes::Changes;
use crate::output::{JSON_VERSION, Printer};
use crate::place::{Place, Purpose};

/// Shows what `put` would change.
///
/// # Errors
/// Every problem of the file; where there is no such workflow, or the table cannot be read.
pub(crate) async fn diff(args: &Diff, printer: Printer) -> Result<u8, Failure> {
    let place = Place::find(&args.place, Purpose::Look).await?;
    let read = file::read_workflow(&args.file, &place.deployment.timing);
    let old = match &read {
        Ok((_, workflow)) => commands::get::item(&place, &workflow.workflow_id).await,
        Err(_) => Ok(serde_json::Value::Null),
    };
    place.close().await;
    let ((new, workflow), old) = (read?, old?);
    let changes = Changes::between(&old, &new);
    if printer.is_json() {
        printer.json(&json!({
            "version": JSON_VERSION,
            "workflow_id": workflow.workflow_id,
            "differs": !changes.is_empty(),
            "lines": changes.lines(),
        }));
    } else if changes.is_empty() {
        printer.notice("no difference");
    } else {
        printer.data(&changes.to_string());
    }
    Ok(if changes.is_empty() { exit::OK } else { exit::DIFFERS })
}
