//! Keeps the lease while the script runs, and until its result is delivered.

use std::time::Duration;

use rsqlflow_core::protocol::agent::{Order, after_renewal};
use rsqlflow_core::protocol::{Change, JobStatus};
use rsqlflow_core::{JobTimes, Owner};
use rsqlflow_store::{ChangeError, JobAudit, JobRow, Note};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::{Assignment, Lookout};
use crate::aws::{Heard, Tokens};
use crate::clock::BootTime;
use crate::lease::{Deadline, Lease};
use crate::process::{Control, StopReason};

/// The renewals of one claimed job.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) jobs: JobAudit,
    pub(super) tokens: Tokens,
    pub(super) job: Assignment,
    pub(super) owner: Owner,
    pub(super) times: JobTimes,
    pub(super) lease: Lease,
    pub(super) orders: mpsc::UnboundedSender<Control>,
    pub(super) deadline: watch::Sender<Deadline>,
    pub(super) lookout: Lookout,
}

/// What it tells whoever runs the script.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) control: mpsc::UnboundedReceiver<Control>,
    /// Of the next try, which was not there to be told.
    pub(super) deadline: watch::Receiver<Deadline>,
}

/// Timers do not run while a machine is suspended, so this is how late a lapse may be noticed after it wakes. The
/// guard's own timer does run.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

impl Keeper {
    /// Renews until the job is no longer ours, and then says so. Ends only then.
    pub(super) async fn keep(mut self) {
        let mut cancelling = false;
        loop {
            let now = BootTime::now();
            if let Some(lapse) = self.lease.lapse(now) {
                tracing::warn!(?lapse, "the script is stopped");
                self.order(Control::Stop(StopReason::Fenced));
                return;
            }
            let next = self.lease.renew_at().min(self.lease.lapses_at());
            let pause = next.since(now);
            if !pause.is_zero() {
                let look = self.lookout.next().filter(|_| !cancelling).map(|at| at.since(now));
                if look.is_some_and(|look| look.is_zero()) {
                    // No look puts off a renewal.
                    let most = pause.min(self.times.renewal_latency);
                    if self.lookout.look(&self.jobs, &self.job, JobStatus::Running, most).await {
                        self.lease.hasten(BootTime::now());
                    }
                    continue;
                }
                sleep(pause.min(look.unwrap_or(pause)).min(LONGEST_SLEEP)).await;
                continue;
            }
            let Some(row) = self.renew().await else {
                self.lease.renewal_failed(BootTime::now(), fastrand::f64());
                continue;
            };
            match after_renewal(&row.state, self.job.attempt, &self.owner) {
                Order::GoOn(_) => {}
                Order::Cancel => {
                    if !cancelling {
                        tracing::info!("a cancel is requested");
                        self.order(Control::Stop(StopReason::Cancelled));
                    }
                    cancelling = true;
                }
                Order::Stop => {
                    tracing::info!(status = %row.state.status, attempt = row.state.attempt, "the row is another's or closed");
                    self.order(Control::Stop(StopReason::Fenced));
                    return;
                }
            }
            self.heartbeat(&row).await;
        }
    }

    /// One renewal. `None` if nobody knows whether it was made.
    async fn renew(&mut self) -> Option<JobRow> {
        let change = Change::Renew { attempt: self.job.attempt, owner: self.owner.clone() };
        let sent = BootTime::now();
        let most = self.times.renewal_latency.min(self.lease.lapses_at().since(sent));
        let call = self.jobs.change(&self.job.execution, self.job.job, &change, Note::new());
        match timeout(most, call).await {
            Ok(Ok(row)) => {
                self.lease.renewed(sent, fastrand::f64());
                let deadline = self.lease.deadline();
                self.deadline.send_replace(deadline);
                self.order(Control::Extend(deadline));
                Some(row)
            }
            Ok(Err(ChangeError::Refused(row))) => Some(*row),
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "not renewed");
                None
            }
            Err(_) => {
                tracing::warn!("not renewed: no answer in time");
                None
            }
        }
    }

    /// A heartbeat on whatever token the row shows now: a later try of the state may have brought a new one.
    async fn heartbeat(&mut self, row: &JobRow) {
        let Some(reply) = row.state.reply() else { return };
        let sent = BootTime::now();
        match self.tokens.heartbeat(&reply.token, self.times.renewal_latency).await {
            Ok(Heard::Accepted) => self.lease.token_accepted(sent),
            Ok(Heard::Refused) => tracing::info!("the token is not waited on; a new one may come"),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "no heartbeat"),
        }
    }

    /// Who no longer listens has ended the script already.
    fn order(&self, control: Control) {
        let _ = self.orders.send(control);
    }
}
