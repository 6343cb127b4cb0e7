//! The times of the worlds: as short as the deployment's rules let them be.

use std::time::Duration;

use rsqlflow_core::{Seconds, Timing};

/// The heartbeat of every job, in seconds. With [`timing`] it is about the shortest.
pub const HEARTBEAT: u32 = 8;

/// Longer than a call's patience, shorter than the time from a renewal to the end of its lease.
pub const SHORT: Duration = Duration::from_secs(2);

/// Longer than a lease.
pub const LONG: Duration = Duration::from_secs(9);

/// Longer than two heartbeats and the pauses between three tries: by then another attempt is at work.
pub const OVERTAKEN: Duration = Duration::from_secs(24);

/// What the scripts of the shape `slow` take, in milliseconds: as long, so that two attempts could meet.
pub const SLOW_MILLIS: u32 = 34_000;

/// How long a run may take, whatever befalls it.
pub const BOUND: Duration = Duration::from_secs(240);

/// How long what a run left may take to be gone.
pub const AFTERWARDS: Duration = Duration::from_secs(40);

/// How often the clock runs.
pub const SWEEP: Duration = Duration::from_secs(4);

/// How often an instance runs `flush`, which the package's timer does.
pub const FLUSH: Duration = Duration::from_secs(5);

/// Those of the embedded endpoint, with a launcher that has more time: this machine is busy.
pub fn timing() -> Timing {
    let timing = Timing { lambda_timeout: Duration::from_millis(3_500), ..Timing::single_machine() };
    assert!(timing.accept(Seconds::saturating(u64::from(HEARTBEAT))).is_ok(), "the times fit together");
    timing
}
