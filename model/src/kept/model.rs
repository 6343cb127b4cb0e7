//! Who may take which step, and what time does.

use std::fmt;

use rsqlflow_core::protocol::closer::{Reason, Step, decide};
use rsqlflow_core::protocol::{Change, JobState};
use stateright::{Model, Property};

use super::bounds::{Bounds, millis};
use super::process;
use super::properties::{self, Broken};
use super::rules::Rules;
use super::world::{Process, ProcessStep, Stands, World};
use crate::bounds::{Ticks, timestamp};
use crate::state::{Machine, Try};

/// The protocol of kept statements within bounds.
#[derive(Clone, Debug)]
pub struct Kept {
    /// How far to look.
    pub bounds: Bounds,
    /// What to keep to.
    pub rules: Rules,
}

/// One step of the world. Numbers are places in its lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Time goes on.
    Tick,
    /// The state machine starts the next try.
    StartTry,
    /// A try's heartbeat is overdue.
    MissedHeartbeat,
    /// The try ends all the same.
    TryEnds,
    /// The launcher is invoked a second time.
    InvokeAgain,
    /// The execution is aborted.
    Abort,
    /// A cancel is requested.
    RequestCancel,
    /// The clock is invoked, by its rule.
    Clock,
    /// The clock is invoked once more.
    SecondClock,
    /// The clock is away from now on.
    Outage,
    /// A launcher or clock takes its next step.
    Process(usize),
    /// Its write is made, and the answer lost.
    WriteAnswerLost(usize),
    /// Its statement arrives, and the answer is lost.
    AnswerLost(usize),
    /// It dies while its statement is under way.
    DiesSending(usize),
    /// Its statement is throttled.
    Throttled(usize),
    /// Its statement is refused for good.
    Refused(usize),
    /// A call of a sender that died arrives.
    Arrives(usize),
    /// A statement ends.
    Ends(usize, Stands),
    /// The closer's next step.
    Closer,
}

impl Action {
    pub(super) const fn process(self) -> Option<usize> {
        match self {
            Self::Process(i)
            | Self::WriteAnswerLost(i)
            | Self::AnswerLost(i)
            | Self::DiesSending(i)
            | Self::Throttled(i)
            | Self::Refused(i) => Some(i),
            _ => None,
        }
    }
}

impl Kept {
    /// All rules, within these bounds.
    #[must_use]
    pub const fn new(bounds: Bounds) -> Self {
        Self { bounds, rules: Rules::ALL }
    }

    fn closer_step(&self, world: &World) -> Step {
        let mut row = JobState::clone(&world.row);
        if !self.rules.no_beat_rule && row.is_kept() {
            row.owner = None;
        }
        decide(
            &row,
            Reason::Over,
            "the execution is over",
            millis(self.bounds.heartbeat),
            timestamp(world.now),
        )
    }

    fn tick(&self, world: &World) -> Option<World> {
        let bounds = &self.bounds;
        if world.released || world.now >= bounds.horizon {
            return None;
        }
        match world.machine {
            Machine::Before(_, by) if world.now >= by => return None,
            Machine::Waiting(_, since) if world.now >= since + bounds.heartbeat => return None,
            _ => {}
        }
        if world.open().any(|statement| statement.end <= world.now) {
            return None;
        }
        let mut next = world.clone();
        // What became due in the row is seen at the next tick.
        if world.clocked != Some(world.now) && world.now >= world.clock_away {
            next.left.clock_deaths = next.left.clock_deaths.checked_sub(1)?;
            next.seen.clock_fault = true;
        }
        if world.machine.is_over() && world.closer_waits != Some(world.now) {
            next.left.closer_delays = next.left.closer_delays.checked_sub(1)?;
        }
        next.now += 1;
        let ends = |process: &Process| next.now > process.born + bounds.lambda;
        let dead = next.processes.iter().filter(|p| ends(p) && p.launcher.is_none()).count();
        if dead > 0 {
            next.left.clock_deaths = next.left.clock_deaths.checked_sub(u8::try_from(dead).ok()?)?;
            next.seen.clock_fault = true;
        }
        let dawdle = next.processes.iter().filter(|p| !ends(p) && p.launcher.is_none()).count();
        next.left.dawdles = next.left.dawdles.checked_sub(u8::try_from(dawdle).ok()?)?;
        next.processes.retain(|process| next.now <= process.born + bounds.lambda);
        next.calls.retain(|call| next.now <= call.until);
        Some(next)
    }

    fn invoke(&self, world: &mut World, launcher: Option<Try>) {
        world.processes.push(Process { launcher, born: world.now, next: ProcessStep::Read });
    }

    fn end_try(&self, world: &mut World, number: Try) {
        world.machine = if number + 1 < self.bounds.tries {
            Machine::Before(number + 1, world.now + 1)
        } else {
            let every_token = (1u8 << self.bounds.tries) - 1;
            let survivable = self.bounds.outage <= self.bounds.survives;
            let all_stored = world.seen.stored == every_token && !world.seen.try_ended;
            if all_stored && survivable && !world.row.status.is_closed() {
                world.seen.broken.add(Broken::GAVE_UP);
            }
            Machine::Exhausted
        };
    }

    fn has_room(&self, world: &World) -> bool {
        world.processes.len() < self.bounds.processes
    }

    fn starts(&self, world: &mut World, number: Try, now: Ticks) {
        world.machine = Machine::Waiting(number, now);
        if self.has_room(world) {
            self.invoke(world, Some(number));
        }
    }
}

impl Model for Kept {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::start(self.bounds.faults)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let left = &world.left;
        if world.released {
            return;
        }
        match world.machine {
            Machine::Before(..) => actions.push(Action::StartTry),
            Machine::Waiting(number, since) => {
                if world.now >= since + self.bounds.heartbeat {
                    actions.push(Action::MissedHeartbeat);
                }
                if left.try_ends > 0 {
                    actions.push(Action::TryEnds);
                }
                let invoked = world.processes.iter().any(|p| p.launcher == Some(number));
                if left.second_invocations > 0 && invoked && self.has_room(world) {
                    actions.push(Action::InvokeAgain);
                }
            }
            _ => {}
        }
        if !world.machine.is_over() {
            if left.aborts > 0 {
                actions.push(Action::Abort);
            }
            if left.cancels > 0 && !world.row.status.is_closed() {
                actions.push(Action::RequestCancel);
            }
        } else if world.closer_waits != Some(world.now) {
            actions.push(Action::Closer);
        }
        if left.outages > 0 && world.now >= world.clock_away {
            actions.push(Action::Outage);
        }
        if self.has_room(world) && world.now >= world.clock_away {
            if world.clocked != Some(world.now) {
                actions.push(Action::Clock);
            } else if left.second_clocks > 0 {
                actions.push(Action::SecondClock);
            }
        }
        process::actions(world, actions);
        actions.extend((0..world.calls.len()).map(Action::Arrives));
        for (i, statement) in world.statements.iter().enumerate() {
            if statement.stands != Stands::Open {
                continue;
            }
            actions.push(Action::Ends(i, Stands::Finished));
            if left.failures > 0 {
                actions.push(Action::Ends(i, Stands::Failed));
            }
            if statement.cancelling || left.aborts_elsewhere > 0 {
                actions.push(Action::Ends(i, Stands::Aborted));
            }
        }
        if self.tick(world).is_some() {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        if action == Action::Tick {
            return self.tick(world);
        }
        let mut next = world.clone();
        match (action, world.machine) {
            (Action::StartTry, Machine::Before(number, _)) => self.starts(&mut next, number, world.now),
            (Action::MissedHeartbeat, Machine::Waiting(number, _)) => {
                let stored = next.seen.stored & (1 << number) != 0;
                if stored && !next.seen.clock_fault {
                    next.seen.broken.add(Broken::STARVED);
                }
                self.end_try(&mut next, number);
            }
            (Action::TryEnds, Machine::Waiting(number, _)) => {
                next.left.try_ends -= 1;
                next.seen.try_ended = true;
                self.end_try(&mut next, number);
            }
            (Action::InvokeAgain, Machine::Waiting(number, _)) => {
                next.left.second_invocations -= 1;
                self.invoke(&mut next, Some(number));
            }
            (Action::Abort, _) => {
                next.left.aborts -= 1;
                next.machine = Machine::Aborted;
            }
            (Action::RequestCancel, _) => {
                next.left.cancels -= 1;
                self.write(&mut next, &Change::RequestCancel).ok()?;
            }
            (Action::Clock, _) => {
                next.clocked = Some(world.now);
                self.invoke(&mut next, None);
            }
            (Action::SecondClock, _) => {
                next.left.second_clocks -= 1;
                self.invoke(&mut next, None);
            }
            (Action::Outage, _) => {
                next.left.outages -= 1;
                next.clock_away = world.now + self.bounds.outage;
                next.seen.clock_fault = true;
            }
            (Action::Arrives(i), _) => {
                let call = next.calls.remove(i);
                self.accept(&mut next, call.key, call.attempt);
            }
            (Action::Ends(i, how), _) => {
                let statement = next.statements.get_mut(i)?;
                let asked = statement.cancelling;
                statement.stands = how;
                statement.end = world.now;
                match how {
                    Stands::Failed => next.left.failures -= 1,
                    Stands::Aborted if !asked => next.left.aborts_elsewhere -= 1,
                    _ => {}
                }
            }
            (Action::Closer, _) => match self.closer_step(world) {
                Step::Closed => next.released = true,
                Step::Wait => next.closer_waits = Some(world.now),
                Step::Write(change) => {
                    // It reads and writes in one step here: its writes are conditional as all are.
                    self.write(&mut next, &change).ok()?;
                    if matches!(change, Change::Observe { .. }) {
                        next.closer_waits = Some(world.now);
                    }
                }
            },
            _ => process::step(self, &mut next, action)?,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |i: usize| i + 1;
        let text = match *self {
            Self::Tick => "time goes on".to_owned(),
            Self::StartTry => "the state machine starts a try".to_owned(),
            Self::MissedHeartbeat => "the state machine misses the heartbeat".to_owned(),
            Self::TryEnds => "the try ends".to_owned(),
            Self::InvokeAgain => "the launcher is invoked again".to_owned(),
            Self::Abort => "abort".to_owned(),
            Self::RequestCancel => "cancel is requested".to_owned(),
            Self::Clock => "the clock is invoked".to_owned(),
            Self::SecondClock => "the clock is invoked again".to_owned(),
            Self::Outage => "the clock is away".to_owned(),
            Self::Process(i) => format!("process {} steps", name(i)),
            Self::WriteAnswerLost(i) => format!("process {} writes, no answer", name(i)),
            Self::AnswerLost(i) => format!("process {} sends, no answer", name(i)),
            Self::DiesSending(i) => format!("process {} dies while it sends", name(i)),
            Self::Throttled(i) => format!("process {} is throttled", name(i)),
            Self::Refused(i) => format!("process {} is refused", name(i)),
            Self::Arrives(_) => "a call arrives late".to_owned(),
            Self::Ends(i, how) => format!("statement {i} ends: {how:?}"),
            Self::Closer => "the closer steps".to_owned(),
        };
        f.pad(&text)
    }
}
