//! A second look at the same graph, for what stateright does not say: that no step leads back, and what the
//! bounds reach at all.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rsqlflow_core::protocol::JobStatus;
use stateright::Model as _;

use crate::protocol::Protocol;
use crate::state::{Machine, World};

/// What the bounds reach.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    /// Worlds.
    pub states: usize,
    /// Whether some step leads back to a world on the way to it.
    pub cycle: bool,
    /// The row's statuses in ended runs.
    pub ends: BTreeSet<JobStatus>,
    /// What the machine was told.
    pub told: BTreeSet<JobStatus>,
    /// Whether the machine gave up.
    pub exhausted: bool,
    /// Attempts in which a script ran.
    pub ran: BTreeSet<u32>,
    /// The latest moment.
    pub latest: u8,
}

struct Frame {
    at: u64,
    next: Vec<World>,
}

/// Walks the whole graph depth first.
///
/// A graph without cycles, and bounded, has only finite runs: then "every world without a next one is an end",
/// which is a property of single worlds, says that every run ends. Stateright's own `eventually` misses
/// counterexamples where runs join.
#[must_use]
pub fn explore(protocol: &Protocol) -> Reached {
    let mut reached = Reached::default();
    // `true` while a world is on the way to the one looked at.
    let mut on_the_way: HashMap<u64, bool> = HashMap::new();
    let mut stack: Vec<Frame> = Vec::new();
    let mut enter = |world: &World, stack: &mut Vec<Frame>, on_the_way: &mut HashMap<_, _>| {
        let mut hasher = DefaultHasher::new();
        world.hash(&mut hasher);
        let at = hasher.finish();
        match on_the_way.entry(at) {
            Entry::Occupied(known) => reached.cycle |= *known.get(),
            Entry::Vacant(new) => {
                new.insert(true);
                note(&mut reached, world);
                stack.push(Frame { at, next: protocol.next_states(world) });
            }
        }
    };
    for world in protocol.init_states() {
        enter(&world, &mut stack, &mut on_the_way);
        while let Some(frame) = stack.last_mut() {
            if let Some(world) = frame.next.pop() {
                enter(&world, &mut stack, &mut on_the_way);
            } else {
                on_the_way.insert(frame.at, false);
                stack.pop();
            }
        }
    }
    reached
}

fn note(reached: &mut Reached, world: &World) {
    reached.states += 1;
    reached.latest = reached.latest.max(world.now);
    reached.ran.extend(world.running().map(|agent| agent.attempt));
    reached.exhausted |= world.machine == Machine::Exhausted;
    if let Machine::Told(status) = world.machine {
        reached.told.insert(status);
    }
    if world.has_ended() {
        reached.ends.insert(world.row.status);
    }
}
