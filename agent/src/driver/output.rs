//! A job's output: its file on this instance, and its delivery to CloudWatch Logs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rsqlflow_core::Timestamp;
use rsqlflow_store::Note;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::claim::Claimed;
use super::{Assignment, Context};
use crate::clock::wall_clock;
use crate::logs::cloudwatch::Stream;
use crate::logs::events::Marks;
use crate::logs::{Capture, Progress, Shipped, Shipper};
use crate::spool::{self, LogRecord, UnsentLog, UnsentLogs};

/// How long the delivery of the log may make no progress before the row is closed without it. A healthy service accepts a
/// batch in a tenth of it.
const STANDSTILL: Duration = Duration::from_millis(400);

/// The output of one attempt.
pub(super) struct Output {
    /// Its file.
    pub(super) capture: Capture,
    path: PathBuf,
    /// Bytes that the service has accepted.
    taken: Arc<AtomicU64>,
    /// Sends the file until it is complete.
    shipping: Option<JoinHandle<Shipped>>,
    /// Why lines do not arrive. `None` if no log group is configured.
    service: Option<watch::Receiver<Option<String>>>,
    /// How long sending the end of the output may take.
    drain: Duration,
}

impl Output {
    /// Opens the file, and starts to send it. Disk operations run in a separate thread, because the lease is already running.
    pub(super) async fn begin(ctx: &Context, job: &Assignment, claimed: &Claimed) -> Self {
        let path = Capture::path_of(&ctx.config.log_dir, &job.execution, job.job, job.attempt);
        let opened = {
            let path = path.clone();
            tokio::task::spawn_blocking(move || Capture::open(path)).await
        };
        // Only a panic prevents an answer.
        let (capture, follow) = opened.unwrap_or_else(|_| Capture::open(path.clone()));
        if let Some(error) = capture.trouble() {
            tracing::warn!(%error, path = %path.display(), "the output cannot be stored");
        }
        let taken = follow.borrow().taken.clone();
        let record = record(ctx, job, claimed, &path);
        let shipping = claimed.log_stream.clone().map(|name| {
            let stream = Stream::new(Arc::clone(&ctx.clients), ctx.config.log_group.clone(), name);
            let mut shipper = Shipper::new(stream, path.clone(), follow);
            if let Some(record) = record {
                shipper = shipper.recorded(record);
            }
            let trouble = shipper.trouble();
            let task = tokio::spawn(async move {
                shipper.run().await;
                shipper.shipped()
            });
            (task, trouble)
        });
        let (shipping, service) = shipping.unzip();
        Self { capture, path, taken, shipping, service, drain: ctx.config.log_drain }
    }

    /// The output is complete.
    pub(super) fn close(&mut self) {
        if let Some(error) = self.capture.trouble() {
            tracing::warn!(%error, "the output could not be stored completely");
        }
        self.capture.close();
    }

    /// Whether there is output that the service has not accepted yet but may accept.
    pub(super) const fn is_on_its_way(&self) -> bool {
        self.shipping.is_some()
    }

    /// Waits while the service makes progress, at most three times `log_drain`, so that a closed row has its complete log and
    /// an unavailable service delays the close only a little. Returns whether all output has arrived.
    pub(super) async fn settle(&mut self) -> bool {
        let end = Instant::now() + 3 * self.drain;
        loop {
            let before = self.taken.load(Ordering::Relaxed);
            if self.wait(STANDSTILL).await {
                return self.capture.trouble().is_none();
            }
            let stands = self.taken.load(Ordering::Relaxed) == before;
            if self.shipping.is_none() || stands || Instant::now() >= end {
                return false;
            }
        }
    }

    /// Waits for the service for `log_drain`. Returns whether all output has arrived.
    pub(super) async fn drain(&mut self) -> bool {
        self.wait(self.drain).await && self.capture.trouble().is_none()
    }

    async fn wait(&mut self, most: Duration) -> bool {
        let Some(task) = &mut self.shipping else { return false };
        match timeout(most, task).await {
            Ok(shipped) => {
                self.shipping = None;
                shipped.is_ok_and(|shipped| shipped.complete)
            }
            Err(_) => false,
        }
    }

    /// The log columns of the row.
    pub(super) fn describe(&self, note: Note, complete: bool) -> Note {
        let trouble = (!complete).then(|| {
            let kept = self
                .capture
                .trouble()
                .map(|error| format!("the instance could not store all of it: {error}"));
            let service = match &self.service {
                Some(service) => service.borrow().clone(),
                None => Some("no log group is configured".to_owned()),
            };
            let why = kept.or(service).unwrap_or_else(|| "the end was still being sent".to_owned());
            let path = self.path.display();
            format!("not all of the output is in CloudWatch Logs: {why}; see {path} on the instance")
        });
        note.log_end(self.capture.total(), trouble.as_deref())
    }
}

/// A record with which another agent can send the end of the log if this one is killed.
fn record(ctx: &Context, job: &Assignment, claimed: &Claimed, path: &Path) -> Option<LogRecord> {
    let log = UnsentLog {
        version: spool::logs::VERSION,
        workflow_execution_id: job.execution.clone(),
        job_id: job.job,
        attempt: job.attempt,
        log_group: ctx.config.log_group.clone(),
        log_stream: claimed.log_stream.clone()?,
        path: path.to_owned(),
    };
    match UnsentLogs::new(&ctx.config.spool_dir).begin(log, &ctx.owner) {
        Ok(record) => Some(record),
        Err(error) => {
            tracing::warn!(%error, "the end of the log is lost if this process is killed before it is sent");
            None
        }
    }
}

/// How long sending logs of dead agents may take. The next agent continues.
const LEFT: Duration = Duration::from_secs(60);

/// Sends the ends of logs of dead agents, and notes in the rows that their logs are complete.
pub(super) async fn send_left(ctx: &Context) {
    let records = match UnsentLogs::new(&ctx.config.spool_dir).take() {
        Ok(records) => records,
        Err(error) => {
            tracing::warn!(%error, "unsent logs cannot be listed");
            return;
        }
    };
    for record in records {
        let log = record.log.clone();
        let Ok(metadata) = std::fs::metadata(&log.path) else {
            // The retention has removed it.
            record.forget();
            continue;
        };
        let mut marks = Marks::default();
        marks.add(0, metadata.modified().map_or_else(|_| wall_clock(), moment));
        let written = metadata.len();
        let progress = Progress { written, marks, ended: true, ..Progress::default() };
        let stream = Stream::new(Arc::clone(&ctx.clients), log.log_group.clone(), log.log_stream.clone());
        // The file is complete, so no sender is needed.
        let (_sender, follow) = watch::channel(progress);
        let mut shipper = Shipper::new(stream, log.path.clone(), follow).recorded(record);
        let in_time = timeout(LEFT, shipper.run()).await.is_ok();
        let (execution, job, attempt) = (&log.workflow_execution_id, log.job_id, log.attempt);
        let complete = in_time && shipper.shipped().complete;
        tracing::info!(%execution, %job, attempt, complete, "sent the end of another agent's log");
        if complete {
            let note = Note::new().log_arrived();
            if let Err(error) = ctx.jobs.note(execution, job, Some(attempt), note).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the row does not say that its log is complete");
            }
        }
    }
}

fn moment(time: std::time::SystemTime) -> Timestamp {
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
