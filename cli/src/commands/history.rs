//! `rsqlflow history [ID]`

use futures::stream::{self, StreamExt, TryStreamExt};
use rsqlflow_core::WorkflowId;
use rsqlflow_store::{StoreError, WorkflowRow};
use serde_json::json;

use crate::args::History;
use crate::commands::get::workflow_id;
use crate::failure::{Failure, exit};
use crate::output::{JSON_VERSION, Printer};
use crate::place::{Place, Purpose};
use crate::runs::names;
use crate::runs::report;
use crate::runs::rows;

/// Queries at once.
const AT_ONCE: usize = 16;

/// Lists the last runs, newest first.
///
/// # Errors
/// Where the tables cannot be read.
pub(crate) async fn history(args: &History, printer: Printer) -> Result<u8, Failure> {
    let of = args.workflow.as_deref().map(workflow_id).transpose()?;
    let place = Place::find(&args.place, Purpose::Look).await?;
    let rows = match &of {
        Some(id) => place.store.workflows().of_workflow(id, i32::from(args.limit)).await,
        None => of_all(&place, args.limit).await,
    };
    let known = match &of {
        Some(id) if matches!(&rows, Ok(rows) if rows.is_empty()) => known(&place, id).await,
        _ => Ok(()),
    };
    let nobody_serves = place.is_served_here();
    place.close().await;
    let rows = rows?;
    if nobody_serves && rows.iter().any(|row| !row.execution_status.is_closed()) {
        printer.notice(rows::ALL_INTERRUPTED);
    }
    known?;
    if printer.is_json() {
        let runs: Vec<_> = rows.iter().map(report::history_json).collect();
        printer.json(&json!({ "version": JSON_VERSION, "runs": runs }));
    } else if rows.is_empty() {
        printer.notice("no runs yet; `rsqlflow start ID` begins one");
    } else {
        report::history(printer, &rows, of.is_none());
    }
    Ok(exit::OK)
}

/// Whether the config table has the workflow, of which there is no run.
async fn known(place: &Place, id: &WorkflowId) -> Result<(), Failure> {
    match place.store.config().get(id).await? {
        Some(_) => Ok(()),
        None => Err(Failure::input(
            format!("there is no workflow {:?}, and no run of it", id.as_str()),
            names::workflow_hint(place, id).await,
        )),
    }
}

/// Of every workflow that the config table has.
async fn of_all(place: &Place, limit: u16) -> Result<Vec<WorkflowRow>, StoreError> {
    let listed = place.store.config().list().await?;
    let ids = listed.into_iter().filter_map(|(id, _)| WorkflowId::new(id).ok());
    let queries =
        ids.map(|id| async move { place.store.workflows().of_workflow(&id, i32::from(limit)).await });
    let found: Vec<Vec<WorkflowRow>> = stream::iter(queries).buffer_unordered(AT_ONCE).try_collect().await?;
    let mut rows: Vec<WorkflowRow> = found.into_iter().flatten().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.execution_start_ts));
    rows.truncate(usize::from(limit));
    Ok(rows)
}
