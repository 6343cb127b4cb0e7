//! Repeats reads during a short outage, so that one failed call does not end the watching of a run.

use std::time::{Duration, Instant};

use rsqlflow_core::ExecutionId;
use rsqlflow_store::Store;

use crate::backend::Backend;
use crate::failure::Failure;
use crate::output::one_line;
use crate::runs::live::Live;
use crate::runs::rows::{self, RunView};

/// How long reads may fail in sequence. Longer than a reconnect or a throttled service takes, but short enough for a
/// person who waits at the terminal.
const LONGEST_OUTAGE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Reads of a run, or of a request about it, that tolerate an outage.
pub(crate) struct Steady<'a> {
    backend: &'a Backend,
    id: &'a ExecutionId,
    /// What continues without this command: "the run".
    what: &'static str,
    /// How to follow it again.
    again: String,
    outage: Outage,
    /// Whether the disk was full in the last check.
    is_disk_full: bool,
}

impl<'a> Steady<'a> {
    /// For a command that follows a run.
    #[must_use]
    pub(crate) fn following(backend: &'a Backend, id: &'a ExecutionId) -> Self {
        let again = format!("run `rsqlflow watch {id}` to follow it again");
        Self { backend, id, what: "the run", again, outage: Outage::default(), is_disk_full: false }
    }

    /// For a command that reads a run's output while it arrives.
    #[must_use]
    pub(crate) fn listening(backend: &'a Backend, id: &'a ExecutionId) -> Self {
        let again = format!("run `rsqlflow logs {id} -f` to read its output again from the start");
        Self { again, ..Self::following(backend, id) }
    }

    /// For a command that waits for the end of a cancelled run.
    #[must_use]
    pub(crate) fn cancelling(backend: &'a Backend, id: &'a ExecutionId) -> Self {
        let again = format!("run `rsqlflow watch {id}` to wait until it ends");
        Self { what: "the cancellation", again, ..Self::following(backend, id) }
    }

    /// Reports once that the disk of the state directory is full, and once that it has space again. Reads succeed on a full
    /// disk, so no other message would explain why a run does not progress.
    fn check_disk(&mut self, say: impl Fn(&str)) {
        let full = self.backend.full_disk();
        match &full {
            Some(what) if !self.is_disk_full => {
                say(&format!("{what}: {} continues when there is space", self.what));
                say("hint: free some space on it");
            }
            None if self.is_disk_full => say("the disk of the state directory has free space again"),
            _ => {}
        }
        self.is_disk_full = full.is_some();
    }

    /// Reads until a read succeeds. `say` reports each outage once.
    ///
    /// # Errors
    /// Errors that waiting cannot resolve are returned at once, others after a minute. Errors of an endpoint in this process
    /// are returned at once.
    pub(crate) async fn read<T>(
        &mut self,
        say: impl Fn(&str),
        mut read: impl AsyncFnMut() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        loop {
            let failure = match Box::pin(read()).await {
                Ok(read) => {
                    if self.outage.ends() {
                        say(&format!("{} can be read again", self.backend.name()));
                    }
                    return Ok(read);
                }
                Err(failure) => failure,
            };
            let Failure::Environment { error, hint, passes } = failure else { return Err(failure) };
            if self.backend.is_served_here() {
                return Err(Failure::Environment { error, hint, passes });
            }
            if !passes {
                return Err(self.lost(error, hint));
            }
            let is_first = !self.outage.is_on();
            let Some(pause) = self.outage.next_pause(Instant::now()) else {
                return Err(self.lost(error, hint));
            };
            if is_first {
                let reason = one_line(&format!("{error:#}"));
                say(&format!(
                    "cannot read {} ({reason}), trying again; {} continues",
                    self.backend.name(),
                    self.what
                ));
            }
            tokio::time::sleep(pause).await;
        }
    }

    fn lost(&self, error: anyhow::Error, hint: Option<String>) -> Failure {
        let long = match self.outage.seconds(Instant::now()) {
            Some(seconds) => format!(" for {seconds} s"),
            None => String::new(),
        };
        let Self { id, what, again, .. } = self;
        let message_of_outage =
            format!("{id} could not be read{long}; {what} continues without this command");
        // An endpoint that has ended executes nothing. AWS executes whether it can be reached or not.
        let ended = match (self.backend.is_aws(), self.backend.state_dir()) {
            (true, _) => String::new(),
            (false, Some(dir)) => {
                format!(
                    "; if the endpoint has ended, run `rsqlflow local --state-dir {}` first",
                    dir.display()
                )
            }
            (false, None) => "; if the endpoint has ended, start it again first".to_owned(),
        };
        let hint = hint.map(|hint| format!("{hint}; then ")).unwrap_or_default();
        Failure::CannotFollow {
            error: error.context(message_of_outage),
            hint: format!("{hint}{again}{ended}"),
        }
    }
}

/// Limits of the pause between reads. The pause is ten times the duration of a read, within these limits.
const SHORTEST_READ_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_READ_PAUSE: Duration = Duration::from_secs(2);

/// Reads and reports changes until the run is closed.
///
/// # Errors
/// The tables cannot be read for some time, or the run does not exist.
pub(crate) async fn until_closed(
    store: &Store,
    id: &ExecutionId,
    mut steady: Steady<'_>,
    live: &Live<'_>,
) -> Result<RunView, Failure> {
    loop {
        let started = Instant::now();
        steady.check_disk(|line| live.say(line));
        let run = steady.read(|line| live.say(line), async || rows::read(store, id).await).await?;
        live.update(&run.jobs);
        if run.workflow.execution_status.is_closed() {
            return Ok(run);
        }
        tokio::time::sleep((started.elapsed() * 10).clamp(SHORTEST_READ_PAUSE, LONGEST_READ_PAUSE)).await;
    }
}

/// A sequence of failures. It does not read the clock.
#[derive(Debug, Default)]
struct Outage {
    since: Option<Instant>,
    last_pause: Option<Duration>,
}

impl Outage {
    const fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// After a failure: how long to wait before the next read, or `None` after too many failures.
    fn next_pause(&mut self, now: Instant) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        let pause = self.last_pause.map_or(FIRST_PAUSE, |last| (last * 2).min(LONGEST_PAUSE));
        self.last_pause = Some(pause);
        (now.duration_since(since) < LONGEST_OUTAGE).then_some(pause)
    }

    /// The duration in seconds, or `None` at the start.
    fn seconds(&self, now: Instant) -> Option<u64> {
        self.since.map(|since| now.duration_since(since).as_secs()).filter(|seconds| *seconds > 0)
    }

    /// After a success: whether there was an outage.
    fn ends(&mut self) -> bool {
        let was_on = self.is_on();
        *self = Self::default();
        was_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outage_may_last_a_minute() {
        let mut outage = Outage::default();
        assert!(!outage.ends(), "nothing has failed");
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        while let Some(pause) = outage.next_pause(now) {
            pauses.push(pause.as_secs());
            now += pause;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 8, 8, 8, 8, 8, 8]);
        assert!(pauses.iter().sum::<u64>() >= LONGEST_OUTAGE.as_secs());
        assert!(outage.ends() && !outage.is_on());
        assert_eq!(outage.next_pause(now), Some(FIRST_PAUSE), "the next outage");
    }

    #[test]
    fn the_duration_of_an_outage_is_reported() {
        let (mut outage, now) = (Outage::default(), Instant::now());
        assert_eq!(outage.seconds(now), None, "an error that waiting cannot resolve is reported at once");
        outage.next_pause(now);
        assert_eq!(outage.seconds(now), None);
        assert_eq!(outage.seconds(now + Duration::from_millis(2_900)), Some(2));
        outage.ends();
        assert_eq!(outage.seconds(now + LONGEST_OUTAGE), None);
    }
}
