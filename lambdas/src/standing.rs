//! The state of an open run, by its master execution.

use rsqlflow_core::message::ExecutionStatus;
use rsqlflow_core::{ExecutionId, Timestamp};

use crate::aws::execution_arn;
use crate::closing::Ending;
use crate::context::now;
use crate::{Context, HandlerError, ServiceError};

/// After this time, a trigger that has not started an execution never will: a Lambda function runs for at most 15 minutes
/// (Lambda developer guide, "Quotas"). Plus a minute for clocks that differ.
const ABANDONED_AFTER_MILLIS: i64 = 16 * 60 * 1_000;

/// The state of a run whose row is open.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its execution is running.
    Runs,
    /// A trigger may be about to start its execution.
    Starts,
    /// Its execution has ended or never started, and no process closes it.
    Over(Ending),
}

/// Asks Step Functions. `since` is when the run's row, or its lock, was written.
pub(crate) async fn standing(
    context: &Context,
    run: &ExecutionId,
    since: Timestamp,
) -> Result<Standing, HandlerError> {
    let arn = execution_arn(&context.deployment.machines.master, run.as_str())?;
    let status = status(context, &arn).await?;
    Ok(verdict(status, now().millis_since(since)))
}

/// The state of an execution. `None` if the service does not know it: never started, or ended 90 days ago.
pub(crate) async fn status(context: &Context, arn: &str) -> Result<Option<ExecutionStatus>, HandlerError> {
    use aws_sdk_sfn::types::ExecutionStatus as Theirs;
    let found = context.sfn.describe_execution().execution_arn(arn).send().await;
    match found.map_err(|e| ServiceError::of("DescribeExecution", arn, &e)) {
        Ok(found) => Ok(Some(match found.status() {
            Theirs::Succeeded => ExecutionStatus::Succeeded,
            Theirs::Failed => ExecutionStatus::Failed,
            Theirs::TimedOut => ExecutionStatus::TimedOut,
            Theirs::Aborted => ExecutionStatus::Aborted,
            Theirs::PendingRedrive => ExecutionStatus::PendingRedrive,
            // An unknown status does not count as an end.
            _ => ExecutionStatus::Running,
        })),
        Err(error) if error.has_code("ExecutionDoesNotExist") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn verdict(status: Option<ExecutionStatus>, age_millis: i64) -> Standing {
    match status {
        Some(ExecutionStatus::Running | ExecutionStatus::PendingRedrive) => Standing::Runs,
        Some(status) => Standing::Over(Ending::Ended { status, error: None, cause: None }),
        None if age_millis < ABANDONED_AFTER_MILLIS => Standing::Starts,
        None => Standing::Over(Ending::NeverStarted {
            why: "its trigger ended before it started the execution".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_that_nobody_serves_is_over() {
        let minute = 60_000;
        assert_eq!(verdict(Some(ExecutionStatus::Running), 99 * minute), Standing::Runs);
        assert_eq!(verdict(Some(ExecutionStatus::PendingRedrive), 99 * minute), Standing::Runs);
        let aborted = Ending::Ended { status: ExecutionStatus::Aborted, error: None, cause: None };
        assert_eq!(verdict(Some(ExecutionStatus::Aborted), 0), Standing::Over(aborted));
        assert_eq!(verdict(None, 15 * minute), Standing::Starts);
        assert!(matches!(verdict(None, 17 * minute), Standing::Over(Ending::NeverStarted { .. })));
        assert_eq!(verdict(None, -minute), Standing::Starts, "a clock that is ahead");
    }
}
