//! The two clocks: one for deadlines, one for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use rsqlflow_core::Timestamp;

/// A moment on `CLOCK_BOOTTIME`, in nanoseconds since the machine started.
///
/// Leases are measured on it because it also counts while the machine is suspended (clock_gettime(2)): to the
/// rest of the world a suspended machine is as silent as a dead one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootTime(u64);

impl BootTime {
    /// Now. Should the clock ever fail, it is the end of time, when every lease is over.
    #[must_use]
    pub fn now() -> Self {
        clock_gettime(ClockId::CLOCK_BOOTTIME)
            .map_or(Self(u64::MAX), |time| Self::from_duration(Duration::from(time)))
    }

    /// So many nanoseconds after the machine's start.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds after the machine's start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// So long after the machine's start.
    #[must_use]
    pub fn from_duration(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }

    /// So much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(Self::from_duration(duration).0))
    }

    /// So much earlier, but not before the machine's start.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(Self::from_duration(duration).0))
    }

    /// From `earlier` to this; zero if it is the other way round.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The time of day, as the tables hold it.
#[must_use]
pub fn wall_clock() -> Timestamp {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    };
    Timestamp::from_millis(millis)
}
