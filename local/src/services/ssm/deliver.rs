//! Delivers commands: with a maximum of concurrency and of errors, until they are cancelled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::services::ssm::instances::Instance;
use crate::services::ssm::launch::{Launcher, Outcome};
use crate::services::ssm::progress::Progress;
use crate::services::ssm::rate;
use crate::services::ssm::rows::{self, CommandRow};
use crate::storage::Worker;

/// The pause before a failed write of a row is repeated. The disk may have free space by then.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// An invocation to deliver.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) id: i64,
    pub(super) instance_id: String,
}

/// Delivers commands to instances.
#[derive(Debug)]
pub(super) struct Deliverer {
    worker: Worker<Connection>,
    launcher: Launcher,
    instances: Vec<Arc<Instance>>,
    running: TaskTracker,
    closing: CancellationToken,
    /// How to stop each pending or running invocation.
    stops: Mutex<HashMap<i64, CancellationToken>>,
}

impl Deliverer {
    pub(super) fn new(
        worker: Worker<Connection>,
        launcher: Launcher,
        instances: Vec<Arc<Instance>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            worker,
            launcher,
            instances,
            running: TaskTracker::new(),
            closing: CancellationToken::new(),
            stops: Mutex::default(),
        })
    }

    /// Delivers the open invocations of a command with `targets` invocations, `errors` of which have failed.
    pub(super) fn send(
        self: &Arc<Self>,
        command: CommandRow,
        open: Vec<Open>,
        targets: usize,
        errors: usize,
    ) {
        let mut stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        stops.extend(open.iter().map(|open| (open.id, CancellationToken::new())));
        drop(stops);
        self.running.spawn(Arc::clone(self).work_off(Arc::new(command), open, targets, errors));
    }

    /// Stops invocations whose rows are already cancelled.
    pub(super) fn stop(&self, ids: &[i64]) {
        let stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        for stop in ids.iter().filter_map(|id| stops.get(id)) {
            stop.cancel();
        }
    }

    /// Stops starting commands, and waits a limited time for running ones. None is killed.
    pub(super) async fn close(&self, patience: Duration) {
        self.closing.cancel();
        self.running.close();
        if tokio::time::timeout(patience, self.running.wait()).await.is_err() {
            tracing::warn!(commands = self.running.len(), "commands continue without the endpoint");
        }
    }

    async fn work_off(
        self: Arc<Self>,
        command: Arc<CommandRow>,
        open: Vec<Open>,
        targets: usize,
        mut errors: usize,
    ) {
        let at_once = rate::concurrency(&command.sent.max_concurrency, targets);
        let most_errors = rate::errors(&command.sent.max_errors, targets);
        let mut waiting = open.into_iter();
        let mut running = JoinSet::new();
        loop {
            while running.len() < at_once && errors <= most_errors && !self.closing.is_cancelled() {
                let Some(next) = waiting.next() else { break };
                running.spawn(Arc::clone(&self).deliver(Arc::clone(&command), next));
            }
            if errors > most_errors {
                for rest in waiting.by_ref() {
                    self.terminate(&rest).await;
                }
            }
            match running.join_next().await {
                None => return,
                Some(Ok(Some(progress))) if progress.is_error() => errors += 1,
                Some(_) => {}
            }
        }
    }

    async fn terminate(&self, open: &Open) {
        let reason = "the command had more errors than MaxErrors".to_owned();
        self.end(open, Outcome::without_process(Progress::Terminated, -1, reason)).await;
        self.forget(open.id);
    }

    /// Executes one invocation. Returns its end, unless the endpoint shuts down first.
    async fn deliver(self: Arc<Self>, command: Arc<CommandRow>, open: Open) -> Option<Progress> {
        let stop = {
            let stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
            stops.get(&open.id).cloned().unwrap_or_default()
        };
        let outcome = self.attempt(&command, &open, &stop).await;
        let progress = match outcome {
            Some(outcome) => {
                let progress = outcome.progress;
                self.end(&open, outcome).await;
                Some(progress)
            }
            None => None,
        };
        self.forget(open.id);
        progress
    }

    async fn attempt(&self, command: &CommandRow, open: &Open, stop: &CancellationToken) -> Option<Outcome> {
        let Some(instance) = self.instances.iter().find(|instance| instance.id == open.instance_id) else {
            // The endpoint was restarted with fewer instances.
            let reason = format!("the instance {} no longer exists", open.instance_id);
            return Some(Outcome::without_process(Progress::Undeliverable, -1, reason));
        };
        let delivery = Duration::from_secs(command.sent.timeout);
        let delivered = tokio::select! {
            biased;
            () = self.closing.cancelled() => return None,
            // Its row has already ended.
            () = stop.cancelled() => return None,
            delivered = tokio::time::timeout(delivery, instance.workers.acquire()) => delivered,
        };
        let Ok(Ok(_worker)) = delivered else {
            let reason = "the command was not delivered in time: the instance is busy".to_owned();
            return Some(Outcome::without_process(Progress::DeliveryTimedOut, -1, reason));
        };
        let id = open.id;
        // A row that cannot start was cancelled in the meantime.
        if !self.write(move |db| rows::start(db, id)).await? {
            return None;
        }
        Some(self.launcher.run(&command.command_id, instance, &command.sent.arguments, stop).await)
    }

    async fn end(&self, open: &Open, outcome: Outcome) {
        let (id, outcome) = (open.id, Arc::new(outcome));
        self.write(move |db| rows::end(db, id, &outcome)).await;
    }

    fn forget(&self, id: i64) {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Retries a write until it succeeds. Returns `None` if the endpoint shuts down first; the next process then delivers
    /// the invocation again.
    async fn write<R: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<R> + Clone + Send + 'static,
    ) -> Option<R> {
        loop {
            let work = work.clone();
            match self.worker.run(move |db| work(db)).await {
                Ok(Ok(result)) => return Some(result),
                Ok(Err(error)) => tracing::error!("a command's progress cannot be written: {error}"),
                Err(_) => return None,
            }
            tokio::select! {
                () = tokio::time::sleep(WRITE_AGAIN) => {}
                () = self.closing.cancelled() => return None,
            }
        }
    }
}
