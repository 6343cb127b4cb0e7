//! What must hold in every state.

use std::fmt;

use rsqlflow_core::protocol::JobStatus;
use stateright::{Model as _, Property};

use super::model::Kept;
use super::world::{Stands, World};

/// Properties of a step rather than of a state: once broken, they stay so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Broken(u16);

impl Broken {
    pub(crate) const REOPENED: Self = Self(1);
    pub(crate) const CANCELLED_START: Self = Self(2);
    pub(crate) const FALSE_REPORT: Self = Self(4);
    pub(crate) const STARVED: Self = Self(8);
    pub(crate) const LOST_FOR_NOTHING: Self = Self(16);
    pub(crate) const TWICE: Self = Self(32);
    pub(crate) const AGAIN: Self = Self(64);
    pub(crate) const EARLY: Self = Self(128);
    pub(crate) const MISTAKEN: Self = Self(256);
    pub(crate) const WRONG_END: Self = Self(512);
    pub(crate) const GAVE_UP: Self = Self(1024);

    pub(crate) const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// No two statements of a job run at one time.
pub const ONE_AT_A_TIME: &str = "at most one statement runs";
/// A statement that runs is the attempt that the row shows; of a closed row none runs.
pub const ROW_KNOWS: &str = "the row knows the running statement";
/// An attempt has one statement.
pub const ONCE_AN_ATTEMPT: &str = "an attempt is one statement";
/// After a statement that finished, no other is accepted.
pub const NOT_AGAIN: &str = "nothing runs after a success";
/// A closed row stays as it is.
pub const CLOSED_STAYS: &str = "a closed row stays";
/// A row says `Completed` if and only if the statement of its attempt finished, or it says `Lost`.
pub const TRUE_END: &str = "the row says how its statement ended";
/// The id in the row is of a statement of its attempt.
pub const OWN_STATEMENT: &str = "the row names its own statement";
/// Nothing is started once a cancel is in the row.
pub const NOT_CANCELLED: &str = "nothing starts after a cancel";
/// A retry does not start before it is due.
pub const NOT_EARLY: &str = "no retry starts early";
/// The state machine is answered what the row holds.
pub const TRUE_REPORT: &str = "the state machine is answered what the row holds";
/// A token that is in the row is kept alive while the clock works.
pub const NOT_STARVED: &str = "no token waits in vain while the clock works";
/// The state machine outwaits the longest outage of the clock.
pub const HELD_OUT: &str = "the state machine outwaits the clock";
/// A job is `Lost` only after the clock was away.
pub const NOT_LOST: &str = "no job is lost while the clock works";
/// The lock is released when the row is closed and nothing runs.
pub const RELEASED_CLEAN: &str = "the lock is released over closed rows only";
/// A state from which nothing can happen any more is an end, and time never reaches its horizon.
pub const ENDS: &str = "every run ends";

pub(crate) fn all() -> Vec<Property<Kept>> {
    macro_rules! never {
        ($name:expr, $broken:expr) => {
            Property::always($name, |_, w: &World| !w.seen.broken.has($broken))
        };
    }
    vec![
        Property::always(ONE_AT_A_TIME, |_, w: &World| w.open().count() <= 1),
        Property::always(ROW_KNOWS, |_, w: &World| {
            w.open().all(|s| w.row.status == JobStatus::Running && w.row.attempt == s.attempt)
        }),
        never!(ONCE_AN_ATTEMPT, Broken::TWICE),
        never!(NOT_AGAIN, Broken::AGAIN),
        never!(CLOSED_STAYS, Broken::REOPENED),
        never!(TRUE_END, Broken::WRONG_END),
        never!(OWN_STATEMENT, Broken::MISTAKEN),
        never!(NOT_CANCELLED, Broken::CANCELLED_START),
        never!(NOT_EARLY, Broken::EARLY),
        never!(TRUE_REPORT, Broken::FALSE_REPORT),
        never!(NOT_STARVED, Broken::STARVED),
        never!(HELD_OUT, Broken::GAVE_UP),
        never!(NOT_LOST, Broken::LOST_FOR_NOTHING),
        Property::always(RELEASED_CLEAN, |_, w: &World| {
            !w.released || (w.row.status.is_closed() && w.open().next().is_none())
        }),
        Property::always(ENDS, |k: &Kept, w: &World| {
            if w.released {
                return true;
            }
            let mut actions = Vec::new();
            k.actions(w, &mut actions);
            w.now < k.bounds.horizon && !actions.is_empty()
        }),
    ]
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = &self.row;
        write!(f, "t={:<2} row: {} attempt {}", self.now, row.status, row.attempt)?;
        if let Some(token) = &row.task_token {
            write!(f, " token {}", token.expose())?;
        }
        if let (Some(first), Some(last)) = (row.first_sent, row.last_sent) {
            write!(f, " sent {}..{} ms", first.as_millis(), last.as_millis())?;
        }
        if let Some(id) = &row.statement_id {
            write!(f, " statement {id}")?;
        }
        if row.cancel_requested {
            write!(f, " cancel")?;
        }
        write!(f, " | machine: {:?} | statements:", self.machine)?;
        for (i, s) in self.statements.iter().enumerate() {
            let stands = if s.stands == Stands::Open && s.cancelling { "cancelling" } else { "" };
            write!(f, " {i}(attempt {}, {:?}{stands})", s.attempt, s.stands)?;
        }
        Ok(())
    }
}
