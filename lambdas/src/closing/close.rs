//! Closes a run.

use rsqlflow_core::message::{ExecutionStatus, Trouble};
use rsqlflow_core::plan::Plan;
use rsqlflow_store::{Closed, WorkflowRow};

use super::judge::{Verdict, judge};
use super::{children, trouble};
use crate::context::now;
use crate::settle::settle;
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
    /// Completes "not started: …" in the rows of jobs that nobody will start.
    fn why(&self) -> String {
        match self {
            Self::Finished { .. } => "its run is over".to_owned(),
            Self::Ended { status: ExecutionStatus::Aborted, .. } => "its run was stopped".to_owned(),
            Self::Ended { status: ExecutionStatus::TimedOut, .. } => "its run timed out".to_owned(),
            Self::Ended { .. } => "its run ended".to_owned(),
            Self::NeverStarted { .. } => "its run never began".to_owned(),
        }
    }
}

/// Settles every row, closes the run's, gives the lock back, tells who asked. In this order: a run that reads as
/// closed has closed jobs, and a lock that is free has a closed run. Each step can be made again, so that a
/// caller who dies between two of them is followed by one who finishes; only the notification is then lost, for
/// it comes last and is sent by who closed the row.
///
/// # Errors
/// `StageNotSettled` while rows are open.
pub(crate) async fn close(
    context: &Context,
    row: WorkflowRow,
    ending: &Ending,
) -> Result<Verdict, HandlerError> {
    let run = row.workflow_execution_id.clone();
    let table = context.store.workflows();
    if row.execution_status.is_closed() {
        table.release_lock(&row.workflow_id, &run).await?;
        return Ok(Verdict::recorded(row));
    }
    if row.closing_since.is_none() {
        // Before the rows are read: launchers look for it after their writes.
        table.begin_close(&run, now()).await?;
    }
    let plan = plan(context, &row).await?;
    let mut jobs = context.store.jobs().all_standings(&run).await?;
    if !matches!(ending, Ending::Finished { .. }) {
        children::stop(context, &run, plan.as_ref(), &jobs).await?;
    }
    let open = settle(context, &run, &mut jobs, &ending.why()).await?;
    if open > 0 {
        return Err(HandlerError::StageNotSettled { execution: run, open });
    }
    let verdict = judge(plan.as_ref(), &jobs, ending);
    let end = now();
    let closed = table.close(&run, verdict.status, verdict.message.as_deref(), &verdict.counts, end).await?;
    table.release_lock(&row.workflow_id, &run).await?;
    match closed {
        Closed::Now => {
            tracing::info!(
                workflow_execution_id = %run, status = %verdict.status, counts = ?verdict.counts,
                "closed: {}", verdict.message.as_deref().unwrap_or("every job ended well")
            );
            let default = rsqlflow_core::config::Notify::default();
            let notify = plan.as_ref().map_or(&default, |plan| &plan.notify);
            notify::publish(context, &row, notify, &verdict, end).await;
            Ok(verdict)
        }
        Closed::Before(row) => Ok(Verdict::recorded(*row)),
    }
}

/// The plan, if it can be read: a run whose plan cannot must end too.
async fn plan(context: &Context, row: &WorkflowRow) -> Result<Option<Plan>, HandlerError> {
    match context.plan(&row.workflow_execution_id).await {
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
            other => other.told().unwrap_or_default(),
        }
    }

    /// What to tell of it, beside the jobs.
    pub(super) fn told(&self) -> Option<String> {
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
