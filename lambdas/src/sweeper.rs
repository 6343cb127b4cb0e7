//! Finishes what others left: closes runs whose end was never reported, because the event of their master's end was
//! lost or their trigger died before it started them; notifies of ends that nobody was notified of; closes jobs that a
//! late function wrote into a closed run. A run at work is left alone.

use rsqlflow_core::Timestamp;
use rsqlflow_core::message::{SweepAnswer, SweepRequest, Swept, UnreadableRow};
use rsqlflow_store::WorkflowRow;

use crate::closing::{close, deliver};
use crate::context::now;
use crate::settle::{Cause, expire, settle};
use crate::standing::{Standing, standing};
use crate::{Context, HandlerError};

/// For so long after its end a closed run is looked at again. A topic that takes nothing for a week is not tried for
/// ever.
const LOOKED_BACK_MILLIS: i64 = 7 * 24 * 3_600 * 1_000;

/// A function that began before a run was closed has ended by then: it lives at most 15 minutes (Lambda developer guide,
/// "Quotas"). A minute more for clocks that differ.
const FUNCTION_LIFE_MILLIS: i64 = 16 * 60 * 1_000;

/// Looks at every open run, one after the other: one that cannot be looked at holds up no other. Then at closed runs.
///
/// # Errors
/// Where the runs cannot be listed.
pub async fn handle(context: &Context, request: SweepRequest) -> Result<SweepAnswer, HandlerError> {
    let mut answer = SweepAnswer::default();
    let mut rows = Vec::new();
    for run in context.store.workflows().open_runs().await? {
        match run {
            Ok(run) => {
                if !run.unreadable.is_empty() {
                    answer.unreadable.push(UnreadableRow {
                        key: run.row.workflow_execution_id.to_string(),
                        message: format!("columns that cannot be read: {}", run.unreadable.join(", ")),
                    });
                }
                rows.push(run.row);
            }
            Err(key) => {
                let message = "it names no run, no workflow or no status, so it cannot be closed";
                answer.unreadable.push(UnreadableRow { key, message: message.to_owned() });
            }
        }
    }
    for row in &answer.unreadable {
        tracing::error!(key = row.key, "a row cannot be read: {}", row.message);
    }
    rows.sort_by_key(|row| row.execution_start_ts);
    for row in rows {
        match sweep(context, row.clone(), request.dry_run).await {
            Ok(Some(how)) => answer.closed.push(swept(&row, how)),
            Ok(None) => answer.running.push(row.workflow_execution_id),
            Err(error @ HandlerError::StageNotSettled { .. }) => {
                answer.stopping.push(swept(&row, error.to_string()));
            }
            Err(error) => {
                tracing::error!(run = %row.workflow_execution_id, %error, "a run could not be swept");
                answer.failed.push(swept(&row, error.to_string()));
            }
        }
    }
    finish_closed(context, request.dry_run, &mut answer).await?;
    tracing::info!(
        closed = answer.closed.len(),
        stopping = answer.stopping.len(),
        running = answer.running.len(),
        failed = answer.failed.len(),
        notified = answer.notified.len(),
        settled = answer.settled.len(),
        unreadable = answer.unreadable.len(),
        dry_run = request.dry_run,
        "swept"
    );
    Ok(answer)
}

fn swept(row: &WorkflowRow, message: String) -> Swept {
    Swept {
        workflow_execution_id: row.workflow_execution_id.clone(),
        workflow_id: row.workflow_id.clone(),
        message,
    }
}

/// How the run was closed, or would be; `None` if it is at work.
async fn sweep(context: &Context, row: WorkflowRow, dry_run: bool) -> Result<Option<String>, HandlerError> {
    match standing(context, &row.workflow_execution_id, row.execution_start_ts).await? {
        Standing::Runs | Standing::Starts => Ok(None),
        Standing::Over(ending) if dry_run => Ok(Some(ending.describe())),
        Standing::Over(ending) => {
            let summary = close(context, row, &ending).await?;
            Ok(Some(format!("closed as {}: {}", summary.status, ending.describe())))
        }
    }
}

/// Finishes what is left to do of runs that are closed.
async fn finish_closed(
    context: &Context,
    dry_run: bool,
    answer: &mut SweepAnswer,
) -> Result<(), HandlerError> {
    let now = now();
    let since = Timestamp::from_millis(now.as_millis().saturating_sub(LOOKED_BACK_MILLIS));
    for row in context.store.workflows().unfinished(since).await? {
        if row.notification == Some(rsqlflow_store::Notification::Due) {
            if dry_run {
                answer.notified.push(swept(&row, "the notification of its end is due".to_owned()));
            } else {
                match deliver(context, &row).await {
                    Ok(true) => answer.notified.push(swept(&row, "notified of its end".to_owned())),
                    // Why it was not sent stands in the run's row.
                    Ok(false) => {}
                    Err(error) => answer.failed.push(swept(&row, error.to_string())),
                }
            }
        }
        let age = row.execution_end_ts.map_or(i64::MAX, |end| now.millis_since(end));
        if row.checked_at.is_none() && age >= FUNCTION_LIFE_MILLIS {
            match settle_closed(context, &row, dry_run).await {
                Ok(0) => {}
                Ok(jobs) => answer.settled.push(swept(&row, format!("open jobs: {jobs}"))),
                Err(error) => answer.failed.push(swept(&row, error.to_string())),
            }
        }
    }
    Ok(())
}

/// Closes the open jobs of a closed run, and answers how many there were.
async fn settle_closed(context: &Context, row: &WorkflowRow, dry_run: bool) -> Result<usize, HandlerError> {
    let run = &row.workflow_execution_id;
    let mut jobs = context.store.jobs().all_standings(run).await?;
    let open = jobs.iter().filter(|job| !job.status.is_closed()).count();
    if dry_run {
        return Ok(open);
    }
    let left =
        settle(context, run, &mut jobs, |_| Cause::stopped("its run was closed before it was handed out"))
            .await?;
    if left > 0 {
        return Err(HandlerError::StageNotSettled { execution: run.clone(), open: left });
    }
    if let Some(at) = row.expires_at {
        expire(context, run, &jobs, at).await?;
    }
    context.store.workflows().set_checked(run, now()).await?;
    Ok(open)
}
