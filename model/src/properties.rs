//! What must hold in every state.

use std::fmt;

use rsqlflow_core::protocol::JobStatus;
use stateright::{Model as _, Property};

use crate::protocol::Protocol;
use crate::state::World;

/// Properties of a step rather than of a state: once broken, they stay so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Broken(u8);

impl Broken {
    pub(crate) const REOPENED: Self = Self(1);
    pub(crate) const UNWANTED_START: Self = Self(2);
    pub(crate) const CANCELLED_CLAIM: Self = Self(4);
    pub(crate) const FALSE_REPORT: Self = Self(8);
    pub(crate) const STARVED: Self = Self(16);
    pub(crate) const LOST_FOR_NOTHING: Self = Self(32);

    pub(crate) const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// No two scripts run at one time.
pub const ONE_AT_A_TIME: &str = "at most one script runs";
/// A running script is the attempt and the owner that the row shows.
pub const ROW_KNOWS: &str = "the row knows the running script";
/// A closed row stays as it is.
pub const CLOSED_STAYS: &str = "a closed row stays";
/// A script is started only if the workflow was seen waiting after its command arrived.
pub const WANTED: &str = "no script starts for a workflow that is over";
/// No claim succeeds once a cancel is in the row.
pub const NOT_CANCELLED: &str = "no claim succeeds after a cancel";
/// The machine is told what the row holds.
pub const TRUE_REPORT: &str = "the machine is told what the row holds";
/// A try whose token reached a living agent is kept alive, or answered.
pub const NOT_STARVED: &str = "no token waits in vain while the agent lives";
/// A job is `Lost` or taken over only when something happened to its agent.
pub const NOT_LOST: &str = "no job is lost while its agent lives";
/// The lock is released when the row is closed and nothing runs.
pub const RELEASED_CLEAN: &str = "the lock is released over closed rows only";
/// An agent does not work for long when nobody waits.
pub const NOT_ORPHANED: &str = "no script outlives its workflow for long";
/// A state from which nothing can happen any more is an end, and the clock never reaches its horizon.
///
/// Every step leads on, never back (`acyclic` shows it), and faults are bounded, so this says that every run
/// ends, whatever the order of its steps.
pub const ENDS: &str = "every run ends";

pub(crate) fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::always(ONE_AT_A_TIME, |_, w: &World| w.running().count() <= 1),
        Property::always(ROW_KNOWS, |p: &Protocol, w: &World| {
            w.running().all(|agent| {
                w.row.status == JobStatus::Running
                    && w.row.attempt == agent.attempt
                    && w.row.owner.as_ref() == Some(&p.owner(agent))
            })
        }),
        Property::always(CLOSED_STAYS, |_, w: &World| !w.seen.broken.has(Broken::REOPENED)),
        Property::always(WANTED, |_, w: &World| !w.seen.broken.has(Broken::UNWANTED_START)),
        Property::always(NOT_CANCELLED, |_, w: &World| !w.seen.broken.has(Broken::CANCELLED_CLAIM)),
        Property::always(TRUE_REPORT, |_, w: &World| !w.seen.broken.has(Broken::FALSE_REPORT)),
        Property::always(NOT_STARVED, |_, w: &World| !w.seen.broken.has(Broken::STARVED)),
        Property::always(NOT_LOST, |_, w: &World| !w.seen.broken.has(Broken::LOST_FOR_NOTHING)),
        Property::always(RELEASED_CLEAN, |_, w: &World| {
            !w.has_ended() || (w.row.status.is_closed() && w.running().next().is_none())
        }),
        Property::always(NOT_ORPHANED, |p: &Protocol, w: &World| {
            !w.machine.is_over()
                || w.now <= w.seen.waited + p.bounds.token_patience + 1
                || w.running().next().is_none()
        }),
        Property::always(ENDS, |p: &Protocol, w: &World| {
            if w.has_ended() {
                return true;
            }
            let mut actions = Vec::new();
            p.actions(w, &mut actions);
            w.now < p.bounds.horizon && !actions.is_empty()
        }),
    ]
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = &self.row;
        write!(f, "t={:<2} row: {} attempt {} beat {}", self.now, row.status, row.attempt, row.beat)?;
        if let Some(token) = &row.task_token {
            write!(f, " token {}", token.expose())?;
        }
        if let Some(owner) = &row.owner {
            write!(f, " owner {owner:?}")?;
        }
        if let (Some(beat), Some(at)) = (row.seen_beat, row.seen_at) {
            write!(f, " seen {beat}@{}", at.as_millis() / 1000)?;
        }
        if row.cancel_requested {
            write!(f, " cancel")?;
        }
        write!(f, " | machine: {:?} | scripts:", self.machine)?;
        for agent in self.agents.iter().filter(|agent| agent.script.is_some()) {
            let asleep = if agent.asleep { ", asleep" } else { "" };
            let name = char::from(b'a' + agent.nonce);
            write!(
                f,
                " {name}(attempt {}, until {}{asleep})",
                agent.attempt,
                agent.script.unwrap_or_default()
            )?;
        }
        Ok(())
    }
}
