//! `rsqlflow list`

use futures::stream::{self, StreamExt, TryStreamExt};
use rsqlflow_core::WorkflowId;
use rsqlflow_store::{StoreError, WorkflowRow};
use serde_json::json;

use crate::args::List;
use crate::backend::{Backend, Purpose};
use crate::failure::{Failure, exit};
use crate::output::JSON_VERSION;
use crate::output::table::Table;
use crate::output::{Printer, one_line, styled, workflow_style};
use crate::runs::report;
use crate::runs::rows;

/// Concurrent queries.
const AT_ONCE: usize = 16;

/// Lists workflows, each with its last run.
///
/// # Errors
/// The tables cannot be read.
pub(crate) async fn list(args: &List, printer: Printer) -> Result<u8, Failure> {
    let backend = Backend::find(&args.backend, Purpose::Read).await?;
    let found = workflows(&backend).await;
    let nobody_serves = backend.is_served_here();
    backend.close().await;
    let found = found?;
    let is_open = |row: &WorkflowRow| !row.execution_status.is_closed();
    if nobody_serves && found.iter().any(|(_, _, last)| last.as_ref().is_some_and(is_open)) {
        printer.notice(rows::ALL_INTERRUPTED);
    }
    if printer.is_json() {
        let one = |(id, description, last): &(String, Option<String>, Option<WorkflowRow>)| {
            json!({ "workflow_id": id, "workflow_description": description,
                "last_run": last.as_ref().map(report::history_json) })
        };
        let workflows: Vec<_> = found.iter().map(one).collect();
        printer.json(&json!({ "version": JSON_VERSION, "workflows": workflows }));
        return Ok(exit::OK);
    }
    if found.is_empty() {
        printer.notice("no workflows\nhint: run `rsqlflow put FILE` to add one");
        return Ok(exit::OK);
    }
    let mut table =
        Table::new(&["WORKFLOW", "LAST RUN", "STATUS", "START", "DESCRIPTION"]).wrapping("DESCRIPTION");
    for (id, description, last) in found {
        let description = description.as_deref().map(one_line).unwrap_or_default();
        table.add_row(match last {
            Some(row) => [
                one_line(&id),
                row.workflow_execution_id.to_string(),
                styled(workflow_style(row.execution_status), row.execution_status),
                row.execution_start_ts.to_string(),
                description,
            ],
            None => [one_line(&id), "never".to_owned(), String::new(), String::new(), description],
        });
    }
    printer.data(&table.shown());
    Ok(exit::OK)
}

async fn workflows(
    backend: &Backend,
) -> Result<Vec<(String, Option<String>, Option<WorkflowRow>)>, StoreError> {
    let listed = backend.store.config().list().await?;
    let queries = listed.into_iter().map(|(id, description)| async move {
        let last = match WorkflowId::new(id.clone()) {
            Ok(id) => backend.store.workflows().of_workflow(&id, 1).await?.pop(),
            // An id that is not valid has no runs.
            Err(_) => None,
        };
        Ok((id, description, last))
    });
    stream::iter(queries).buffered(AT_ONCE).try_collect().await
}
