//! Closes rows that no task waits for any more: the closer's rule over many rows.

use futures::stream::{self, StreamExt, TryStreamExt};
use rsqlflow_core::protocol::closer::{self, Reason};
use rsqlflow_core::protocol::{Change, JobState, JobStatus};
use rsqlflow_core::{ExecutionId, JobId, JobTimes, Seconds};
use rsqlflow_store::{JobStanding, Note, RowToClose};

use crate::context::now;
use crate::{Context, HandlerError};

/// Concurrent rows.
const AT_ONCE: usize = 16;

/// The heartbeat of a job whose damaged row does not contain it. Longer than most.
const UNKNOWN_HEARTBEAT: Seconds = Seconds::saturating(3_600);

/// Why a job that has not ended is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) reason: Reason,
    /// Completes "not started: …".
    pub(crate) text: String,
}

impl Cause {
    pub(crate) fn stopped(text: impl Into<String>) -> Self {
        Self { reason: Reason::Stopped, text: text.into() }
    }

    pub(crate) fn over(text: impl Into<String>) -> Self {
        Self { reason: Reason::Over, text: text.into() }
    }

    /// The message of an unclaimed job's row.
    fn message(&self, state: &JobState) -> String {
        let text = &self.text;
        match state.status {
            JobStatus::Triggered if state.is_kept() => format!("not started again: {text}"),
            JobStatus::Triggered => format!(
                "not started: no agent took up attempt {} ({text})\n\
                 hint: check in Systems Manager that the instance is online, and that it has the agent",
                state.attempt
            ),
            _ => format!("not started: {text}"),
        }
    }
}

/// Closes the rows that can be closed, asks running agents to stop, and returns how many are still open. `rows` are updated.
/// A row that cannot be parsed is closed too, with a message.
pub(crate) async fn settle(
    context: &Context,
    run: &ExecutionId,
    rows: &mut [JobStanding],
    cause: impl Fn(&JobStanding) -> Cause,
) -> Result<usize, HandlerError> {
    // Collected first: the compiler cannot see that a stream of borrowing closures is `Send`. Indexes, not futures, each of
    // which takes kilobytes.
    let open: Vec<(usize, JobId, Cause)> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| !row.status.is_closed())
        .map(|(index, row)| (index, row.job_id, cause(row)))
        .collect();
    let close = |(index, job, cause): (usize, JobId, Cause)| {
        let (context, run) = (context.clone(), run.clone());
        async move { Ok::<_, HandlerError>((index, settle_one(&context, &run, job, &cause).await?)) }
    };
    let mut settled = stream::iter(open).map(close).buffer_unordered(AT_ONCE);
    let mut still_open = 0;
    while let Some((index, state)) = settled.try_next().await? {
        still_open += usize::from(!state.status.is_closed());
        if let Some(row) = rows.get_mut(index) {
            (row.status, row.error_message) = (state.status, state.error_message);
        }
    }
    Ok(still_open)
}

async fn settle_one(
    context: &Context,
    run: &ExecutionId,
    job: JobId,
    cause: &Cause,
) -> Result<JobState, HandlerError> {
    /// A refusal means that another writer changed the row, which can happen only a few times. An agent that renews between
    /// reads and writes causes one more round each time.
    const ROUNDS: usize = 20;
    let table = context.store.jobs();
    // Read completely: the row's own times decide how long its agent may be silent.
    let found = table.to_close(run, job).await?;
    let mut row: RowToClose =
        found.ok_or_else(|| HandlerError::JobNotFound { execution: run.clone(), job })?;
    if let Some(reason) = &row.unreadable {
        tracing::error!(workflow_execution_id = %run, job_id = %job, reason, "closing a row that cannot be read");
    }
    let times = row.times.unwrap_or_else(|| JobTimes::new(&context.deployment.timing, UNKNOWN_HEARTBEAT));
    let patience = times.lost_after();
    let patience = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
    for _ in 0..ROUNDS {
        let now = now();
        let message = cause.message(&row.state);
        let change = match closer::decide(&row.state, cause.reason, &message, patience, now) {
            closer::Step::Closed | closer::Step::Wait => break,
            closer::Step::Write(change) => change,
        };
        let ends = matches!(
            change,
            Change::CloseUnclaimed { .. } | Change::CloseWaiting { .. } | Change::CloseLost { .. }
        );
        let note = if ends { Note::new().end(now) } else { Note::new() };
        row = table.close_step(run, job, &row, &change, note).await.map_err(HandlerError::of_change)?;
        let (status, attempt) = (row.state.status, row.state.attempt);
        tracing::info!(workflow_execution_id = %run, job_id = %job, %status, attempt, "settled");
    }
    Ok(row.state)
}

/// Sets the expiry of a run's rows, if they have none. A repeated call continues.
pub(crate) async fn expire(
    context: &Context,
    run: &ExecutionId,
    rows: &[JobStanding],
    at: i64,
) -> Result<(), HandlerError> {
    let jobs: Vec<JobId> =
        rows.iter().filter(|row| row.expires_at.is_none_or(|set| set < at)).map(|row| row.job_id).collect();
    let expire = |job: JobId| {
        let (table, run) = (context.store.jobs(), run.clone());
        async move { table.expire(&run, job, at).await }
    };
    stream::iter(jobs).map(expire).buffer_unordered(AT_ONCE).try_for_each(|()| async { Ok(()) }).await?;
    context.store.jobs().expire_plan(run, at).await?;
    Ok(())
}
