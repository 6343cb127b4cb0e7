//! The Data API: statements accepted, remembered, described, listed, cancelled.

use rsqlflow_core::StatementId;
use rsqlflow_core::protocol::keeper::{Description, Ended};

use super::model::Kept;
use super::properties::Broken;
use super::world::{Stands, Statement, World, id, place};
use crate::bounds::timestamp;

impl Kept {
    /// A sending arrives: the statement of its `ClientToken`, which may be there already.
    pub(super) fn accept(&self, world: &mut World, key: u32, attempt: u32) -> StatementId {
        let remembered = |s: &Statement| s.key == key && world.now < s.created + self.bounds.token_memory;
        if let Some(known) = world.statements.iter().position(remembered) {
            return id(known);
        }
        if world.statements.iter().any(|s| s.attempt == attempt) {
            world.seen.broken.add(Broken::TWICE);
        }
        if world.statements.iter().any(|s| s.stands == Stands::Finished) {
            world.seen.broken.add(Broken::AGAIN);
        }
        world.statements.push(Statement {
            key,
            attempt,
            created: world.now,
            end: world.now + self.bounds.work,
            cancelling: false,
            stands: Stands::Open,
        });
        id(world.statements.len() - 1)
    }

    pub(super) fn describe(&self, world: &World, statement: &StatementId) -> Description {
        let Some(found) = place(statement).and_then(|i| world.statements.get(i)) else {
            return Description::Unknown;
        };
        let created = timestamp(found.created);
        let ended = |how| Description::Ended { how, created, at: timestamp(found.end) };
        match found.stands {
            Stands::Open => Description::Open { created },
            _ if world.now >= found.end + self.bounds.longest => Description::Unknown,
            Stands::Finished => ended(Ended::Finished),
            Stands::Failed => ended(Ended::Failed("failed".to_owned())),
            Stands::Aborted => ended(Ended::Aborted(None)),
        }
    }

    /// The statement of that attempt, if the list shows it.
    pub(super) fn list(&self, world: &World, attempt: u32) -> Option<StatementId> {
        if !self.rules.whole_name_compared {
            // Another job's, whose name begins with this one's.
            return Some(StatementId::new("another"));
        }
        let shown = |s: &Statement| {
            s.attempt == attempt
                && world.now >= s.created + self.bounds.list_lag
                && world.now < s.created + self.bounds.longest
        };
        world.statements.iter().position(shown).filter(|_| self.rules.same_role).map(id)
    }
}

/// Asks for a cancel. The statement may end as it likes all the same, but soon.
pub(super) fn cancel(world: &mut World, statement: u8) {
    let soon = world.now + 1;
    if let Some(found) = world.statements.get_mut(usize::from(statement))
        && found.stands == Stands::Open
    {
        found.cancelling = true;
        found.end = found.end.min(soon);
    }
}
