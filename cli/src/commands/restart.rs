//! `rsqlflow restart EXECUTION`

use std::collections::BTreeMap;

use rsqlflow_core::message::{RestartRequest, TriggerRequest};
use rsqlflow_core::plan::{Plan, Snapshot};
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::restart::{self, Before, ConfigChoice, Current, RestartError, Selection, Why};
use rsqlflow_core::{ExecutionId, JobId};
use rsqlflow_store::WorkflowRow;

use crate::args::{Restart, RestartConfig};
use crate::backend::{Backend, execution_id, new_execution_id};
use crate::commands::start::begin;
use crate::failure::Failure;
use crate::input::confirm::agree;
use crate::input::signals::Signals;
use crate::output::changes::Changes;
use crate::output::{Printer, counted, one_line};
use crate::runs::names;
use crate::runs::rows;
use crate::runs::trigger;

/// Starts a run that continues a run that has ended.
///
/// # Errors
/// The restart is refused, with a hint.
pub(crate) async fn restart(args: &Restart, printer: Printer) -> Result<u8, Failure> {
    let of = execution_id(&args.execution)?;
    let id = args.execution_id.as_deref().map(new_execution_id).transpose()?;
    let mut signals = Signals::listen()?;
    let backend = Box::pin(Backend::find_with_scripts(&args.backend, args.scripts.as_deref())).await?;
    let begun = match request(args, &of, id, &backend, printer).await {
        Ok(request) => begin(&backend, &request, args.watch, &mut signals, printer).await,
        Err(failure) => Err(failure),
    };
    backend.close().await;
    begun
}

/// The request for the trigger. The trigger applies the same rules; they are checked here first, so that the operator
/// sees what will run.
async fn request(
    args: &Restart,
    of: &ExecutionId,
    id: Option<ExecutionId>,
    backend: &Backend,
    printer: Printer,
) -> Result<TriggerRequest, Failure> {
    if let Some(id) = &id {
        trigger::unused(backend, id).await?;
    }
    let row = backend.store.workflows().get(of).await?.ok_or_else(|| rows::no_such_run(of))?;
    if !row.execution_status.is_closed() {
        return Err(Failure::input(
            format!("{of} is still running"),
            format!(
                "run `rsqlflow watch {of}` to wait until it ends, or `rsqlflow cancel {of}` to cancel it"
            ),
        ));
    }
    if !args.again {
        not_yet_restarted(backend, &row).await?;
    }
    let snapshot = backend.store.jobs().get_snapshot(of).await?.ok_or_else(|| rows::no_such_run(of))?;
    let plan = Plan::from_snapshot(&snapshot)
        .map_err(|problems| Failure::Workflow { what: format!("the plan of {of}"), problems })?;
    let job_ids =
        args.job.iter().map(|job| names::job(&plan, of, job)).collect::<Result<Vec<JobId>, Failure>>()?;
    let config = config(args, backend, &row, &snapshot, printer).await?;
    let new_id = id.map_or_else(|| trigger::new_id(&row.workflow_id), Ok)?;
    preview(args, backend, &row, &snapshot, (&job_ids, config), &new_id, printer).await?;
    Ok(TriggerRequest {
        workflow_id: row.workflow_id,
        workflow_execution_id: Some(new_id),
        parameters: None,
        answer_refusal: true,
        restart: Some(RestartRequest {
            workflow_execution_id: of.clone(),
            from_stage: args.from,
            job_ids,
            config,
            again: args.again,
        }),
    })
}

/// How many later runs are checked.
const LATER_RUNS: i32 = 100;

/// The trigger checks this too, but here the hint can name the later run.
async fn not_yet_restarted(backend: &Backend, row: &WorkflowRow) -> Result<(), Failure> {
    let of = &row.workflow_execution_id;
    let newest = backend.store.workflows().of_workflow(&row.workflow_id, LATER_RUNS).await?;
    match newest.iter().find(|later| later.restarted_from.as_ref() == Some(of)) {
        None => Ok(()),
        Some(later) => Err(Failure::input(
            format!(
                "{of} was already restarted as {}, which is {}",
                later.workflow_execution_id, later.execution_status
            ),
            format!(
                "run `rsqlflow restart {}` to continue from there; add --again to restart {of} nevertheless and repeat the \
                 work of that restart",
                later.workflow_execution_id
            ),
        )),
    }
}

/// The config to run. If the config changed and none was selected, the differences are shown.
async fn config(
    args: &Restart,
    backend: &Backend,
    row: &WorkflowRow,
    snapshot: &Snapshot,
    printer: Printer,
) -> Result<Option<ConfigChoice>, Failure> {
    let given = args.config.map(|config| match config {
        RestartConfig::Snapshot => ConfigChoice::Snapshot,
        RestartConfig::Current => ConfigChoice::Current,
    });
    let item = backend.store.config().get(&row.workflow_id).await?;
    if item.as_ref() == Some(&snapshot.workflow) {
        return Ok(given);
    }
    let workflow = one_line(row.workflow_id.as_str());
    match &item {
        Some(item) => {
            printer.notice(&format!("workflow {workflow} changed since {}:", row.workflow_execution_id));
            printer.notice(&Changes::between(&snapshot.workflow, item).to_string());
        }
        None => printer.notice(&format!("workflow {workflow} is no longer in the config table")),
    }
    if given.is_some() {
        return Ok(given);
    }
    Err(Failure::input(
        format!("the config of {workflow} changed, and --config is missing"),
        "add `--config snapshot` for the config of the first run, or `--config current` for the one in the table",
    ))
}

/// Plans as the trigger will, shows what will run, and asks for confirmation if completed jobs run again.
async fn preview(
    args: &Restart,
    backend: &Backend,
    row: &WorkflowRow,
    snapshot: &Snapshot,
    (job_ids, config): (&[JobId], Option<ConfigChoice>),
    new_id: &ExecutionId,
    printer: Printer,
) -> Result<(), Failure> {
    let of = &row.workflow_execution_id;
    let rows = backend.store.jobs().all_standings(of).await?;
    let statuses: BTreeMap<JobId, JobStatus> = rows.iter().map(|row| (row.job_id, row.status)).collect();
    let marks = backend.store.jobs().marks(of).await?;
    let item = backend.store.config().get(&row.workflow_id).await?;
    let current = match (config, &item) {
        (Some(ConfigChoice::Current), Some(workflow)) if *workflow != snapshot.workflow => {
            Some(Current { workflow, defaults: &snapshot.defaults, timing: &snapshot.timing })
        }
        _ => None,
    };
    let selection = match (args.from, job_ids) {
        (Some(stage), _) => Selection::From(stage.saturating_sub(1)),
        (None, []) => Selection::Unfinished,
        (None, jobs) => Selection::Jobs(jobs.iter().copied().collect()),
    };
    let before = Before { snapshot, statuses: &statuses, marks: &marks };
    let (_, plan) =
        restart::restart(&before, new_id.clone(), &selection, current).map_err(|error| refused(of, error))?;
    let runs: Vec<JobId> = plan.jobs().filter(|(_, job)| !job.skip).map(|(id, _)| id).collect();
    let all = plan.jobs().count();
    printer.progress(&format!("{all} jobs: {} to run, {} skipped", runs.len(), all - runs.len()));
    let completed = |job: &&JobId| {
        statuses.get(job) == Some(&JobStatus::Completed)
            || matches!(snapshot.carried.why(**job), Some(Why::Completed { .. }))
    };
    // Ids identify jobs only if the plan is the same. With another config, jobs run because they changed.
    let repeated = if current.is_none() { runs.iter().filter(completed).count() } else { 0 };
    if repeated > 0 {
        let question =
            format!("Run {} again that completed, on {}?", counted(repeated, "job"), backend.name());
        agree(args.consent, printer, &question).await?;
    }
    Ok(())
}

fn refused(of: &ExecutionId, error: RestartError) -> Failure {
    let hint = match error {
        RestartError::Invalid(problems) => {
            return Failure::Workflow { what: "the workflow in the config table".to_owned(), problems };
        }
        RestartError::NothingToDo(_) => {
            "add `--from STAGE` or `--job JOB` to run completed jobs again".to_owned()
        }
        RestartError::NotDoneBefore { job, .. } => format!(
            "run `rsqlflow mark {of} {job} completed|skipped --reason …` for each, or restart without --from"
        ),
        RestartError::SwitchedOff { .. } => {
            "switch it on in the workflow, and add `--config current`".to_owned()
        }
        RestartError::NoSuchStage { .. } | RestartError::NoSuchJob(_) => {
            format!("run `rsqlflow jobs {of}` to see its jobs")
        }
    };
    Failure::input(error.to_string(), hint)
}
