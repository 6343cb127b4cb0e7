//! The closer, and the sweeper that comes when or before it is done: each reads, then decides and
//! writes, until the row is closed. Then the lock is released.

use rsqlflow_core::protocol::closer::{Reason, Step, decide};
use rsqlflow_core::protocol::{Change, JobState, JobStatus};

use crate::bounds::timestamp;
use crate::protocol::{Action, Protocol};
use crate::state::{Closer, World};

pub(crate) fn actions(world: &World, actions: &mut Vec<Action>) {
    if !world.machine.is_over() || world.has_ended() {
        return;
    }
    for (i, closer) in world.closers.iter().enumerate() {
        // Two that stand at the same point are one.
        let another = world.closers.iter().take(i).any(|other| other == closer);
        let waits = matches!(closer, Closer::Idle(later) if *later > world.now);
        if !another && !waits {
            actions.push(Action::Closer(i));
        }
    }
}

pub(crate) fn step(protocol: &Protocol, world: &mut World, i: usize) -> Option<()> {
    let next = match world.closers.get(i)?.clone() {
        Closer::Idle(_) => Closer::HasRead(world.row.clone()),
        Closer::HasRead(row) => has_read(protocol, world, &row),
        Closer::Released => return None,
    };
    world.closers[i] = next;
    Some(())
}

fn has_read(protocol: &Protocol, world: &mut World, row: &JobState) -> Closer {
    let now = timestamp(world.now + protocol.bounds.skew);
    let unclaimed = matches!(row.status, JobStatus::Pending | JobStatus::Triggered);
    if unclaimed && !protocol.rules.unclaimed_rows_closed {
        return Closer::Released;
    }
    let step =
        match decide(row, Reason::Over, "the execution is over", protocol.bounds.patience_millis(), now) {
            Step::Wait if !protocol.rules.seen_kept_while_unmoved => {
                Step::Write(Change::Observe { attempt: row.attempt, beat: row.beat, at: now })
            }
            step => step,
        };
    match step {
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
                Closer::Idle(0)
            }
        }
    }
}
