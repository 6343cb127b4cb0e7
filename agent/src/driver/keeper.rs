//! Keeps the lease while the script runs, and until its result is delivered.

use std::time::Duration;

use rsqlflow_core::protocol::agent::{Order, after_renewal};
use rsqlflow_core::protocol::{Change, JobState, JobStatus};
use rsqlflow_core::{JobTimes, Owner};
use rsqlflow_store::{Changed, JobAudit, Note, causes};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::{Assignment, Lookout};
use crate::aws::{Heard, Tokens};
use crate::clock::BootTime;
use crate::lease::{Deadline, Lapse, Lease};
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
    /// Why the job is no longer this agent's, for the end of its log.
    pub(super) tell_why: watch::Sender<Option<String>>,
    pub(super) lookout: Lookout,
    /// What the table said last, if it said no.
    pub(super) trouble: Option<String>,
}

/// What it tells whoever runs the script.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) control: mpsc::UnboundedReceiver<Control>,
    /// Of the next try, which was not there to be told.
    pub(super) deadline: watch::Receiver<Deadline>,
    /// Known by the time that a stop for being fenced arrives.
    pub(super) why_fenced: watch::Receiver<Option<String>>,
}

/// Timers do not run while a machine is suspended, so this is how late a lapse may be noticed after it wakes. The
/// guard's own timer does run.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

impl Keeper {
    /// Renews until the job is no longer ours, and then says so. Ends only then.
    pub(super) async fn keep(mut self) {
        let mut cancelling = false;
        let began = BootTime::now();
        loop {
            let now = BootTime::now();
            if let Some(lapse) = self.lease.lapse(now) {
                let why = self.why(lapse, now, began);
                tracing::warn!(?lapse, why, "the script is stopped");
                self.tell_why.send_replace(Some(why));
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
            match after_renewal(&row, self.job.attempt, &self.owner) {
                Order::GoOn(_) => {}
                Order::Cancel => {
                    if !cancelling {
                        tracing::info!("a cancel is requested");
                        self.order(Control::Stop(StopReason::Cancelled));
                    }
                    cancelling = true;
                }
                Order::Stop => {
                    let (status, attempt) = (row.status, row.attempt);
                    tracing::info!(%status, attempt, "the row is another's or closed");
                    let why = format!(
                        "the job is no longer this agent's: its row is {status} in attempt {attempt}"
                    );
                    self.tell_why.send_replace(Some(why));
                    self.order(Control::Stop(StopReason::Fenced));
                    return;
                }
            }
            self.heartbeat(&row).await;
        }
    }

    /// Why the script is stopped, in words.
    fn why(&self, lapse: Lapse, now: BootTime, began: BootTime) -> String {
        let seconds = |since: BootTime| now.since(since).as_secs();
        match lapse {
            Lapse::LeaseRunsOut => format!(
                "no answer from the audit table for {} s{}, and the lease is over",
                seconds(self.lease.runs_from()),
                self.trouble.as_deref().map(|trouble| format!(" ({trouble})")).unwrap_or_default()
            ),
            Lapse::NobodyWaits => format!(
                "no accepted heartbeat for {} s, so the workflow no longer waits for this job",
                seconds(self.lease.token_accepted_at().max(began))
            ),
        }
    }

    /// One renewal. `None` if nobody knows whether it was made.
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
                tracing::warn!("not renewed: no answer in time");
                self.trouble = None;
                None
            }
        }
    }

    /// A heartbeat on whatever token the row shows now: a later try of the state may have brought a new one.
    async fn heartbeat(&mut self, row: &JobState) {
        let Some(reply) = row.reply() else { return };
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
