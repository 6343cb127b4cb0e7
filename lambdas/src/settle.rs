//! Brings rows that nobody waits for any more to their ends: the closer's rule over many rows.

use futures::stream::{self, StreamExt, TryStreamExt};
use rsqlflow_core::protocol::{Change, JobState, JobStatus, closer};
use rsqlflow_core::{ExecutionId, JobId};
use rsqlflow_store::{ChangeError, JobRow, JobStanding, Note};

use crate::context::now;
use crate::{Context, HandlerError};

/// Rows at once.
const AT_ONCE: usize = 16;

/// Closes what can be closed of `rows`, asks running agents to stop, and answers how many are still open. `rows`
/// are as they are afterwards. `why` completes "not started: …".
pub(crate) async fn settle(
    context: &Context,
    run: &ExecutionId,
    rows: &mut [JobStanding],
    why: &str,
) -> Result<usize, HandlerError> {
    // Collected first: over a stream of borrowing closures the compiler cannot see that the whole is `Send`. And places,
    // not futures, of which each takes kilobytes.
    let open: Vec<(usize, JobId)> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| !row.status.is_closed())
        .map(|(index, row)| (index, row.job_id))
        .collect();
    let close = |(index, job): (usize, JobId)| {
        let (context, run, why) = (context.clone(), run.clone(), why.to_owned());
        async move {
            // Read whole: the row's own heartbeat decides how long its agent may be silent.
            let found = context.store.jobs().get(&run, job).await?;
            let found = found.ok_or(HandlerError::JobNotFound { execution: run, job })?;
            Ok::<_, HandlerError>((index, settle_one(&context, found, &why).await?))
        }
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

async fn settle_one(context: &Context, mut row: JobRow, why: &str) -> Result<JobState, HandlerError> {
    /// A refusal means that another writer moved the row on, and a row has few moves left. An agent that renews
    /// between our reads and writes costs one more round each time.
    const ROUNDS: usize = 20;
    let patience = row.job.times().lost_after().as_millis();
    let patience = i64::try_from(patience).unwrap_or(i64::MAX);
    let (run, job) = (row.workflow_execution_id.clone(), row.job_id);
    for _ in 0..ROUNDS {
        let now = now();
        let change = match closer::decide(&row.state, &reason(&row.state, why), patience, now) {
            closer::Step::Closed | closer::Step::Wait => break,
            closer::Step::Write(change) => change,
        };
        let ends = matches!(
            change,
            Change::CloseUnclaimed { .. } | Change::CloseWaiting { .. } | Change::CloseLost { .. }
        );
        let note = if ends { Note::new().end(now) } else { Note::new() };
        match context.store.jobs().change(&run, job, &change, note).await {
            Ok(changed) => {
                let (status, attempt) = (changed.state.status, changed.state.attempt);
                tracing::info!(workflow_execution_id = %run, job_id = %job, %status, attempt, "settled");
                row = changed;
            }
            Err(ChangeError::Refused(other)) => row = *other,
            Err(error) => return Err(HandlerError::of_change(error)),
        }
    }
    Ok(row.state)
}

/// What an unclaimed job's row will say.
fn reason(state: &JobState, why: &str) -> String {
    match state.status {
        JobStatus::Triggered if state.is_kept() => format!("not started again: {why}"),
        JobStatus::Triggered => format!(
            "not started: no agent took up attempt {} ({why}); if that was unexpected, check that the instance is \
             online in Systems Manager and has the agent",
            state.attempt
        ),
        _ => format!("not started: {why}"),
    }
}
