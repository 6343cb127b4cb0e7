//! `rsqlflow put FILE`

use serde_json::json;

use crate::args::Put;
use crate::backend::{Backend, Purpose};
use crate::failure::{Failure, exit};
use crate::input::confirm::agree;
use crate::input::file;
use crate::output::JSON_VERSION;
use crate::output::changes::Changes;
use crate::output::{Printer, one_line};

/// Validates a file and stores the workflow. Replacing a different version needs confirmation.
///
/// # Errors
/// The file has problems, or the table cannot be written.
pub(crate) async fn put(args: &Put, printer: Printer) -> Result<u8, Failure> {
    let backend = Backend::find(&args.backend, Purpose::Read).await?;
    let put = at(args, &backend, printer).await;
    backend.close().await;
    put.map(|()| exit::OK)
}

async fn at(args: &Put, backend: &Backend, printer: Printer) -> Result<(), Failure> {
    let (item, workflow) = file::read_workflow(&args.file, &backend.deployment.timing)?;
    let id = &workflow.workflow_id;
    let table = backend.store.config();
    let before = table.get(id).await?;
    let what = match &before {
        None => "created",
        Some(old) if *old == item => "unchanged",
        Some(old) => {
            let changes = Changes::between(old, &item);
            printer.notice(&changes.to_string());
            let question = format!("Replace workflow {} on {}?", one_line(id.as_str()), backend.name());
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
        printer.data(&format!("{what}  {}  on {}", one_line(id.as_str()), backend.name()));
    }
    Ok(())
}
