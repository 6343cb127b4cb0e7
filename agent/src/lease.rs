//! The lease of a claimed job, as pure state: every time is a parameter.
//!
//! The lease starts with the *first sending* of the last acknowledged claim or renewal. A renewal without an answer does not
//! count, because it may not have reached the row.

use std::time::Duration;

use rsqlflow_core::JobTimes;

use crate::clock::BootTime;

/// When a script must be stopped, and when it must be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// SIGTERM.
    pub term_at: BootTime,
    /// SIGKILL.
    pub kill_at: BootTime,
}

/// Reserve between SIGKILL and the end of the lease, in which the kernel ends the processes.
fn kill_margin(lease: Duration) -> Duration {
    (lease / 20).min(Duration::from_millis(500))
}

/// Why a script must not continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapse {
    /// No renewal was acknowledged in time: others may soon consider the agent lost.
    LeaseRunsOut,
    /// No token was accepted for three heartbeats: the workflow no longer waits.
    NobodyWaits,
}

/// The lease of one claimed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    times: JobTimes,
    runs_from: BootTime,
    token_accepted: BootTime,
    renew_at: BootTime,
}

impl Lease {
    /// After an acknowledged claim. `sent` is its first sending, `token_accepted` the time of the accepted heartbeat before it.
    /// `jitter` from 0 to 1 spreads the renewals of agents that started at the same time.
    #[must_use]
    pub fn claimed(times: JobTimes, sent: BootTime, token_accepted: BootTime, jitter: f64) -> Self {
        let mut lease = Self { times, runs_from: sent, token_accepted, renew_at: sent };
        lease.renewed(sent, jitter);
        lease
    }

    /// After an acknowledged renewal with the first sending `sent`.
    pub fn renewed(&mut self, sent: BootTime, jitter: f64) {
        // A delayed answer must not shorten a later lease.
        self.runs_from = self.runs_from.max(sent);
        self.renew_at = self.runs_from.plus(self.times.renewal_period.mul_f64(spread(jitter)));
    }

    /// After a renewal that failed at `now`: the next one is earlier, while there is time.
    pub fn renewal_failed(&mut self, now: BootTime, jitter: f64) {
        self.renew_at = now.plus((self.times.renewal_period / 5).mul_f64(spread(jitter)));
    }

    /// The row requires the next renewal at once. An early renewal is harmless.
    pub fn hasten(&mut self, now: BootTime) {
        self.renew_at = self.renew_at.min(now);
    }

    /// After an accepted heartbeat that was sent at `sent`.
    pub fn token_accepted(&mut self, sent: BootTime) {
        self.token_accepted = self.token_accepted.max(sent);
    }

    /// First sending of the last acknowledged claim or renewal.
    #[must_use]
    pub const fn runs_from(&self) -> BootTime {
        self.runs_from
    }

    /// Sending of the last accepted heartbeat.
    #[must_use]
    pub const fn token_accepted_at(&self) -> BootTime {
        self.token_accepted
    }

    /// When the next renewal is due.
    #[must_use]
    pub const fn renew_at(&self) -> BootTime {
        self.renew_at
    }

    /// When the lease ends without a renewal.
    #[must_use]
    pub fn ends_at(&self) -> BootTime {
        self.runs_from.plus(self.times.lease)
    }

    /// The deadline for the guard: SIGTERM early enough for the grace period and SIGKILL before the end.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        let kill_at = self.ends_at().minus(kill_margin(self.times.lease));
        Deadline { term_at: kill_at.minus(self.times.stop_grace).max(self.runs_from), kill_at }
    }

    /// When [`Self::lapse`] will first have a result, without renewals or heartbeats.
    #[must_use]
    pub fn lapses_at(&self) -> BootTime {
        self.deadline().term_at.min(self.token_accepted.plus(self.times.token_patience))
    }

    /// Whether the script has to be stopped now.
    #[must_use]
    pub fn lapse(&self, now: BootTime) -> Option<Lapse> {
        if now >= self.deadline().term_at {
            Some(Lapse::LeaseRunsOut)
        } else if now >= self.token_accepted.plus(self.times.token_patience) {
            Some(Lapse::NobodyWaits)
        } else {
            None
        }
    }
}

/// From 80 to 100 percent: never later than the period, on which the other times depend.
fn spread(jitter: f64) -> f64 {
    0.8 + 0.2 * jitter.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rsqlflow_core::{Seconds, Timing};

    fn at(millis: u64) -> BootTime {
        BootTime::from_duration(Duration::from_millis(millis))
    }

    fn times() -> JobTimes {
        JobTimes::new(&Timing::default(), Seconds::saturating(180))
    }

    #[test]
    fn the_default_job_stops_ten_and_a_half_seconds_before_its_lease_ends() {
        let lease = Lease::claimed(times(), at(0), at(0), 1.0);
        assert_eq!(lease.ends_at(), at(175_000));
        assert_eq!(lease.deadline(), Deadline { term_at: at(164_500), kill_at: at(174_500) });
        assert_eq!(lease.renew_at(), at(60_000));
        assert_eq!(lease.lapse(at(164_499)), None);
        assert_eq!(lease.lapse(at(164_500)), Some(Lapse::LeaseRunsOut));
    }

    #[test]
    fn the_lease_runs_from_the_sending_and_not_from_the_answer() {
        let mut lease = Lease::claimed(times(), at(0), at(0), 0.0);
        lease.renewed(at(50_000), 0.0);
        assert_eq!(lease.ends_at(), at(225_000));
        lease.renewed(at(40_000), 0.0);
        assert_eq!(lease.ends_at(), at(225_000), "an overtaken answer changes nothing");
        lease.renewal_failed(at(98_000), 0.0);
        assert_eq!(lease.ends_at(), at(225_000), "a failed renewal changes nothing");
        assert_eq!(lease.renew_at(), at(107_600));
    }

    #[test]
    fn a_renewal_can_be_hastened_and_not_put_off() {
        let mut lease = Lease::claimed(times(), at(0), at(0), 1.0);
        let ends = lease.ends_at();
        lease.hasten(at(7_000));
        lease.hasten(at(9_000));
        assert_eq!((lease.renew_at(), lease.ends_at()), (at(7_000), ends));
    }

    #[test]
    fn three_heartbeats_without_a_token_end_it_though_the_row_is_renewed() {
        let mut lease = Lease::claimed(times(), at(0), at(0), 0.0);
        for second in (0..600).step_by(50) {
            lease.renewed(at(second * 1000), 0.0);
        }
        assert_eq!(lease.lapse(at(539_999)), None);
        assert_eq!(lease.lapse(at(540_000)), Some(Lapse::NobodyWaits));
        lease.token_accepted(at(539_000));
        assert_eq!(lease.lapse(at(540_000)), None);
    }

    proptest! {
        #[test]
        fn whatever_fits_a_deployment_can_be_renewed_and_stopped_in_time(
            heartbeat in 1u64..90_000, grace in 0u64..60, margin in 0u64..60, latency in 0u64..60, jitter in 0.0f64..1.0,
        ) {
            let timing = Timing {
                stop_grace: Duration::from_secs(grace),
                clock_margin: Duration::from_secs(margin),
                renewal_latency: Duration::from_secs(latency),
                ..Timing::default()
            };
            let heartbeat = Seconds::saturating(heartbeat);
            prop_assume!(timing.accept(heartbeat).is_ok());
            let lease = Lease::claimed(JobTimes::new(&timing, heartbeat), at(5), at(5), jitter);
            let Deadline { term_at, kill_at } = lease.deadline();
            prop_assert!(lease.renew_at() < term_at);
            prop_assert!(lease.renew_at() > at(5));
            prop_assert!(term_at <= kill_at && kill_at < lease.ends_at());
            prop_assert_eq!(kill_at.since(term_at), timing.stop_grace);
            prop_assert_eq!(lease.lapse(lease.lapses_at().minus(Duration::from_nanos(1))), None);
            prop_assert!(lease.lapse(lease.lapses_at()).is_some());
        }
    }
}
