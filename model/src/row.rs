//! Writes: the real transition function, with the rules that a check takes away, and an observer.

use std::sync::Arc;

use rsqlflow_core::protocol::{Change, JobState};

use crate::properties::Broken;
use crate::protocol::Protocol;
use crate::state::{World, try_of};

impl Protocol {
    /// Makes a change. `Ok` is the row after it, also where the change is recognised as made before.
    ///
    /// # Errors
    /// The row as it is, which refused the change.
    pub(crate) fn write(&self, world: &mut World, change: &Change) -> Result<Arc<JobState>, Arc<JobState>> {
        let change = self.weakened(&world.row, change);
        let view = self.view(&world.row, &change);
        let Ok(mut next) = change.apply(&view) else {
            return if self.recognises(&change) && change.is_already_in(&world.row) {
                observe_stored(world, &change);
                Ok(world.row.clone())
            } else {
                Err(world.row.clone())
            };
        };
        next.cancel_requested |= world.row.cancel_requested;
        if next.token_entered.is_none() {
            next.token_entered = world.row.token_entered;
        }
        if !self.rules.beat_never_restarts && matches!(change, Change::Claim { .. }) {
            next.beat = 1;
        }
        if world.row.status.is_closed() {
            world.seen.broken.add(Broken::REOPENED);
        }
        if matches!(change, Change::Claim { .. }) && world.row.cancel_requested {
            world.seen.broken.add(Broken::CANCELLED_CLAIM);
        }
        if matches!(change, Change::CloseLost { .. } | Change::Rerun { .. }) && !world.seen.agent_fault {
            world.seen.broken.add(Broken::LOST_FOR_NOTHING);
        }
        observe_stored(world, &change);
        world.row = Arc::new(next);
        Ok(world.row.clone())
    }

    fn recognises(&self, change: &Change) -> bool {
        match change {
            Change::Claim { .. } => self.rules.own_claim_recognised,
            Change::Close { .. } => self.rules.own_close_recognised,
            Change::Launch { .. } | Change::Rerun { .. } => self.rules.own_launch_recognised,
            _ => true,
        }
    }

    /// The change without the conditions whose rules are off.
    fn weakened(&self, row: &JobState, change: &Change) -> Change {
        let mut change = change.clone();
        match &mut change {
            Change::Claim { attempt, .. } if !self.rules.attempt_in_claim => *attempt = row.attempt,
            Change::Rerun { beat, .. } | Change::CloseLost { beat, .. }
                if !self.rules.takeover_needs_beat =>
            {
                *beat = row.beat;
            }
            _ => {}
        }
        change
    }

    /// The row without the columns that the rules which are off would have looked at.
    pub(crate) fn view(&self, row: &JobState, change: &Change) -> JobState {
        let mut view = row.clone();
        if !self.rules.newer_token_kept {
            view.token_entered = None;
        }
        if !self.rules.cancel_bars_claim && matches!(change, Change::Claim { .. }) {
            view.cancel_requested = false;
        }
        view
    }
}

fn observe_stored(world: &mut World, change: &Change) {
    if let Change::Launch { reply, .. } | Change::Readdress { reply, .. } | Change::Rerun { reply, .. } =
        change
    {
        world.seen.stored |= 1 << try_of(reply);
    }
}
