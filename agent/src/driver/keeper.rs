//! Renews the lease while the script runs, and until its result is delivered.

use std::time::Duration;

use rsqlflow_core::protocol::agent::{AfterRenewal, after_renewal};
use rsqlflow_core::protocol::{Change, JobState, JobStatus};
use rsqlflow_core::{JobTimes, Owner};
use rsqlflow_store::{Changed, JobAudit, Note, causes};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::{Assignment, CancelWatch};
use crate::aws::{TokenStatus, Tokens};
use crate::clock::BootTime;
use crate::lease::{Deadline, Lapse, Lease};
use crate::process::{Control, StopReason};

/// Renews the lease of one claimed job.
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
    /// Why this agent lost the job, for the end of the log.
    pub(super) report_reason: watch::Sender<Option<String>>,
    pub(super) cancel_watch: CancelWatch,
    /// The last error of the table, if there is one.
    pub(super) trouble: Option<String>,
}

/// The channels to the code that runs the script.
#[derive(Debug)]
pub(super) struct KeeperChannels {
    pub(super) control: mpsc::UnboundedReceiver<Control>,
    /// The deadline for the next try.
    pub(super) deadline: watch::Receiver<Deadline>,
    /// Set before a stop for being fenced is sent.
    pub(super) why_fenced: watch::Receiver<Option<String>>,
}

/// Timers do not run while the machine is suspended, so this limits how late an expiry is noticed after it wakes. The
/// guard's own timer runs.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

impl Keeper {
    /// Renews until the job is lost, and then reports that.
    pub(super) async fn keep(mut self) {
        let mut cancelling = false;
        let began = BootTime::now();
        loop {
            let now = BootTime::now();
            if let Some(lapse) = self.lease.lapse(now) {
                let why = self.why(lapse, now, began);
                tracing::warn!(?lapse, why, "the script is stopped");
                self.report_reason.send_replace(Some(why));
                self.order(Control::Stop(StopReason::Fenced));
                return;
            }
            let next = self.lease.renew_at().min(self.lease.lapses_at());
            let pause = next.since(now);
            if !pause.is_zero() {
                let look = self.cancel_watch.next().filter(|_| !cancelling).map(|at| at.since(now));
                if look.is_some_and(|look| look.is_zero()) {
                    // A check for a cancel never delays a renewal.
                    let most = pause.min(self.times.renewal_latency);
                    if self.cancel_watch.check(&self.jobs, &self.job, JobStatus::Running, most).await {
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
            match after_renewal(&row, self.job.attempt, &self.owner) {
                AfterRenewal::GoOn(_) => {}
                AfterRenewal::Cancel => {
                    if !cancelling {
                        tracing::info!("a cancel is requested");
                        self.order(Control::Stop(StopReason::Cancelled));
                    }
                    cancelling = true;
                }
                AfterRenewal::Stop => {
                    let (status, attempt) = (row.status, row.attempt);
                    tracing::info!(%status, attempt, "the row belongs to another attempt or is closed");
                    let why = format!("this agent lost the job: its row is {status} in attempt {attempt}");
                    self.report_reason.send_replace(Some(why));
                    self.order(Control::Stop(StopReason::Fenced));
                    return;
                }
            }
            self.heartbeat(&row).await;
        }
    }

    /// Why the script is stopped.
    fn why(&self, lapse: Lapse, now: BootTime, began: BootTime) -> String {
        let seconds = |since: BootTime| now.since(since).as_secs();
        match lapse {
            Lapse::LeaseRunsOut => format!(
                "no answer from the audit table for {} s{}, and the lease has expired",
                seconds(self.lease.runs_from()),
                self.trouble.as_deref().map(|trouble| format!(" ({trouble})")).unwrap_or_default()
            ),
            Lapse::NobodyWaits => format!(
                "no accepted heartbeat for {} s, so the workflow no longer waits for this job",
                seconds(self.lease.token_accepted_at().max(began))
            ),
        }
    }

    /// One renewal. `None` if its result is not known.
    async fn renew(&mut self) -> Option<JobState> {
        let change = Change::Renew { attempt: self.job.attempt, owner: self.owner.clone() };
        let sent = BootTime::now();
        let most = self.times.renewal_latency.min(self.lease.lapses_at().since(sent));
        let call = self.jobs.change_state(&self.job.execution, self.job.job, &change, Note::new());
        match timeout(most, call).await {
            Ok(Ok(Changed::Made(row))) => {
                self.lease.renewed(sent, fastrand::f64());
                let deadline = self.lease.deadline();
                self.deadline.send_replace(deadline);
                self.order(Control::Extend(deadline));
                Some(row)
            }
            Ok(Ok(Changed::Refused(row))) => Some(row),
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "not renewed");
                self.trouble = Some(causes(&error));
                None
            }
            Err(_) => {
                tracing::warn!("not renewed: timeout");
                self.trouble = None;
                None
            }
        }
    }

    /// A heartbeat with the token in the row. A later try of the state may have a new token.
    async fn heartbeat(&mut self, row: &JobState) {
        let Some(reply) = row.reply() else { return };
        let sent = BootTime::now();
        match self.tokens.heartbeat(&reply.token, self.times.renewal_latency).await {
            Ok(TokenStatus::Accepted) => self.lease.token_accepted(sent),
            Ok(TokenStatus::Refused) => tracing::info!("no task waits for the token; a new one may follow"),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "no heartbeat"),
        }
    }

    /// If the receiver is closed, the script has already ended.
    fn order(&self, control: Control) {
        let _ = self.orders.send(control);
    }
}
