//! `rsqlflow get ID`

use rsqlflow_core::WorkflowId;
use serde_json::{Value, json};

use crate::args::Get;
use crate::backend::{Backend, Purpose};
use crate::failure::{Failure, exit};
use crate::output::JSON_VERSION;
use crate::output::changes;
use crate::output::{Printer, one_line};
use crate::runs::names;

/// Prints the item in a form that `put` accepts.
///
/// # Errors
/// The workflow does not exist, or the table cannot be read.
pub(crate) async fn get(args: &Get, printer: Printer) -> Result<u8, Failure> {
    let id = workflow_id(&args.workflow)?;
    let backend = Backend::find(&args.backend, Purpose::Read).await?;
    let item = item(&backend, &id).await;
    backend.close().await;
    let item = item?;
    if printer.is_json() {
        printer.json(&json!({ "version": JSON_VERSION, "workflow": item }));
    } else {
        printer.data(&changes::text(&item));
    }
    Ok(exit::OK)
}

/// A workflow's item.
///
/// # Errors
/// The workflow does not exist, or the table cannot be read.
pub(crate) async fn item(backend: &Backend, id: &WorkflowId) -> Result<Value, Failure> {
    match backend.store.config().get(id).await? {
        Some(item) => Ok(item),
        None => Err(Failure::input(
            format!("workflow {:?} does not exist on {}", one_line(id.as_str()), backend.name()),
            names::workflow_hint(backend, id).await,
        )),
    }
}

/// A workflow's id from the command line.
///
/// # Errors
/// The id is not valid.
pub(crate) fn workflow_id(text: &str) -> Result<WorkflowId, Failure> {
    WorkflowId::new(text).map_err(|error| {
        Failure::input(error.to_string(), "run `rsqlflow list` to see the ids of the workflows")
    })
}
