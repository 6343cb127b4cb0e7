//! `rsqlflow history [ID]`

use futures::stream::{self, StreamExt, TryStreamExt};
use rsqlflow_core::WorkflowId;
use rsqlflow_store::{StoreError, WorkflowRow};
use serde_json::json;

use crate::args::History;
use crate::backend::{Backend, Purpose};
use crate::commands::get::workflow_id;
use crate::failure::{Failure, exit};
use crate::output::{JSON_VERSION, Printer};
use crate::runs::names;
use crate::runs::report;
use crate::runs::rows;

/// Concurrent queries.
const AT_ONCE: usize = 16;

/// Lists the last runs, newest first.
///
/// # Errors
/// The tables cannot be read.
pub(crate) async fn history(args: &History, printer: Printer) -> Result<u8, Failure> {
    let of = args.workflow.as_deref().map(workflow_id).transpose()?;
    let backend = Backend::find(&args.backend, Purpose::Read).await?;
    let rows = match &of {
        Some(id) => backend.store.workflows().of_workflow(id, i32::from(args.limit)).await,
        None => of_all(&backend, args.limit).await,
    };
    let known = match &of {
        Some(id) if matches!(&rows, Ok(rows) if rows.is_empty()) => known(&backend, id).await,
        _ => Ok(()),
    };
    let nobody_serves = backend.is_served_here();
    backend.close().await;
    let rows = rows?;
    if nobody_serves && rows.iter().any(|row| !row.execution_status.is_closed()) {
        printer.notice(rows::ALL_INTERRUPTED);
    }
    known?;
    if printer.is_json() {
        let runs: Vec<_> = rows.iter().map(report::history_json).collect();
        printer.json(&json!({ "version": JSON_VERSION, "runs": runs }));
    } else if rows.is_empty() {
        printer.notice("no runs\nhint: run `rsqlflow start ID` to start one");
    } else {
        report::history(printer, &rows, of.is_none());
    }
    Ok(exit::OK)
}

/// Checks that a workflow without runs exists in the config table.
async fn known(backend: &Backend, id: &WorkflowId) -> Result<(), Failure> {
    match backend.store.config().get(id).await? {
        Some(_) => Ok(()),
        None => Err(Failure::input(
            format!("workflow {:?} does not exist and has no runs", id.as_str()),
            names::workflow_hint(backend, id).await,
        )),
    }
}

/// The runs of every workflow in the config table.
async fn of_all(backend: &Backend, limit: u16) -> Result<Vec<WorkflowRow>, StoreError> {
    let listed = backend.store.config().list().await?;
    let ids = listed.into_iter().filter_map(|(id, _)| WorkflowId::new(id).ok());
    let queries =
        ids.map(|id| async move { backend.store.workflows().of_workflow(&id, i32::from(limit)).await });
    let found: Vec<Vec<WorkflowRow>> = stream::iter(queries).buffer_unordered(AT_ONCE).try_collect().await?;
    let mut rows: Vec<WorkflowRow> = found.into_iter().flatten().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.execution_start_ts));
    rows.truncate(usize::from(limit));
    Ok(rows)
}
