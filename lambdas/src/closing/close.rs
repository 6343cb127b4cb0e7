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

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The master reached its last state.
    Finished {
        /// What failed, in addition to jobs.
        trouble: Option<Trouble>,
    },
    /// The master execution has ended.
    Ended {
        /// Its status.
        status: ExecutionStatus,
        /// Its error, if it has one.
        error: Option<String>,
        /// The cause of the error.
        cause: Option<String>,
    },
    /// The trigger that wrote the row never started an execution.
    NeverStarted {
        /// The reason.
        why: String,
    },
}

impl Ending {
    /// Why jobs that have not ended are closed.
    fn cause(&self) -> Cause {
        match self {
            Self::Finished { .. } => Cause::over("its run has ended"),
            Self::Ended { status: ExecutionStatus::Aborted, .. } => Cause::stopped("its run was stopped"),
            Self::Ended { status: ExecutionStatus::TimedOut, .. } => Cause::stopped("its run timed out"),
            Self::Ended { .. } => Cause::stopped("its run ended"),
            Self::NeverStarted { .. } => Cause::stopped("its run never started"),
        }
    }
}

/// Settles every row, closes the run's row, releases the lock, and sends the notification. In this order, a closed run has
/// closed jobs, and a free lock has a closed run. Each step can be repeated, so that another caller can continue after a
/// crash.
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
        // Before the run's own row: a closed run is not processed again.
        expire(context, &run, &jobs, at).await?;
    }
    let closed = table.close(&run, &end).await?;
    table.release_lock(&row.workflow_id, &run).await?;
    match closed {
        Closed::Now => {
            tracing::info!(
                workflow_execution_id = %run, status = %summary.status, counts = ?summary.counts,
                "closed: {}", summary.message.as_deref().unwrap_or("every job completed")
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

/// What an earlier closer wrote. It may have been killed before it sent the notification.
async fn recorded(context: &Context, row: WorkflowRow) -> Result<RunSummary, HandlerError> {
    deliver(context, &row).await?;
    Ok(RunSummary::recorded(row))
}

/// Sends the notification of a closed run, if it is due. Returns whether it was sent.
///
/// # Errors
/// The plan cannot be read at present.
pub(crate) async fn deliver(context: &Context, row: &WorkflowRow) -> Result<bool, HandlerError> {
    if row.notification != Some(Notification::Due) {
        return Ok(false);
    }
    let plan = plan(context, &row.workflow_execution_id).await?;
    let notify = plan.map(|plan| plan.notify.clone()).unwrap_or_default();
    Ok(notify::deliver(context, row, &notify).await)
}

/// The plan, if it can be read. A run without a readable plan must end too.
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
    /// The end in words.
    #[must_use]
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Finished { .. } => "its master reached its last state".to_owned(),
            Self::Ended { status: ExecutionStatus::Succeeded, .. } => "its execution succeeded".to_owned(),
            other => other.message().unwrap_or_default(),
        }
    }

    /// The part of the run's message that is not about jobs.
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
