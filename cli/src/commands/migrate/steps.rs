//! Finds what to copy, and copies it.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use futures::stream::{self, StreamExt, TryStreamExt};
use rsqlflow_core::config::Workflow;
use rsqlflow_store::{Opened, StoreError};
use serde_json::Value;

use super::findings::{Fate, Findings};
use crate::args::{Migrate, What};
use crate::backend::Backend;
use crate::failure::Failure;
use crate::output::Printer;
use crate::sample::past_runs::{self, PastRun, Terms};
use crate::sample::{Row, workflow};

/// Concurrent requests.
const AT_ONCE: usize = 16;

/// A workflow of the sample.
pub(super) struct Taken {
    item: Value,
    workflow: Workflow,
    writes: bool,
}

/// Reads every item of the sample's config table.
///
/// # Errors
/// A table cannot be read.
pub(super) async fn workflows(
    args: &Migrate,
    backend: &Backend,
    found: &mut Findings,
) -> Result<BTreeMap<String, Taken>, Failure> {
    let client = Client::new(&backend.sdk);
    let mut rows = rows(&client, &args.from_config, "--from-config").await?;
    rows.sort_by_key(|row| name(row, "workflow_id"));
    let same_table = args.from_config == backend.deployment.tables.config;
    if same_table && args.what != What::History {
        found.remark(format!(
            "{} is the config table of this deployment: its workflows are not copied",
            args.from_config
        ));
    }
    let looks_only = same_table || args.what == What::History;
    let mut taken = BTreeMap::new();
    for row in &rows {
        let id = name(row, "workflow_id");
        match workflow::convert(row, &backend.deployment.timing) {
            Ok(converted) if looks_only => {
                let workflow = converted.workflow;
                taken.insert(id, Taken { item: converted.item, workflow, writes: false });
            }
            Ok(converted) => {
                let ours = backend.store.config().get(&converted.id).await?;
                let (fate, notes) = match ours {
                    None => (Fate::Create, Vec::new()),
                    Some(ours) if ours == converted.item => (Fate::Unchanged, Vec::new()),
                    Some(_) if args.replace => {
                        (Fate::Replace, vec!["the existing workflow differs".to_owned()])
                    }
                    Some(_) => {
                        (Fate::Keep, vec!["the existing workflow differs; --replace replaces it".to_owned()])
                    }
                };
                let writes = matches!(fate, Fate::Create | Fate::Replace);
                found.add("workflow", &id, fate, notes);
                taken.insert(id, Taken { item: converted.item, workflow: converted.workflow, writes });
            }
            Err(_) if args.what == What::History => {}
            Err(why) => found.add("workflow", &id, Fate::LeftOut, vec![why]),
        }
    }
    Ok(taken)
}

/// Reads every run and its jobs.
///
/// # Errors
/// A table cannot be read.
pub(super) async fn history(
    args: &Migrate,
    backend: &Backend,
    workflows: &BTreeMap<String, Taken>,
    found: &mut Findings,
) -> Result<Vec<PastRun>, Failure> {
    let client = Client::new(&backend.sdk);
    let (runs, jobs) = tokio::try_join!(
        rows(&client, &args.from_workflow_audit, "--from-workflow-audit"),
        rows(&client, &args.from_job_audit, "--from-job-audit"),
    )?;
    let mut of_run: HashMap<String, Vec<Row>> = HashMap::new();
    for job in jobs {
        of_run.entry(name(&job, "workflow_execution_id")).or_default().push(job);
    }
    let terms =
        Terms { close_open_runs: args.close_open_runs, retention: backend.deployment.audit_retention };
    let mut converted = Vec::new();
    for row in &runs {
        let id = name(row, "workflow_execution_id");
        let jobs = of_run.remove(&id).unwrap_or_default();
        let workflow = workflows.get(&name(row, "workflow_id")).map(|taken| &taken.workflow);
        match past_runs::convert(row, &jobs, workflow, terms) {
            Ok(run) => converted.push(run),
            Err(why) => found.add("run", id, Fate::LeftOut, vec![why]),
        }
    }
    converted.sort_by_key(|run| run.row.execution_start_ts);
    let ours: Vec<Option<_>> = stream::iter(&converted)
        .map(|run| {
            let (table, id) = (backend.store.workflows(), run.row.workflow_execution_id.clone());
            async move { table.get(&id).await }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut taken = Vec::new();
    for (run, ours) in converted.into_iter().zip(ours) {
        let id = run.row.workflow_execution_id.to_string();
        for (job, why) in &run.left_out {
            found.add("job", format!("{job} of {id}"), Fate::LeftOut, vec![why.clone()]);
        }
        match ours {
            None => {
                found.add("run", id, Fate::Create, run.remarks.clone());
                taken.push(run);
            }
            Some(ours) if ours == run.row => found.add("run", id, Fate::Unchanged, Vec::new()),
            Some(_) => {
                let note = "a run of this name exists, and history is not replaced".to_owned();
                found.add("run", id, Fate::Keep, vec![note]);
            }
        }
    }
    let mut strays: Vec<(String, Vec<Row>)> = of_run.into_iter().collect();
    strays.sort_by(|a, b| a.0.cmp(&b.0));
    for (run, jobs) in strays {
        for job in jobs {
            let note = format!("{} has no run of this name", args.from_workflow_audit);
            found.add("job", format!("{} of {run}", name(&job, "job_name")), Fate::LeftOut, vec![note]);
        }
    }
    Ok(taken)
}

/// Writes the items. The jobs of a run are written before its own row, so a row that exists is complete.
///
/// # Errors
/// A table cannot be written.
pub(super) async fn write(
    backend: &Backend,
    workflows: &BTreeMap<String, Taken>,
    runs: &[PastRun],
    printer: Printer,
) -> Result<(), Failure> {
    for taken in workflows.values().filter(|taken| taken.writes) {
        backend.store.config().put(&taken.item).await?;
    }
    for run in runs {
        let jobs = backend.store.jobs();
        let writes: Vec<_> = run
            .jobs
            .iter()
            .cloned()
            .map(|job| {
                let jobs = jobs.clone();
                async move { jobs.hand_out(&job).await }
            })
            .collect();
        let written: Result<Vec<()>, StoreError> =
            stream::iter(writes).buffer_unordered(AT_ONCE).try_collect().await;
        written?;
        if let Opened::Existing(_) = backend.store.workflows().open(&run.row).await? {
            let id = &run.row.workflow_execution_id;
            printer.notice(&format!("{id} was written by another process at the same time, and is kept"));
        }
    }
    Ok(())
}

/// A key column as text.
fn name(row: &Row, column: &str) -> String {
    row.get(column).and_then(Value::as_str).unwrap_or("(none)").to_owned()
}

/// Every item of a table.
///
/// # Errors
/// The table does not exist, or cannot be read.
async fn rows(client: &Client, table: &str, option: &str) -> Result<Vec<Row>, Failure> {
    let mut items = client.scan().table_name(table).consistent_read(true).into_paginator().items().send();
    let mut rows = Vec::new();
    while let Some(item) = items.next().await {
        let item = item.map_err(|error| {
            let failed = Failure::of_sdk(&error, format!("cannot read the table {table} of AWS's sample"));
            let missing = error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception());
            match failed {
                Failure::Environment { error, .. } if missing => Failure::environment(
                    error,
                    format!("name the table with {option}, and check --region and --profile"),
                ),
                other => other,
            }
        })?;
        let value: Value = serde_dynamo::from_item(item).map_err(|error| {
            anyhow::Error::new(error).context(format!("an item of {table} cannot be read"))
        })?;
        if let Value::Object(row) = value {
            rows.push(row);
        }
    }
    Ok(rows)
}
