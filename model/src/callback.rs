//! What the state machine hears, and what it waits for in vain.

use rsqlflow_core::protocol::JobStatus;

use crate::properties::Broken;
use crate::protocol::Protocol;
use crate::state::{Machine, Try, World};

impl Protocol {
    /// `SendTaskSuccess` or `SendTaskFailure`. On a token that nobody waits on any more it does nothing.
    pub(crate) fn tell(&self, world: &mut World, token: Try, status: JobStatus) {
        if !world.machine.waits_on(token) {
            return;
        }
        if world.row.status != status {
            world.seen.broken.add(Broken::FALSE_REPORT);
        }
        world.seen.waited = world.now;
        world.machine = Machine::Told(status);
    }
}

/// A try whose token the row held, and whose agent lived and worked, ought to have been kept alive or answered.
pub(crate) fn judge_missed_heartbeat(world: &mut World, token: Try) {
    let seen = &mut world.seen;
    let reached = seen.stored & (1 << token) != 0;
    let row = &world.row;
    let in_its_hands = row.owner.is_some() && row.status != JobStatus::Triggered;
    if reached && in_its_hands && !seen.agent_fault && !seen.call_delayed {
        seen.broken.add(Broken::STARVED);
    }
}
