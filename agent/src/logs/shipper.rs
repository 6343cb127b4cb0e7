//! Follows the local file and sends what is new, about once a second.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::capture::Progress;
use super::cloudwatch::{LogError, Stream};
use crate::spool::LogRecord;

use super::events::{BATCH_BYTES, Cutter, Event, Rest};

/// The result of the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Bytes of the file that the service accepted.
    pub bytes: u64,
    /// Whether that is all, and no event was rejected.
    pub complete: bool,
}

/// Sends one file to one stream.
#[derive(Debug)]
pub struct Shipper {
    stream: Stream,
    path: PathBuf,
    file: Option<File>,
    follow: watch::Receiver<Progress>,
    cutter: Cutter,
    record: Option<LogRecord>,
    /// Whether the service rejected an event.
    refused_events: bool,
    created: bool,
    given_up: Option<LogError>,
    /// Why lines do not arrive at present.
    trouble: watch::Sender<Option<String>>,
    failures: u32,
}

/// Interval of checks of the file, shortened at random by up to a fifth.
const CADENCE: Duration = Duration::from_secs(1);

/// After this time without output, an unfinished line is sent.
const SILENCE: Duration = Duration::from_secs(2);

/// Timeout of one call. After it, the batch is sent again.
const CALL: Duration = Duration::from_secs(20);

/// The longest pause after a failed call.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Shipper {
    /// For a file that is being written.
    #[must_use]
    pub fn new(stream: Stream, path: PathBuf, follow: watch::Receiver<Progress>) -> Self {
        Self {
            stream,
            path,
            file: None,
            follow,
            cutter: Cutter::default(),
            record: None,
            refused_events: false,
            created: false,
            given_up: None,
            trouble: watch::Sender::new(None),
            failures: 0,
        }
    }

    /// Stores in this record how much of the file was accepted, and continues from its position.
    #[must_use]
    pub fn recorded(mut self, record: LogRecord) -> Self {
        self.cutter = Cutter::after(record.sent);
        self.record = Some(record);
        self
    }

    /// Why lines do not arrive. `None` if they arrive.
    #[must_use]
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.subscribe()
    }

    /// Sends until the file is complete and sent, or until the service refuses for good. It may be dropped and called again,
    /// because its progress is stored.
    pub async fn run(&mut self) {
        self.send().await;
        // A definite refusal is not retried.
        if (self.is_done() || self.given_up.is_some())
            && let Some(record) = self.record.take()
        {
            record.forget();
        }
    }

    async fn send(&mut self) {
        while self.given_up.is_none() && !self.is_done() {
            let sent = self.step().await;
            self.tell(sent.as_ref().err());
            match sent {
                Ok(true) if self.is_behind() => self.failures = 0,
                Ok(_) => {
                    self.failures = 0;
                    // No new output: one check a second, but the end is noticed at once.
                    let pause = CADENCE.mul_f64(0.8 + 0.2 * fastrand::f64());
                    let mut follow = self.follow.clone();
                    let _ = timeout(pause, follow.wait_for(|progress| progress.ended)).await;
                    if follow.borrow().ended && !self.is_done() {
                        // A file that is shorter than what was written will not grow any more.
                        let sent = self.step().await;
                        self.tell(sent.as_ref().err());
                        if matches!(sent, Ok(false)) && !self.is_done() {
                            return;
                        }
                    }
                }
                Err(error) if error.is_transient() => {
                    self.failures += 1;
                    tracing::debug!(%error, failures = self.failures, "log batch not sent");
                    sleep(pause_after(self.failures)).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the log is stored only locally");
                    self.given_up = Some(error);
                }
            }
        }
    }

    /// The progress so far.
    #[must_use]
    pub fn shipped(&self) -> Shipped {
        Shipped { bytes: self.cutter.offset(), complete: self.is_done() && !self.refused_events }
    }

    fn tell(&self, error: Option<&LogError>) {
        let refused =
            || self.refused_events.then(|| "the service refused lines as too old or too new".to_owned());
        self.trouble.send_replace(error.map(ToString::to_string).or_else(refused));
    }

    fn is_done(&self) -> bool {
        let progress = self.follow.borrow();
        progress.ended && self.cutter.offset() >= progress.written
    }

    fn is_behind(&self) -> bool {
        self.cutter.offset() < self.follow.borrow().written
    }

    /// Sends one batch, if there is one.
    async fn step(&mut self) -> Result<bool, LogError> {
        let Some((events, next)) = self.next_batch() else { return Ok(false) };
        if !events.is_empty() {
            if !self.created {
                within(self.stream.create()).await?;
                self.created = true;
            }
            let all_taken = within(self.stream.put(events)).await?;
            self.refused_events |= !all_taken;
        }
        // After success: a failed batch is read again from the file, so nothing has to be kept for it.
        self.cutter = next;
        if let Some(record) = &mut self.record {
            record.advance(next.offset());
        }
        self.follow.borrow().taken.store(next.offset(), std::sync::atomic::Ordering::Relaxed);
        Ok(true)
    }

    fn next_batch(&mut self) -> Option<(Vec<Event>, Cutter)> {
        let progress = self.follow.borrow().clone();
        let start = self.cutter.offset();
        let left = usize::try_from(progress.written.saturating_sub(start)).unwrap_or(usize::MAX);
        if left == 0 {
            return None;
        }
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let mut window = vec![0; left.min(BATCH_BYTES)];
        let mut filled = 0;
        while let Some(rest) = window.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.as_ref()?.read_at(rest, start + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let window = window.get(..filled)?;
        let ended = progress.ended && start + filled as u64 == progress.written;
        let silent = progress.grown_at.is_some_and(|at| at.elapsed() >= SILENCE);
        let rest = match (ended, silent) {
            (true, _) => Rest::Ended,
            (false, true) => Rest::Silent,
            (false, false) => Rest::Growing,
        };
        let (events, next) = self.cutter.cut(window, rest, &progress.marks);
        (next != self.cutter).then_some((events, next))
    }
}

/// Limits the duration of a call. A timeout counts as transient.
async fn within<T>(call: impl Future<Output = Result<T, LogError>>) -> Result<T, LogError> {
    match timeout(CALL, call).await {
        Ok(answer) => answer,
        Err(_) => Err(LogError::no_answer()),
    }
}

/// 0.2 s, doubled up to 30 s, half of it at random. Worst case for a job: as long as it runs.
fn pause_after(failures: u32) -> Duration {
    let whole = Duration::from_millis(200).saturating_mul(1 << failures.min(10)).min(LONGEST_PAUSE);
    whole.mul_f64(0.5 + 0.5 * fastrand::f64())
}
