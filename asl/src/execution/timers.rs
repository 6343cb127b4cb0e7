//! Timers, in the order they are due.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::api::TaskId;
use super::state::BranchId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// TimeoutSeconds of the machine.
    Execution,
    /// A Wait state has ended.
    Wake(BranchId),
    /// A retrier's delay has ended.
    Retry(BranchId),
    TaskTimeout(TaskId),
    Heartbeat(TaskId),
}

/// Identifies a timer. Timers that are due at the same time fire in the order in which they were set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerKey {
    due: Timestamp,
    sequence: u64,
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    set: BTreeMap<TimerKey, Timer>,
    sequence: u64,
}

impl Timers {
    pub(super) fn set(&mut self, due: Timestamp, timer: Timer) -> TimerKey {
        self.sequence += 1;
        let key = TimerKey { due, sequence: self.sequence };
        self.set.insert(key, timer);
        key
    }

    pub(super) fn cancel(&mut self, key: TimerKey) {
        self.set.remove(&key);
    }

    pub(super) fn clear(&mut self) {
        self.set.clear();
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.set.keys().next().map(|key| key.due)
    }

    /// Takes the first timer that is due.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<Timer> {
        let entry = self.set.first_entry()?;
        (entry.key().due <= now).then(|| entry.remove())
    }
}

/// `now` plus seconds, never beyond what a timestamp can hold.
pub(super) fn after_seconds(now: Timestamp, seconds: i64) -> Timestamp {
    after_ms(now, seconds.saturating_mul(1000))
}

/// As `after_seconds`, in milliseconds.
pub(super) fn after_ms(now: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_millisecond(now.as_millisecond().saturating_add(ms)).unwrap_or(Timestamp::MAX)
}
