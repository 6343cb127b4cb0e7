//! The times of one job, as its row holds them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Misfit, Rule, Timing};
use crate::Seconds;

/// The times that launcher, agent and closer of one job must agree on. They are derived once, from the deployment's
/// times and the job's heartbeat, and stand in the job's row from hand-out on. All are spans.
///
/// Serialised as a list of milliseconds in the order of the fields. Every renewal writes the row, and DynamoDB counts the
/// names of a map's members: with them a plain job's row would be larger than 1 KB, and each write cost two units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u64; 6]", into = "[u64; 6]")]
pub struct JobTimes {
    /// How long the script may run after the first sending of the last acknowledged claim or renewal. Before it ends
    /// the script is gone, [`Self::stop_grace`] included.
    pub lease: Duration,
    /// By how much clocks of launchers may differ.
    pub clock_margin: Duration,
    /// The longest pause between two renewals.
    pub renewal_period: Duration,
    /// The longest time of one renewal, after which the agent gives the call up.
    pub renewal_latency: Duration,
    /// The longest time without an accepted task token.
    pub token_patience: Duration,
    /// From SIGTERM to SIGKILL.
    pub stop_grace: Duration,
}

impl From<[u64; 6]> for JobTimes {
    fn from(millis: [u64; 6]) -> Self {
        let [lease, clock_margin, renewal_period, renewal_latency, token_patience, stop_grace] =
            millis.map(Duration::from_millis);
        Self { lease, clock_margin, renewal_period, renewal_latency, token_patience, stop_grace }
    }
}

impl From<JobTimes> for [u64; 6] {
    fn from(times: JobTimes) -> Self {
        let JobTimes { lease, clock_margin, renewal_period, renewal_latency, token_patience, stop_grace } =
            times;
        [lease, clock_margin, renewal_period, renewal_latency, token_patience, stop_grace].map(millis)
    }
}

impl JobTimes {
    /// For a job with this heartbeat, in a deployment with these times.
    #[must_use]
    pub fn new(timing: &Timing, heartbeat: Seconds) -> Self {
        Self {
            lease: timing.lease(heartbeat),
            clock_margin: timing.clock_margin,
            // In whole milliseconds, as a row holds it.
            renewal_period: whole_millis(timing.renewal_period(heartbeat)),
            renewal_latency: timing.renewal_latency,
            token_patience: timing.token_patience(heartbeat),
            stop_grace: timing.stop_grace,
        }
    }

    /// For a row that was handed out before rows held times. A heartbeat that is too short for the default times was
    /// accepted by an embedded endpoint, so that job has the embedded endpoint's times.
    #[must_use]
    pub fn of_older_row(heartbeat: Seconds) -> Self {
        let usual = Self::new(&Timing::default(), heartbeat);
        match usual.misfit() {
            None => usual,
            Some(_) => Self::new(&Timing::single_machine(), heartbeat),
        }
    }

    /// How long an unmoved `beat` must have been seen before its agent is lost.
    #[must_use]
    pub fn lost_after(&self) -> Duration {
        self.lease.saturating_add(self.clock_margin)
    }

    /// Why a script cannot be renewed, or stopped, within this lease; `None` if it can.
    #[must_use]
    pub fn misfit(&self) -> Option<Misfit> {
        let parts = vec![
            ("renewal period", self.renewal_period),
            ("renewal", self.renewal_latency),
            ("stop grace", self.stop_grace),
        ];
        let misfit = Misfit { rule: Rule::Lease, parts, limit: ("lease", self.lease) };
        (misfit.sum() >= misfit.limit.1).then_some(misfit)
    }
}

fn whole_millis(duration: Duration) -> Duration {
    Duration::from_millis(millis(duration))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn they_are_kept_as_a_list_of_milliseconds() {
        let times = JobTimes::new(&Timing::default(), Seconds::saturating(180));
        let json = serde_json::to_value(times).unwrap();
        assert_eq!(json, serde_json::json!([175_000, 5_000, 60_000, 5_000, 540_000, 10_000]));
        assert_eq!(serde_json::from_value::<JobTimes>(json).unwrap(), times);
    }

    #[test]
    fn an_older_row_has_the_times_under_which_its_heartbeat_was_accepted() {
        let (short, long) = (Seconds::saturating(6), Seconds::saturating(60));
        assert_eq!(JobTimes::of_older_row(long), JobTimes::new(&Timing::default(), long));
        assert_eq!(JobTimes::of_older_row(short), JobTimes::new(&Timing::single_machine(), short));
        assert_eq!(JobTimes::of_older_row(short).misfit(), None);
    }

    proptest! {
        #[test]
        fn what_a_deployment_accepts_can_be_renewed_and_stopped(heartbeat in 1u64..90_000) {
            let heartbeat = Seconds::saturating(heartbeat);
            for timing in [Timing::default(), Timing::single_machine()] {
                if timing.accept(heartbeat).is_ok() {
                    let times = JobTimes::new(&timing, heartbeat);
                    prop_assert_eq!(times.misfit(), None);
                    prop_assert_eq!(times.lost_after(), timing.lost_after(heartbeat));
                    prop_assert_eq!(JobTimes::of_older_row(heartbeat).misfit(), None);
                }
            }
        }
    }
}
