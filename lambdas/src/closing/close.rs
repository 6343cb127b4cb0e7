//! Closes a run.

use std::sync::Arc;

use rsqlflow_core::ExecutionId;
use rsqlflow_core::message::{ExecutionStatus, Trouble};
use rsqlflow_core::plan::Plan;
use rsqlflow_store::{Closed, Notification, RunEnd, WorkflowRow};

use super::judge::{RunSummary, judge};
use super::{children, trouble};
use crate::context::now;
use crate::settle::{Cause, expire, settle};
use crate::{Context, HandlerError, notify};

/// How a run came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The master reached its last state.
    Finished {
        /// What broke the run, beside its jobs.
        trouble: Option<Trouble>,
    },
    /// The master execution is over.
    Ended {
        /// How.
        status: ExecutionStatus,
        /// Its error, if it has one.
        error: Option<String>,
        /// More about it.
        cause: Option<String>,
    },
    /// The trigger that wrote the row never started an execution.
    NeverStarted {
        /// Why.
        why: String,
    },
}

impl Ending {
    /// Why jobs that have not ended are closed.
    fn cause(&self) -> Cause {
        match self {
            Self::Finished { .. } => Cause::over("its run is over"),
            Self::Ended { status: ExecutionStatus::Aborted, .. } => Cause::stopped("its run was stopped"),
            Self::Ended { status: ExecutionStatus::TimedOut, .. } => Cause::stopped("its run timed out"),
            Self::Ended { .. } => Cause::stopped("its run ended"),
            Self::NeverStarted { .. } => Cause::stopped("its run never began"),
        }
    }
}

/// Settles every row, closes the run's, gives the lock back, notifies who asked for it. In this order: a run that reads
/// as closed has closed jobs, and a lock that is free has a closed run. Each step can be made again, so that a
/// caller who dies between two of them is followed by one who finishes.
///
/// # Errors
/// `StageNotSettled` while rows are open.
pub(crate) async fn close(
    context: &Context,
    row: WorkflowRow,
    ending: &Ending,
) -> Result<RunSummary, HandlerError> {
    let run = row.workflow_execution_id.clone();
    let table = context.store.workflows();
    if row.execution_status.is_closed() {
        table.release_lock(&row.workflow_id, &run).await?;
        return recorded(context, row).await;
    }
    if row.closing_since.is_none() {
        // Before the rows are read: launchers look for it after their writes.
        table.begin_close(&run, now()).await?;
    }
    let plan = plan(context, &run).await?;
    let mut jobs = context.store.jobs().all_standings(&run).await?;
    if !matches!(ending, Ending::Finished { .. }) {
        children::stop(context, &run, plan.as_deref(), &jobs).await?;
    }
    let cause = ending.cause();
    let open = settle(context, &run, &mut jobs, |_| cause.clone()).await?;
    if open > 0 {
        return Err(HandlerError::StageNotSettled { execution: run, open });
    }
    let summary = judge(plan.as_deref(), &jobs, ending);
    let notify = plan.map(|plan| plan.notify.clone()).unwrap_or_default();
    let at = now();
    let end = RunEnd {
        status: summary.status,
        error_message: summary.message.clone(),
        job_counts: summary.counts.clone(),
        at,
        notify: notify::is_wanted(context, &notify, summary.status),
        expires_at: context.expires_at(at),
    };
    if let Some(at) = end.expires_at {
        // Before the run's own row: whoever finds that one closed does not come back for these.
        expire(context, &run, &jobs, at).await?;
    }
    let closed = table.close(&run, &end).await?;
    table.release_lock(&row.workflow_id, &run).await?;
    match closed {
        Closed::Now => {
            tracing::info!(
                workflow_execution_id = %run, status = %summary.status, counts = ?summary.counts,
                "closed: {}", summary.message.as_deref().unwrap_or("every job ended well")
            );
            let row = WorkflowRow {
                execution_status: end.status,
                execution_end_ts: Some(end.at),
                error_message: end.error_message,
                job_counts: Some(end.job_counts),
                notification: end.notify.then_some(Notification::Due),
                ..row
            };
            notify::deliver(context, &row, &notify).await;
            Ok(summary)
        }
        Closed::Before(row) => recorded(context, *row).await,
    }
}

/// What an earlier closer wrote. It may have died before it notified anybody.
async fn recorded(context: &Context, row: WorkflowRow) -> Result<RunSummary, HandlerError> {
    deliver(context, &row).await?;
    Ok(RunSummary::recorded(row))
}

/// Sends the notification of a closed run, if it is due. Answers whether it was sent.
///
/// # Errors
/// When the plan cannot be read for now.
pub(crate) async fn deliver(context: &Context, row: &WorkflowRow) -> Result<bool, HandlerError> {
    if row.notification != Some(Notification::Due) {
        return Ok(false);
    }
    let plan = plan(context, &row.workflow_execution_id).await?;
    let notify = plan.map(|plan| plan.notify.clone()).unwrap_or_default();
    Ok(notify::deliver(context, row, &notify).await)
}

/// The plan, if it can be read: a run whose plan cannot must end too.
async fn plan(context: &Context, run: &ExecutionId) -> Result<Option<Arc<Plan>>, HandlerError> {
    match context.plan(run).await {
        Ok(plan) => Ok(Some(plan)),
        Err(HandlerError::CorruptPlan { reason, .. }) => {
            tracing::error!(reason, "closing without a plan");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

impl Ending {
    /// It, for people.
    #[must_use]
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Finished { .. } => "its master came to its last state".to_owned(),
            Self::Ended { status: ExecutionStatus::Succeeded, .. } => "its execution ended well".to_owned(),
            other => other.message().unwrap_or_default(),
        }
    }

    /// What the run's message says of it, beside the jobs.
    pub(super) fn message(&self) -> Option<String> {
        match self {
            Self::Finished { trouble: None } | Self::Ended { status: ExecutionStatus::Succeeded, .. } => None,
            Self::Finished { trouble: Some(trouble) } => Some(trouble::readable(trouble)),
            Self::Ended { status, error, cause } => {
                let how = match status {
                    ExecutionStatus::Aborted => "was stopped",
                    ExecutionStatus::TimedOut => "timed out",
                    _ => "failed",
                };
                let trouble = Trouble {
                    error: error.clone().unwrap_or_default(),
                    cause: cause.clone().unwrap_or_default(),
                };
                let why = trouble::readable(&trouble);
                Some(if why.is_empty() {
                    format!("the execution {how}")
                } else {
                    format!("the execution {how}: {why}")
                })
            }
            Self::NeverStarted { why } => Some(format!("never started: {why}")),
        }
    }
}
