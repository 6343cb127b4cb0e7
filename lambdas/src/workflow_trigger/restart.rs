//! Reads the data of a restart, and plans it.

use std::collections::BTreeMap;

use rsqlflow_core::message::RestartRequest;
use rsqlflow_core::plan::{Plan, Snapshot};
use rsqlflow_core::restart::{Before, ConfigChoice, Current, RestartError, Selection, restart};
use rsqlflow_core::{ExecutionId, JobId, WorkflowId};
use rsqlflow_store::WorkflowRow;

use crate::{Context, HandlerError};

/// How many later runs of the workflow are checked for an earlier restart.
const LATER_RUNS: i32 = 100;

/// The plan of the new run.
///
/// # Errors
/// `ExecutionNotFound`, `NotRestartable`, `WorkflowChanged`, `InvalidRequest`, `InvalidWorkflow`.
pub(super) async fn plan(
    context: &Context,
    workflow: &WorkflowId,
    id: &ExecutionId,
    request: &RestartRequest,
) -> Result<(Snapshot, Plan), HandlerError> {
    let of = &request.workflow_execution_id;
    let refuse = |reason: String| HandlerError::NotRestartable { execution: of.clone(), reason };
    let selection = selection(request)?;
    let row = context.store.workflows().get(of).await?;
    let row = row.ok_or_else(|| HandlerError::NoSuchRun(of.clone()))?;
    if row.workflow_id != *workflow {
        return Err(HandlerError::InvalidRequest(format!("{of} is a run of {:?}", row.workflow_id)));
    }
    if !row.execution_status.is_closed() {
        return Err(refuse("it is still running; hint: wait until it ends, or cancel it".to_owned()));
    }
    if !request.again
        && let Some(later) = restarted_as(context, &row).await?
    {
        return Err(refuse(format!(
            "it was already restarted as {}, which is {}; hint: restart that run, or set \"again\"",
            later.workflow_execution_id, later.execution_status
        )));
    }
    let jobs = context.store.jobs();
    let missing = || HandlerError::CorruptPlan { execution: of.clone(), reason: "there is none".to_owned() };
    let snapshot = jobs.get_snapshot(of).await?.ok_or_else(missing)?;
    let rows = jobs.all_standings(of).await?;
    let statuses: BTreeMap<JobId, _> = rows.into_iter().map(|row| (row.job_id, row.status)).collect();
    let marks = jobs.marks(of).await?;
    let item = context.store.config().get(workflow).await?;
    let is_same = item.as_ref() == Some(&snapshot.workflow);
    let current = match (request.config, &item) {
        (Some(ConfigChoice::Snapshot), _) => None,
        _ if is_same => None,
        (None, _) => {
            return Err(HandlerError::WorkflowChanged { workflow: workflow.clone(), execution: of.clone() });
        }
        (Some(ConfigChoice::Current), Some(workflow)) => Some(Current {
            workflow,
            defaults: &context.deployment.defaults,
            timing: &context.deployment.timing,
        }),
        (Some(ConfigChoice::Current), None) => {
            return Err(HandlerError::WorkflowNotFound {
                workflow: workflow.clone(),
                table: context.deployment.tables.config.clone(),
            });
        }
    };
    let before = Before { snapshot: &snapshot, statuses: &statuses, marks: &marks };
    restart(&before, id.clone(), &selection, current).map_err(|error| match error {
        RestartError::Invalid(problems) => {
            HandlerError::InvalidWorkflow { workflow: workflow.clone(), problems }
        }
        other => refuse(other.to_string()),
    })
}

fn selection(request: &RestartRequest) -> Result<Selection, HandlerError> {
    let invalid = |why: &str| HandlerError::InvalidRequest(why.to_owned());
    match (request.from_stage, request.job_ids.as_slice()) {
        (None, []) => Ok(Selection::Unfinished),
        (Some(_), [_, ..]) => Err(invalid("restart.from_stage and restart.job_ids are mutually exclusive")),
        (Some(stage), []) => {
            let stage =
                stage.checked_sub(1).ok_or_else(|| invalid("restart.from_stage must be at least 1"))?;
            Ok(Selection::From(stage))
        }
        (None, jobs) => Ok(Selection::Jobs(jobs.iter().copied().collect())),
    }
}

/// A run that restarted this one. The index is eventually consistent, so this prevents accidental repetition by another
/// operator, but is not a lock: the workflow has a lock.
async fn restarted_as(context: &Context, row: &WorkflowRow) -> Result<Option<WorkflowRow>, HandlerError> {
    let newest = context.store.workflows().of_workflow(&row.workflow_id, LATER_RUNS).await?;
    Ok(newest.into_iter().find(|later| later.restarted_from.as_ref() == Some(&row.workflow_execution_id)))
}
