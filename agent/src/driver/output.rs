//! A job's output: its file on this instance, and its way from there to CloudWatch Logs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rsqlflow_store::Note;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::claim::Claimed;
use super::{Assignment, Context};
use crate::logs::cloudwatch::Stream;
use crate::logs::{Capture, Shipped, Shipper};

/// How long the log may stand still before the row is closed without it. A service that is well takes a batch in
/// a tenth of it.
const STANDSTILL: Duration = Duration::from_millis(400);

/// The output of one attempt.
pub(super) struct Output {
    /// Its file.
    pub(super) capture: Capture,
    path: PathBuf,
    /// Bytes that the service has taken.
    taken: Arc<AtomicU64>,
    /// Sends the file, until all of it is sent.
    shipping: Option<JoinHandle<Shipped>>,
    /// What keeps lines from arriving; `None` where no log group is configured.
    service: Option<watch::Receiver<Option<String>>>,
    /// How long the end of the output may take.
    drain: Duration,
}

impl Output {
    /// Opens the file, and begins to send what will be written to it. The disk is used in a thread of its own: the lease
    /// of the job runs already.
    pub(super) async fn begin(ctx: &Context, job: &Assignment, claimed: &Claimed) -> Self {
        let path = Capture::path_of(&ctx.config.log_dir, &job.execution, job.job, job.attempt);
        let opened = {
            let path = path.clone();
            tokio::task::spawn_blocking(move || Capture::open(path)).await
        };
        // Only a panic could keep it from an answer.
        let (capture, follow) = opened.unwrap_or_else(|_| Capture::open(path.clone()));
        if let Some(error) = capture.trouble() {
            tracing::warn!(%error, path = %path.display(), "the output cannot be kept");
        }
        let taken = follow.borrow().taken.clone();
        let shipping = claimed.log_stream.clone().map(|name| {
            let stream = Stream::new(Arc::clone(&ctx.clients), ctx.config.log_group.clone(), name);
            let mut shipper = Shipper::new(stream, path.clone(), follow);
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

    /// No more will come.
    pub(super) fn close(&mut self) {
        if let Some(error) = self.capture.trouble() {
            tracing::warn!(%error, "the output could not be kept whole");
        }
        self.capture.close();
    }

    /// Whether there is a part that the service has not taken and may still take.
    pub(super) const fn is_on_its_way(&self) -> bool {
        self.shipping.is_some()
    }

    /// Waits for the service as long as it gets on, but not longer than three times `log_drain`: readers of a closed row
    /// then find the whole log, and a service that is slow or absent delays the close by next to nothing. Answers whether
    /// all of the output has arrived.
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

    /// Waits for the service for `log_drain`. Answers whether all of the output has arrived.
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

    /// What the row says of the output, `complete` or not.
    pub(super) fn describe(&self, note: Note, complete: bool) -> Note {
        let trouble = (!complete).then(|| {
            let kept =
                self.capture.trouble().map(|error| format!("the instance could not keep it whole: {error}"));
            let service = match &self.service {
                Some(service) => service.borrow().clone(),
                None => Some("no log group is configured".to_owned()),
            };
            let why = kept.or(service).unwrap_or_else(|| "its end was still being sent".to_owned());
            let path = self.path.display();
            format!("not all of the output is in CloudWatch Logs: {why}; see {path} on the instance")
        });
        note.log_end(self.capture.total(), trouble.as_deref())
    }
}
