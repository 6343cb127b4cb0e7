//! `rsqlflow restart EXECUTION`

use std::collections::BTreeMap;

use rsqlflow_core::message::{RestartRequest, TriggerRequest};
use rsqlflow_core::plan::{Plan, Snapshot};
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::restart::{self, Before, ConfigChoice, Current, RestartError, Selection, Why};
use rsqlflow_core::{ExecutionId, JobId};
use rsqlflow_store::WorkflowRow;

use crate::args::{Restart, RestartConfig};
use crate::commands::start::begin;
use crate::failure::Failure;
use crate::input::confirm::agree;
use crate::input::signals::Signals;
use crate::output::changes::Changes;
use crate::output::{Printer, one_line};
use crate::place::{Place, execution_id, new_execution_id};
use crate::runs::names;
use crate::runs::rows;
use crate::runs::trigger;

/// Starts a run that goes on with one that ended.
///
/// # Errors
/// What speaks against it, with what to do instead.
pub(crate) async fn restart(args: &Restart, printer: Printer) -> Result<u8, Failure> {
    let of = execution_id(&args.execution)?;
    let id = args.execution_id.as_deref().map(new_execution_id).transpose()?;
    let mut signals = Signals::listen()?;
    let place = Box::pin(Place::find_with_scripts(&args.place, args.scripts.as_deref())).await?;
    let begun = match request(args, &of, id, &place, printer).await {
        Ok(request) => begin(&place, &request, args.watch, &mut signals, printer).await,
        Err(failure) => Err(failure),
    };
    place.close().await;
    begun
}

/// What the trigger will be asked for. It judges by the same rules; they are asked here first, so that the operator
/// sees what will run before it does.
async fn request(
    args: &Restart,
    of: &ExecutionId,
    id: Option<ExecutionId>,
    place: &Place,
    printer: Printer,
) -> Result<TriggerRequest, Failure> {
    if let Some(id) = &id {
        trigger::unused(place, id).await?;
    }
    let row = place.store.workflows().get(of).await?.ok_or_else(|| rows::no_such_run(of))?;
    if !row.execution_status.is_closed() {
        return Err(Failure::input(
            format!("{of} is still running"),
            format!("`rsqlflow watch {of}` waits for its end, `rsqlflow cancel {of}` ends it"),
        ));
    }
    if !args.again {
        not_yet_restarted(place, &row).await?;
    }
    let snapshot = place.store.jobs().get_snapshot(of).await?.ok_or_else(|| rows::no_such_run(of))?;
    let plan = Plan::from_snapshot(&snapshot)
        .map_err(|problems| Failure::Workflow { what: format!("the plan of {of}"), problems })?;
    let job_ids =
        args.job.iter().map(|job| names::job(&plan, of, job)).collect::<Result<Vec<JobId>, Failure>>()?;
    let config = config(args, place, &row, &snapshot, printer).await?;
    let new_id = id.map_or_else(|| trigger::new_id(&row.workflow_id), Ok)?;
    preview(args, place, &row, &snapshot, (&job_ids, config), &new_id, printer).await?;
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

/// How many later runs are looked through.
const LATER_RUNS: i32 = 100;

/// The trigger looks too; here there is something to do about it.
async fn not_yet_restarted(place: &Place, row: &WorkflowRow) -> Result<(), Failure> {
    let of = &row.workflow_execution_id;
    let newest = place.store.workflows().of_workflow(&row.workflow_id, LATER_RUNS).await?;
    match newest.iter().find(|later| later.restarted_from.as_ref() == Some(of)) {
        None => Ok(()),
        Some(later) => Err(Failure::input(
            format!(
                "{of} was restarted as {} already, which is {}",
                later.workflow_execution_id, later.execution_status
            ),
            format!(
                "`rsqlflow restart {}` goes on from there; --again restarts {of} all the same, and does again what \
                 the other restart did",
                later.workflow_execution_id
            ),
        )),
    }
}

/// Which config to run; where it changed and nobody said, the difference is shown.
async fn config(
    args: &Restart,
    place: &Place,
    row: &WorkflowRow,
    snapshot: &Snapshot,
    printer: Printer,
) -> Result<Option<ConfigChoice>, Failure> {
    let given = args.config.map(|config| match config {
        RestartConfig::Snapshot => ConfigChoice::Snapshot,
        RestartConfig::Current => ConfigChoice::Current,
    });
    let item = place.store.config().get(&row.workflow_id).await?;
    if item.as_ref() == Some(&snapshot.workflow) {
        return Ok(given);
    }
    let workflow = one_line(row.workflow_id.as_str());
    match &item {
        Some(item) => {
            printer.notice(&format!("workflow {workflow} changed since {}:", row.workflow_execution_id));
            printer.notice(&Changes::between(&snapshot.workflow, item).to_string());
        }
        None => printer.notice(&format!("workflow {workflow} is in the config table no more")),
    }
    if given.is_some() {
        return Ok(given);
    }
    Err(Failure::input(
        format!("which config of {workflow} to run is not said"),
        "--config snapshot runs what the first run ran, --config current what the table has now",
    ))
}

/// Plans as the trigger will, says what will run, and asks where that runs again what completed.
async fn preview(
    args: &Restart,
    place: &Place,
    row: &WorkflowRow,
    snapshot: &Snapshot,
    (job_ids, config): (&[JobId], Option<ConfigChoice>),
    new_id: &ExecutionId,
    printer: Printer,
) -> Result<(), Failure> {
    let of = &row.workflow_execution_id;
    let rows = place.store.jobs().all_standings(of).await?;
    let statuses: BTreeMap<JobId, JobStatus> = rows.iter().map(|row| (row.job_id, row.status)).collect();
    let marks = place.store.jobs().marks(of).await?;
    let item = place.store.config().get(&row.workflow_id).await?;
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
    printer.progress(&format!("of {all} jobs {} run, {} are skipped", runs.len(), all - runs.len()));
    let completed = |job: &&JobId| {
        statuses.get(job) == Some(&JobStatus::Completed)
            || matches!(snapshot.carried.why(**job), Some(Why::Completed { .. }))
    };
    // By their ids, so only where the plan is the same. With another config they run because they changed.
    let repeated = if current.is_none() { runs.iter().filter(completed).count() } else { 0 };
    if repeated > 0 {
        let question = format!("{repeated} job(s) that had completed run again on {}. Go on?", place.name());
        agree(args.consent, printer, &question).await?;
    }
    Ok(())
}

fn refused(of: &ExecutionId, error: RestartError) -> Failure {
    let hint = match error {
        RestartError::Invalid(problems) => {
            return Failure::Workflow { what: "the workflow in the config table".to_owned(), problems };
        }
        RestartError::NothingToDo(_) => "--from STAGE or --job JOB runs again what completed".to_owned(),
        RestartError::NotDoneBefore { job, .. } => format!(
            "`rsqlflow mark {of} {job} completed|skipped --reason …` for each, or restart without --from"
        ),
        RestartError::SwitchedOff { .. } => {
            "switch it on in the workflow, and take --config current".to_owned()
        }
        RestartError::NoSuchStage { .. } | RestartError::NoSuchJob(_) => {
            format!("`rsqlflow jobs {of}` lists its jobs")
        }
    };
    Failure::input(error.to_string(), hint)
}
