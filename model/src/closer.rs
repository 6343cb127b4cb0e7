//! The closer, and the sweeper that comes when the closer does not: reads, then decides and writes, until the
//! row is closed. Then the lock is released.

use rsqlflow_core::protocol::closer::{Step, decide};
use rsqlflow_core::protocol::{Change, JobStatus};

use crate::bounds::timestamp;
use crate::protocol::Protocol;
use crate::state::{Closer, World};

/// Whether the closer has anything to do at this moment.
pub(crate) fn can_look(world: &World) -> bool {
    match &world.closer {
        Closer::Idle(not_before) => *not_before <= world.now,
        Closer::HasRead(_) => true,
        Closer::Released => false,
    }
}

pub(crate) fn step(protocol: &Protocol, world: &mut World) {
    let Closer::HasRead(row) = &world.closer else {
        world.closer = Closer::HasRead(world.row.clone());
        return;
    };
    let now = timestamp(world.now + protocol.bounds.skew);
    let unclaimed = matches!(row.status, JobStatus::Pending | JobStatus::Triggered);
    if unclaimed && !protocol.rules.unclaimed_rows_closed {
        world.closer = Closer::Released;
        return;
    }
    let step = match decide(row, "the execution is over", protocol.bounds.patience_millis(), now) {
        Step::Wait if !protocol.rules.seen_kept_while_unmoved => {
            Step::Write(Change::Observe { attempt: row.attempt, beat: row.beat, at: now })
        }
        step => step,
    };
    world.closer = match step {
        Step::Closed => Closer::Released,
        // Later is at the next tick.
        Step::Wait => Closer::Idle(world.now + 1),
        Step::Write(change) => {
            let looks_later = matches!(change, Change::Observe { .. } | Change::RequestCancel);
            let written = protocol.write(world, &change);
            if written.is_ok() && !protocol.rules.lock_waits_for_rows {
                Closer::Released
            } else if written.is_ok() && looks_later && !protocol.rules.seen_kept_while_unmoved {
                Closer::Idle(world.now + 1)
            } else {
                Closer::Idle(world.now)
            }
        }
    };
}
