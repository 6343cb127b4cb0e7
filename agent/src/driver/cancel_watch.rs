//! Checks for a cancel between renewals.
//!
//! The result only triggers the next write or the next full read, which decide by the rules of the protocol. So a check
//! may be stale, lost or omitted.

use std::time::Duration;

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_store::JobAudit;
use tokio::time::timeout;

use super::Assignment;
use crate::clock::BootTime;

/// When to check.
#[derive(Clone, Debug)]
pub(super) struct CancelWatch {
    every: Duration,
    next: BootTime,
}

impl CancelWatch {
    /// Checks at this interval. Never if it is zero.
    pub(super) fn new(every: Duration) -> Self {
        Self { every, next: BootTime::now().plus(spread(every)) }
    }

    /// The time of the next check.
    pub(super) fn next(&self) -> Option<BootTime> {
        (!self.every.is_zero()).then_some(self.next)
    }

    /// Checks, with a timeout: whether the row differs from what an agent of this attempt expects.
    pub(super) async fn check(
        &mut self,
        jobs: &JobAudit,
        job: &Assignment,
        wanted: JobStatus,
        most: Duration,
    ) -> bool {
        let seen = timeout(most, jobs.cancel_state(&job.execution, job.job)).await;
        // After the answer, so that a slow table does not get more calls.
        self.next = BootTime::now().plus(spread(self.every));
        match seen {
            Ok(Ok(Some(row))) => {
                row.cancel_requested || row.attempt != job.attempt || row.execution_status != wanted
            }
            // The next write handles a row that does not exist.
            Ok(Ok(None)) => true,
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "the row cannot be checked");
                false
            }
            Err(_) => false,
        }
    }
}

/// Spreads the checks of agents that started together. Never later than configured.
fn spread(every: Duration) -> Duration {
    every.mul_f64(0.8 + 0.2 * fastrand::f64())
}
