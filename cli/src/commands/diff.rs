//! `rsqlflow diff FILE`

use serde_json::json;

use crate::args::Diff;
use crate::backend::{Backend, Purpose};
use crate::commands;
use crate::failure::{Failure, exit};
use crate::input::file;
use crate::output::changes::Changes;
use crate::output::{JSON_VERSION, Printer};

/// Shows what `put` would change.
///
/// # Errors
/// The file has problems, the workflow does not exist, or the table cannot be read.
pub(crate) async fn diff(args: &Diff, printer: Printer) -> Result<u8, Failure> {
    let backend = Backend::find(&args.backend, Purpose::Read).await?;
    let read = file::read_workflow(&args.file, &backend.deployment.timing);
    let old = match &read {
        Ok((_, workflow)) => commands::get::item(&backend, &workflow.workflow_id).await,
        Err(_) => Ok(serde_json::Value::Null),
    };
    backend.close().await;
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
