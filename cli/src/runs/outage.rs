//! Reads that go on through a moment without network: who watches a run at night must not find in the morning that
//! the watching ended at the first answer that did not come.

use std::time::{Duration, Instant};

use rsqlflow_core::ExecutionId;
use rsqlflow_store::Store;

use crate::failure::Failure;
use crate::output::one_line;
use crate::place::Place;
use crate::runs::live::Live;
use crate::runs::rows::{self, RunView};

/// How long reads may fail one after the other. Longer than a connection that is made anew, or a service that throttles,
/// takes; and a person who waits at the terminal still waits.
const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Reads of a run that is begun, or of what was asked for about it.
pub(crate) struct Steady<'a> {
    place: &'a Place,
    id: &'a ExecutionId,
    /// What goes on without us: "the run".
    what: &'static str,
    /// How to see it again.
    again: String,
    outage: Outage,
    /// Whether the disk was full when it was last looked at.
    is_disk_full: bool,
}

impl<'a> Steady<'a> {
    /// For one who follows a run.
    #[must_use]
    pub(crate) fn following(place: &'a Place, id: &'a ExecutionId) -> Self {
        let again = format!("`rsqlflow watch {id}` follows it again");
        Self { place, id, what: "the run", again, outage: Outage::default(), is_disk_full: false }
    }

    /// For one who reads a run's output as it comes.
    #[must_use]
    pub(crate) fn listening(place: &'a Place, id: &'a ExecutionId) -> Self {
        let again = format!("`rsqlflow logs {id} -f` shows its output again, from the start");
        Self { again, ..Self::following(place, id) }
    }

    /// For one who waits for the end of a run that is being cancelled.
    #[must_use]
    pub(crate) fn cancelling(place: &'a Place, id: &'a ExecutionId) -> Self {
        let again = format!("`rsqlflow watch {id}` waits for its end");
        Self { what: "the cancel", again, ..Self::following(place, id) }
    }

    /// Says once that the disk of the state directory is full, and once that there is room again. Reads still succeed on
    /// such a disk, so nothing else would say why a run stands still.
    fn look_at_disk(&mut self, say: impl Fn(&str)) {
        let full = self.place.full_disk();
        match &full {
            Some(what) if !self.is_disk_full => {
                say(&format!("{what}: {} goes on when there is room", self.what));
                say("hint: free some space on it");
            }
            None if self.is_disk_full => say("the disk of the state directory has room again"),
            _ => {}
        }
        self.is_disk_full = full.is_some();
    }

    /// Reads until it works. `say` tells the operator, once an outage, that it does not.
    ///
    /// # Errors
    /// What waiting does not mend, at once; what it may mend, after a minute. What this process serves itself is not
    /// waited for.
    pub(crate) async fn read<T>(
        &mut self,
        say: impl Fn(&str),
        mut read: impl AsyncFnMut() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        loop {
            let failure = match Box::pin(read()).await {
                Ok(read) => {
                    if self.outage.ends() {
                        say(&format!("{} can be read again", self.place.name()));
                    }
                    return Ok(read);
                }
                Err(failure) => failure,
            };
            let Failure::Environment { error, hint, passes } = failure else { return Err(failure) };
            if self.place.is_served_here() {
                return Err(Failure::Environment { error, hint, passes });
            }
            if !passes {
                return Err(self.lost(error, hint));
            }
            let is_first = !self.outage.is_on();
            let Some(pause) = self.outage.goes_on(Instant::now()) else { return Err(self.lost(error, hint)) };
            if is_first {
                let reason = one_line(&format!("{error:#}"));
                say(&format!(
                    "cannot read {} ({reason}), trying again; {} goes on",
                    self.place.name(),
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
        let told =
            format!("{id} could not be read{long}, and is left alone; {what} goes on without this command");
        // An endpoint that has ended executes nothing; AWS does whether it is seen or not.
        let ended = match (self.place.is_aws(), self.place.state_dir()) {
            (true, _) => String::new(),
            (false, Some(dir)) => {
                format!("; if the endpoint has ended, `rsqlflow local --state-dir {}` first", dir.display())
            }
            (false, None) => "; if the endpoint has ended, start it again first".to_owned(),
        };
        let hint = hint.map(|hint| format!("{hint}; then ")).unwrap_or_default();
        Failure::OutOfSight { error: error.context(told), hint: format!("{hint}{again}{ended}") }
    }
}

/// How often the tables are read: at most every 50 ms, and never so often that reading is most of the work.
const SHORTEST_READ_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_READ_PAUSE: Duration = Duration::from_secs(2);

/// Reads and tells what changes, until the run is closed.
///
/// # Errors
/// Where the tables cannot be read for long, or there is no such run.
pub(crate) async fn until_closed(
    store: &Store,
    id: &ExecutionId,
    mut steady: Steady<'_>,
    live: &Live<'_>,
) -> Result<RunView, Failure> {
    loop {
        let started = Instant::now();
        steady.look_at_disk(|line| live.say(line));
        let run = steady.read(|line| live.say(line), async || rows::read(store, id).await).await?;
        live.tell(&run.jobs);
        if run.workflow.execution_status.is_closed() {
            return Ok(run);
        }
        tokio::time::sleep((started.elapsed() * 10).clamp(SHORTEST_READ_PAUSE, LONGEST_READ_PAUSE)).await;
    }
}

/// Failures one after the other, without a clock of its own.
#[derive(Debug, Default)]
struct Outage {
    since: Option<Instant>,
    last_pause: Option<Duration>,
}

impl Outage {
    const fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// After a failure: how long to wait before the next try; `None` where it has been tried for long enough.
    fn goes_on(&mut self, now: Instant) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        let pause = self.last_pause.map_or(FIRST_PAUSE, |last| (last * 2).min(LONGEST_PAUSE));
        self.last_pause = Some(pause);
        (now.duration_since(since) < PATIENCE).then_some(pause)
    }

    /// How long it lasts, in seconds; `None` where it has only begun.
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
    fn a_minute_of_failures_is_waited_for_and_each_outage_has_its_own() {
        let mut outage = Outage::default();
        assert!(!outage.ends(), "nothing has failed");
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        while let Some(pause) = outage.goes_on(now) {
            pauses.push(pause.as_secs());
            now += pause;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 8, 8, 8, 8, 8, 8]);
        assert!(pauses.iter().sum::<u64>() >= PATIENCE.as_secs());
        assert!(outage.ends() && !outage.is_on());
        assert_eq!(outage.goes_on(now), Some(FIRST_PAUSE), "the next one");
    }

    #[test]
    fn what_is_told_of_an_outage_is_how_long_it_was() {
        let (mut outage, now) = (Outage::default(), Instant::now());
        assert_eq!(outage.seconds(now), None, "what waiting does not mend is told at once");
        outage.goes_on(now);
        assert_eq!(outage.seconds(now), None);
        assert_eq!(outage.seconds(now + Duration::from_millis(2_900)), Some(2));
        outage.ends();
        assert_eq!(outage.seconds(now + PATIENCE), None);
    }
}
