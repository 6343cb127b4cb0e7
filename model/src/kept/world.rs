//! One state of the world: the row, the waiting state machine, launchers and clocks, calls under way, and the service.

use std::sync::Arc;

use rsqlflow_core::StatementId;
use rsqlflow_core::protocol::keeper::Then;
use rsqlflow_core::protocol::{Change, JobState, JobStatus};

use super::bounds::Faults;
use super::properties::Broken;
use crate::bounds::Ticks;
use crate::state::{Machine, Try};

/// Everything that decides what can happen next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The true time.
    pub now: Ticks,
    /// The job's row.
    pub row: Arc<JobState>,
    /// The item of the state machine.
    pub machine: Machine,
    /// Launchers and clocks.
    pub processes: Vec<Process>,
    /// Calls whose senders died.
    pub calls: Vec<Call>,
    /// What the service has accepted.
    pub statements: Vec<Statement>,
    /// When a clock was last invoked by its rule.
    pub clocked: Option<Ticks>,
    /// No clock is invoked before then.
    pub clock_away: Ticks,
    /// When the closer last found nothing to do but wait.
    pub closer_waits: Option<Ticks>,
    /// The closer has released the workflow's lock.
    pub released: bool,
    /// Faults that may still happen.
    pub left: Faults,
    /// What an observer remembers.
    pub seen: Seen,
}

/// A launcher or a clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// The launcher's try; `None` for a clock.
    pub launcher: Option<Try>,
    /// When it was invoked.
    pub born: Ticks,
    /// What it does next.
    pub next: ProcessStep,
}

/// What a process does next. It may dawdle before, until its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProcessStep {
    /// Read the row.
    Read,
    /// Look at the time, decide on the row as it was read, ask the service if that is what was decided.
    Act(Arc<JobState>),
    /// Make the change, then do that.
    Write(Arc<Change>, Then),
    /// Send the statement of the row's attempt.
    Send(Arc<JobState>),
    /// Ask the service to cancel that statement, then how it stands.
    Cancel(Arc<JobState>, u8),
    /// Answer that token.
    Tell(Option<Try>, JobStatus),
}

/// A call on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// Its `ClientToken`.
    pub key: u32,
    /// The attempt it was sent for.
    pub attempt: u32,
    /// It arrives by then, or never.
    pub until: Ticks,
}

/// A statement as the service holds it. Its id is its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    /// Its `ClientToken`.
    pub key: u32,
    /// The attempt it was sent for.
    pub attempt: u32,
    /// When it was accepted.
    pub created: Ticks,
    /// It ends by then; and when it has ended, when it did.
    pub end: Ticks,
    /// Somebody has asked the service to cancel it.
    pub cancelling: bool,
    /// How it stands.
    pub stands: Stands,
}

/// How a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stands {
    /// It waits or runs.
    Open,
    /// `FINISHED`.
    Finished,
    /// `FAILED`.
    Failed,
    /// `ABORTED`.
    Aborted,
}

/// What only an observer knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Properties that a step has broken.
    pub broken: Broken,
    /// The clock was late or died.
    pub clock_fault: bool,
    /// Tries whose token was stored, one bit each.
    pub stored: u8,
    /// Sendings so far; counted only where each has a `ClientToken` of its own.
    pub sendings: u32,
    /// A try was ended from outside.
    pub try_ended: bool,
}

impl World {
    /// Before anything has happened.
    #[must_use]
    pub fn start(left: Faults) -> Self {
        Self {
            now: 0,
            row: Arc::new(JobState::pending()),
            machine: Machine::Before(0, 0),
            processes: Vec::new(),
            calls: Vec::new(),
            statements: Vec::new(),
            clocked: None,
            clock_away: 0,
            closer_waits: None,
            released: false,
            left,
            seen: Seen::default(),
        }
    }

    /// Statements that wait or run.
    pub fn open(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter().filter(|statement| statement.stands == Stands::Open)
    }
}

/// The id of a statement by its place.
pub(crate) fn id(place: usize) -> StatementId {
    StatementId::new(place.to_string())
}

/// The other way round; `None` for a statement of another job.
pub(crate) fn place(id: &StatementId) -> Option<usize> {
    id.as_str().parse().ok()
}
