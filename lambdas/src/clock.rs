//! Comes again and again, every minute and at once when a statement has ended, and does what is due by then.
//!
//! - It keeps the jobs that are statements of the Redshift Data API ([`crate::statement`]).
//! - It finishes what others left: closes runs whose end was never reported, because the event of their master's end was
//!   lost or their trigger died before it started them; notifies of ends that nobody was notified of; closes jobs that a
//!   late function wrote into a closed run. A run at work is left alone.
//!
//! It may be late, doubled, and overlap with itself. Whatever it could not do, it finds again the next time.

use std::time::Instant;

use futures::stream::{self, StreamExt};
use rsqlflow_core::message::{ClockAnswer, ClockPart, ClockRequest, SweepAnswer, Swept, UnreadableRow};
use rsqlflow_core::{ExecutionId, JobId, Timestamp};
use rsqlflow_store::{Attention, Notification, RunToClose, WorkflowRow};

use crate::closing::{close, deliver};
use crate::context::now;
use crate::settle::{Cause, expire, settle};
use crate::standing::{Standing, standing};
use crate::{Context, HandlerError, statement};

/// For so long after its end a closed run is looked at again. A topic that takes nothing for a week is not tried for
/// ever.
const LOOKED_BACK_MILLIS: i64 = 7 * 24 * 3_600 * 1_000;

/// A function that began before a run was closed has ended by then: it lives at most 15 minutes (Lambda developer guide,
/// "Quotas"). A minute more for clocks that differ.
const FUNCTION_LIFE_MILLIS: i64 = 16 * 60 * 1_000;

/// Statements at once. The Data API takes 30 sendings and 100 questions a second of an account.
const AT_ONCE: usize = 16;

/// Once in an hour the clock reads the table of runs, and not its index: rows that were written before the index was
/// there, or that somebody damaged, are only in the table.
const HOUR_MILLIS: i64 = 3_600 * 1_000;
const MINUTE_MILLIS: i64 = 60 * 1_000;

/// Does what is due.
///
/// # Errors
/// Where the jobs or the runs cannot be listed.
pub async fn handle(context: &Context, request: ClockRequest) -> Result<ClockAnswer, HandlerError> {
    let mut answer = ClockAnswer::default();
    if let Some(name) = request.detail.as_ref().and_then(|ended| ended.statement_name.as_deref()) {
        // An event is a hint. A statement that is not ours has nothing to do with us.
        if let Some((run, job)) = statement::place_of(name) {
            answer.statements = 1;
            tend(context, run, job).await;
        }
        return Ok(answer);
    }
    if request.only != Some(ClockPart::Runs) {
        answer.statements = tend_due(context).await?;
    }
    if request.only != Some(ClockPart::Statements) {
        answer.runs = sweep_runs(context, &request).await?;
    }
    Ok(answer)
}

/// Looks at every statement that is due, for about half of this function's time.
async fn tend_due(context: &Context) -> Result<usize, HandlerError> {
    let began = Instant::now();
    let time = context.deployment.timing.clock_timeout() / 2;
    let due = context.store.jobs().due(now()).await?;
    let count = due.len();
    // Owned, collected first: over a stream of borrowing closures the compiler cannot see that the whole is `Send`.
    let tend_one = |(run, job): (ExecutionId, JobId)| {
        let context = context.clone();
        async move {
            if began.elapsed() < time {
                tend(&context, run, job).await;
            }
        }
    };
    stream::iter(due).map(tend_one).buffer_unordered(AT_ONCE).collect::<()>().await;
    if began.elapsed() >= time {
        tracing::warn!(count, "not all statements could be looked at in time; the next tick goes on");
    }
    Ok(count)
}

/// Looks at one statement. What goes wrong with it holds up no other.
async fn tend(context: &Context, run: ExecutionId, job: JobId) {
    let tended = async {
        // Consistently: the index and events only say where to look.
        let row = context.store.jobs().get(&run, job).await?;
        match row {
            Some(row) if row.job.sql.is_some() && row.state.is_kept() => {
                statement::tend(context, row).await.map(|_| ())
            }
            _ => Ok(()),
        }
    };
    if let Err(error) = tended.await {
        tracing::error!(workflow_execution_id = %run, job_id = %job, %error, "a statement could not be looked at");
    }
}

/// Looks at every open run, one after the other: one that cannot be looked at holds up no other. Then at closed runs.
async fn sweep_runs(context: &Context, request: &ClockRequest) -> Result<SweepAnswer, HandlerError> {
    let mut answer = SweepAnswer::default();
    let mut rows = Vec::new();
    let reads_all = request.all || now().as_millis().rem_euclid(HOUR_MILLIS) < MINUTE_MILLIS;
    let table = context.store.workflows();
    let open = if reads_all { table.open_runs().await? } else { table.needing(Attention::Open).await? };
    for run in open {
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
    // The index may be behind the table.
    rows.retain(|row| !row.execution_status.is_closed());
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
    finish_closed(context, request.dry_run, reads_all, &mut answer).await?;
    if answer == (SweepAnswer { running: answer.running.clone(), ..SweepAnswer::default() }) {
        // Every minute: a line that says nothing would be most of what this function's log costs.
        return Ok(answer);
    }
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
    reads_all: bool,
    answer: &mut SweepAnswer,
) -> Result<(), HandlerError> {
    let now = now();
    let since = Timestamp::from_millis(now.as_millis().saturating_sub(LOOKED_BACK_MILLIS));
    let table = context.store.workflows();
    let rows: Vec<WorkflowRow> = if reads_all {
        table.unfinished(since).await?
    } else {
        let found = table.needing(Attention::Closed).await?;
        found.into_iter().filter_map(|run: Result<RunToClose, String>| run.ok().map(|run| run.row)).collect()
    };
    for row in rows {
        let mut is_notified = row.notification != Some(Notification::Due);
        if !is_notified {
            if dry_run {
                answer.notified.push(swept(&row, "the notification of its end is due".to_owned()));
            } else {
                match deliver(context, &row).await {
                    Ok(true) => {
                        is_notified = true;
                        answer.notified.push(swept(&row, "notified of its end".to_owned()));
                    }
                    // Why it was not sent stands in the run's row.
                    Ok(false) => {}
                    Err(error) => answer.failed.push(swept(&row, error.to_string())),
                }
            }
        }
        let age = row.execution_end_ts.map_or(i64::MAX, |end| now.millis_since(end));
        let mut is_checked = row.checked_at.is_some();
        if !is_checked && age >= FUNCTION_LIFE_MILLIS {
            match settle_closed(context, &row, dry_run).await {
                Ok(jobs) => {
                    is_checked = true;
                    if jobs > 0 {
                        answer.settled.push(swept(&row, format!("open jobs: {jobs}")));
                    }
                }
                Err(error) => answer.failed.push(swept(&row, error.to_string())),
            }
        }
        if !dry_run && is_checked && (is_notified || age > LOOKED_BACK_MILLIS) {
            table.clear_attention(&row.workflow_execution_id).await?;
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
