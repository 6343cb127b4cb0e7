//! Looks for a cancel between the writes that would tell of it.
//!
//! What is seen is only a reason to do the next write, or the next whole read, at once. Those decide, by the rules of
//! the protocol, so a look may be stale, lost or left out.

use std::time::Duration;

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_store::JobAudit;
use tokio::time::timeout;

use super::Assignment;
use crate::clock::BootTime;

/// When to look.
#[derive(Clone, Debug)]
pub(super) struct Lookout {
    every: Duration,
    next: BootTime,
}

impl Lookout {
    /// Looks so often; never, if that is zero.
    pub(super) fn new(every: Duration) -> Self {
        Self { every, next: BootTime::now().plus(spread(every)) }
    }

    /// When to look next.
    pub(super) fn next(&self) -> Option<BootTime> {
        (!self.every.is_zero()).then_some(self.next)
    }

    /// Looks, for at most so long: whether the row is no longer as an agent of this attempt wants it.
    pub(super) async fn look(
        &mut self,
        jobs: &JobAudit,
        job: &Assignment,
        wanted: JobStatus,
        most: Duration,
    ) -> bool {
        let seen = timeout(most, jobs.glance(&job.execution, job.job)).await;
        // After the answer, so that a slow table is not asked the more.
        self.next = BootTime::now().plus(spread(self.every));
        match seen {
            Ok(Ok(Some(row))) => {
                row.cancel_requested || row.attempt != job.attempt || row.execution_status != wanted
            }
            // A row that is gone is for the next write to find.
            Ok(Ok(None)) => true,
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "no look at the row");
                false
            }
            Err(_) => false,
        }
    }
}

/// Agents that started together do not look together; never later than configured.
fn spread(every: Duration) -> Duration {
    every.mul_f64(0.8 + 0.2 * fastrand::f64())
}
