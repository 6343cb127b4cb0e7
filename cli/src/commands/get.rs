//! `rsqlflow get ID`

use rsqlflow_core::WorkflowId;
use serde_json::{Value, json};

use crate::args::Get;
use crate::failure::{Failure, exit};
use crate::output::JSON_VERSION;
use crate::output::changes;
use crate::output::{Printer, one_line};
use crate::place::{Place, Purpose};
use crate::runs::names;

/// Prints the item as it is: what comes out can be put again.
///
/// # Errors
/// Where there is none, or the table cannot be read.
pub(crate) async fn get(args: &Get, printer: Printer) -> Result<u8, Failure> {
    let id = workflow_id(&args.workflow)?;
    let place = Place::find(&args.place, Purpose::Look).await?;
    let item = item(&place, &id).await;
    place.close().await;
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
/// Where there is none, or the table cannot be read.
pub(crate) async fn item(place: &Place, id: &WorkflowId) -> Result<Value, Failure> {
    match place.store.config().get(id).await? {
        Some(item) => Ok(item),
        None => Err(Failure::input(
            format!("there is no workflow {:?} on {}", one_line(id.as_str()), place.name()),
            names::workflow_hint(place, id).await,
        )),
    }
}

/// A workflow's id as the operator typed it.
///
/// # Errors
/// Where it cannot be one.
pub(crate) fn workflow_id(text: &str) -> Result<WorkflowId, Failure> {
    WorkflowId::new(text).map_err(|error| {
        Failure::input(error.to_string(), "`rsqlflow list` lists the workflows with their ids")
    })
}
