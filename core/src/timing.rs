//! The deployment's times, and the inequalities that make "once, and only once" hold.
//!
//! A job's *heartbeat* is `HeartbeatSeconds` of its waiting task. Step Functions counts it from the start of the
//! task, so the first one must also cover the Lambda function, delivery by SSM and the agent's start (Step
//! Functions developer guide, "Task workflow state"). Everything else is derived from it here, once, and stands in
//! the job's row ([`JobTimes`]), so that launcher and agent cannot differ.

mod job_times;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Seconds;
use crate::duration::show_duration;

pub use job_times::JobTimes;

/// Times of a deployment, the same for all its workflows. Serialised in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// Timeout of the launcher, `rsql-invoke`; the other functions have nobody's heartbeat to keep, and more time.
    /// Default 20 s.
    #[serde(with = "millis")]
    pub lambda_timeout: Duration,
    /// Least time that SSM is given to deliver a command. Default 30 s, the least that `SendCommand` takes as
    /// `TimeoutSeconds` (Systems Manager API reference).
    #[serde(with = "millis")]
    pub ssm_delivery: Duration,
    /// Longest time from delivery to the agent's first heartbeat. Default 5 s.
    #[serde(with = "millis")]
    pub agent_start: Duration,
    /// How much earlier than its heartbeat a lease ends; clocks of launchers may differ by as much. Default 5 s.
    #[serde(with = "millis")]
    pub clock_margin: Duration,
    /// From SIGTERM to SIGKILL when a script is stopped. Default 10 s.
    #[serde(with = "millis")]
    pub stop_grace: Duration,
    /// Longest time of one renewal, after which the agent gives the call up. Default 5 s.
    #[serde(with = "millis")]
    pub renewal_latency: Duration,
    /// Longest delay between two tries of a waiting task: `MaxDelaySeconds` of its Retry. Default 60 s.
    #[serde(with = "millis")]
    pub machine_retry_delay: Duration,
    /// How long a job may queue on a full instance. Default 24 h.
    #[serde(with = "millis")]
    pub queueing: Duration,
}

/// How often an agent looks whether its job is to be cancelled, unless it is configured otherwise (`cancel_poll`). No
/// promise rests on it: without a look, its next renewal tells the agent. Default 5 s.
pub const CANCEL_POLL: Duration = Duration::from_secs(5);

/// How long an agent keeps the local log of a job after its last line, unless it is configured otherwise
/// (`log_retention`). Default 30 days.
pub const LOCAL_LOG_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

impl Default for Timing {
    fn default() -> Self {
        Self {
            lambda_timeout: Duration::from_secs(20),
            ssm_delivery: Duration::from_secs(30),
            agent_start: Duration::from_secs(5),
            clock_margin: Duration::from_secs(5),
            stop_grace: Duration::from_secs(10),
            renewal_latency: Duration::from_secs(5),
            machine_retry_delay: Duration::from_secs(60),
            queueing: Duration::from_secs(24 * 3600),
        }
    }
}

impl Timing {
    /// Times of the embedded endpoint: no cold start and no network, so heartbeats from 6 s are allowed.
    #[must_use]
    pub fn single_machine() -> Self {
        let second = Duration::from_secs(1);
        Self {
            // Loopback is quick, but two processors may be busy with forty scripts.
            lambda_timeout: 2 * second,
            ssm_delivery: second,
            agent_start: second,
            clock_margin: second,
            stop_grace: second,
            renewal_latency: second,
            machine_retry_delay: 5 * second,
            queueing: Duration::from_secs(24 * 3600),
        }
    }

    /// How long a job is the agent's after the first sending of the last acknowledged claim or renewal. Before
    /// it ends the script is gone, [`Self::stop_grace`] included.
    #[must_use]
    pub fn lease(&self, heartbeat: Seconds) -> Duration {
        heartbeat.as_duration().saturating_sub(self.clock_margin)
    }

    /// The longest life of the clock, which keeps the statements of the Redshift Data API: its function's timeout.
    #[must_use]
    pub fn clock_timeout(&self) -> Duration {
        self.lambda_timeout * 6
    }

    /// The heartbeat of a job that is a statement. No agent keeps its task alive but the clock, and with the tries that a
    /// task has, the clock may be away for more than an hour. Twice the clock's timeout and its period must fit into it
    /// (`docs/once.md`), so it is a multiple of that: 15 min on AWS.
    #[must_use]
    pub fn statement_heartbeat(&self) -> Seconds {
        Seconds::at_least(self.lambda_timeout * 45)
    }

    /// How long an unmoved `beat` must have been seen before its agent is lost: lease and margin.
    #[must_use]
    pub fn lost_after(&self, heartbeat: Seconds) -> Duration {
        self.lease(heartbeat) + self.clock_margin
    }

    /// How often the agent renews.
    #[must_use]
    pub fn renewal_period(&self, heartbeat: Seconds) -> Duration {
        heartbeat.as_duration() / 3
    }

    /// Without an accepted task token for so long, the agent stops its script.
    #[must_use]
    pub fn token_patience(&self, heartbeat: Seconds) -> Duration {
        heartbeat.as_duration() * 3
    }

    /// `TimeoutSeconds` of `SendCommand`: what SSM has to deliver the command.
    #[must_use]
    pub fn delivery_timeout(&self, heartbeat: Seconds) -> Seconds {
        Seconds::at_least(self.ssm_delivery.max(self.renewal_period(heartbeat)))
    }

    /// `TimeoutSeconds` of the job's waiting task: delivery, queueing, every try with its grace, and every delay
    /// between tries; at most [`Seconds::MAX`], and always more than the heartbeat, as the service demands.
    #[must_use]
    pub fn task_timeout(&self, heartbeat: Seconds, timeout: Seconds, retry: &RetryPolicy) -> Seconds {
        let total = self.uncapped_task_timeout(heartbeat, timeout, retry);
        Seconds::at_least(total).max(Seconds::saturating(u64::from(heartbeat.get()) + 1))
    }

    /// As [`Self::task_timeout`], without the cap: what a validation compares with the longest allowed.
    pub(crate) fn uncapped_task_timeout(
        &self,
        heartbeat: Seconds,
        timeout: Seconds,
        retry: &RetryPolicy,
    ) -> Duration {
        let tries = retry.retries.saturating_add(1);
        self.delivery_timeout(heartbeat)
            .as_duration()
            .saturating_add(self.queueing)
            .saturating_add((timeout.as_duration().saturating_add(self.stop_grace)).saturating_mul(tries))
            .saturating_add(retry.total_delay())
    }

    /// The inequalities that `heartbeat` breaks; none if it will do.
    #[must_use]
    pub fn check(&self, heartbeat: Seconds) -> Vec<Misfit> {
        let whole = heartbeat.as_duration();
        let third = self.renewal_period(heartbeat);
        let delivery = self.delivery_timeout(heartbeat).as_duration();
        let rules = [
            (
                Rule::FirstBeat,
                vec![
                    ("Lambda timeout", self.lambda_timeout),
                    ("SSM delivery", delivery),
                    ("agent start", self.agent_start),
                ],
                ("heartbeat", whole),
            ),
            (
                Rule::Adoption,
                vec![
                    ("Lambda timeout", self.lambda_timeout),
                    ("a third of the heartbeat", third),
                    ("renewal", self.renewal_latency),
                ],
                ("heartbeat", whole),
            ),
            (
                Rule::Lease,
                vec![
                    ("a third of the heartbeat", third),
                    ("renewal", self.renewal_latency),
                    ("stop grace", self.stop_grace),
                ],
                ("lease", self.lease(heartbeat)),
            ),
            (
                Rule::Patience,
                vec![
                    ("heartbeat", whole),
                    ("longest retry delay", self.machine_retry_delay),
                    ("Lambda timeout", self.lambda_timeout),
                    ("a third of the heartbeat", third),
                ],
                ("three heartbeats", self.token_patience(heartbeat)),
            ),
        ];
        rules
            .into_iter()
            .map(|(rule, parts, limit)| Misfit { rule, parts, limit })
            .filter(|misfit| misfit.sum() >= misfit.limit.1)
            .collect()
    }

    /// The shortest heartbeat without a misfit; `None` if not even the longest will do.
    #[must_use]
    pub fn smallest_heartbeat(&self) -> Option<Seconds> {
        // Every rule leaves the more room the longer the heartbeat, so the first that fits can be bisected.
        let (mut low, mut high) = (1, u64::from(Self::MAX_HEARTBEAT.get()));
        if !self.check(Self::MAX_HEARTBEAT).is_empty() {
            return None;
        }
        while low < high {
            let middle = u64::midpoint(low, high);
            if self.check(Seconds::saturating(middle)).is_empty() {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(Seconds::saturating(low))
    }

    /// The longest heartbeat: a lost agent that is noticed only after a day is as good as never noticed.
    pub const MAX_HEARTBEAT: Seconds = Seconds::saturating(24 * 3600);

    /// Whether `heartbeat` fits this deployment.
    ///
    /// # Errors
    /// [`HeartbeatTooShort`] says which times it does not cover, and the shortest that does.
    pub fn accept(&self, heartbeat: Seconds) -> Result<(), HeartbeatTooShort> {
        let misfits = self.check(heartbeat);
        if misfits.is_empty() {
            Ok(())
        } else {
            Err(HeartbeatTooShort { heartbeat, misfits, smallest: self.smallest_heartbeat() })
        }
    }
}

/// Which inequality a heartbeat breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The agent's first heartbeat arrives before the service gives the task up.
    FirstBeat,
    /// A launcher that stores a new token is followed by a renewal that adopts it, in time.
    Adoption,
    /// A renewal can succeed, or the script be stopped, before the lease ends.
    Lease,
    /// The agent outwaits the machine's longest pause between two tokens.
    Patience,
}

/// One broken inequality: the parts must add up to less than the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Which one.
    pub rule: Rule,
    /// The parts, each with its name.
    pub parts: Vec<(&'static str, Duration)>,
    /// What they must stay below, with its name.
    pub limit: (&'static str, Duration),
}

impl Misfit {
    fn sum(&self) -> Duration {
        self.parts.iter().fold(Duration::ZERO, |sum, (_, part)| sum.saturating_add(*part))
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, part)) in self.parts.iter().enumerate() {
            let plus = if i > 0 { " + " } else { "" };
            write!(f, "{plus}{name} {}", show_duration(*part))?;
        }
        let (name, limit) = self.limit;
        write!(f, " = {} must be less than the {name} of {}", show_duration(self.sum()), show_duration(limit))
    }
}

/// A heartbeat that does not fit the deployment's times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatTooShort {
    /// The heartbeat.
    pub heartbeat: Seconds,
    /// The inequalities it breaks; at least one.
    pub misfits: Vec<Misfit>,
    /// The shortest that would do, if any.
    pub smallest: Option<Seconds>,
}

impl HeartbeatTooShort {
    fn on_one_machine() -> Option<Seconds> {
        Timing::single_machine().smallest_heartbeat()
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self.smallest {
            Some(smallest) => {
                let one_machine = Self::on_one_machine().filter(|other| *other < smallest);
                let there =
                    one_machine.map(|other| format!("; `rsqlflow run`, on one machine, takes {other}"));
                format!(
                    "the shortest heartbeat for this deployment is {smallest}{}",
                    there.unwrap_or_default()
                )
            }
            None => "no heartbeat fits this deployment's times; lower them first".to_owned(),
        }
    }
}

impl fmt::Display for HeartbeatTooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One reason is enough to read; the hint satisfies them all.
        write!(f, "{} is too short", self.heartbeat)?;
        match self.misfits.first() {
            Some(misfit) => write!(f, ": {misfit}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for HeartbeatTooShort {}

/// When a failed script runs again: data that yields delays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Reruns after the first try.
    pub retries: u32,
    /// Delay before the first rerun.
    pub delay: Seconds,
    /// By which each further delay is longer than the one before; at least 1.
    pub backoff: f64,
}

impl RetryPolicy {
    /// The delay before rerun `retry`, counted from 1; `None` when there is no such rerun.
    #[must_use]
    pub fn delay_before(&self, retry: u32) -> Option<Duration> {
        if retry == 0 || retry > self.retries {
            return None;
        }
        let exponent = i32::try_from(retry - 1).unwrap_or(i32::MAX);
        let millis = f64::from(self.delay.get()) * 1000.0 * self.backoff.powi(exponent);
        // `as` saturates: an overflow to infinity becomes the cap. Whole milliseconds, so that nobody rounds twice.
        let millis = (millis as u64).min(u64::from(Seconds::MAX.get()) * 1000);
        Some(Duration::from_millis(millis))
    }

    /// All delays together.
    #[must_use]
    pub fn total_delay(&self) -> Duration {
        (1..=self.retries)
            .filter_map(|retry| self.delay_before(retry))
            .fold(Duration::ZERO, Duration::saturating_add)
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests;
