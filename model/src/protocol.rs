//! The model: who may take which step, and what time does.

use std::fmt;

use rsqlflow_core::Owner;
use stateright::{Model, Property};

use crate::bounds::{Bounds, Ticks};
use crate::rules::Rules;
use crate::state::{Agent, AgentStep, Closer, Launcher, LauncherStep, Machine, Try, World, owner};
use crate::{agent, callback, closer, launcher, properties};

/// The protocol within bounds.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// How far to look.
    pub bounds: Bounds,
    /// What to keep to.
    pub rules: Rules,
}

/// One step of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Time goes on.
    Tick,
    /// The machine enters the waiting state, or retries it, and invokes rsql-invoke.
    StartTry,
    /// The service saw no heartbeat for too long.
    MissedHeartbeat,
    /// The try ends for another reason.
    TryEnds,
    /// The service invokes rsql-invoke once more for the same try.
    InvokeAgain,
    /// Somebody aborts the execution.
    Abort,
    /// Somebody requests a cancel of the job.
    RequestCancel,
    /// The next step of this launcher.
    Launcher(usize),
    /// This launcher's write is made, but its answer lost.
    LauncherAnswerLost(usize),
    /// This launcher's `SendCommand` fails for good.
    SendFails {
        /// Which.
        launcher: usize,
        /// Whether the command goes out all the same.
        sent: bool,
    },
    /// A command arrives, and an agent process starts.
    Deliver {
        /// Which.
        command: usize,
        /// Whether it will arrive once more.
        again: bool,
    },
    /// The next step of this agent.
    Agent(usize),
    /// This agent's script ends.
    ScriptEnds(usize),
    /// This agent's write is made, but its answer lost.
    AgentAnswerLost(usize),
    /// This agent's request for a write is lost.
    AgentRequestLost(usize),
    /// This agent's token callback, or only its answer, is lost.
    CallbackLost {
        /// Whose.
        agent: usize,
        /// Whether it arrived all the same.
        arrived: bool,
    },
    /// This agent's instance is full: it waits for the next tick, and begins again.
    Queue(usize),
    /// This agent is killed.
    Kill(usize),
    /// This agent's machine is suspended.
    Suspend(usize),
    /// It goes on.
    Resume(usize),
    /// A later agent run delivers this spooled result.
    Flush(usize),
    /// The next step of this closer.
    Closer(usize),
}

impl Protocol {
    /// All rules, within these bounds.
    #[must_use]
    pub const fn new(bounds: Bounds) -> Self {
        Self { bounds, rules: Rules::ALL }
    }

    pub(crate) fn owner(&self, agent: &Agent) -> Owner {
        owner(agent.nonce, self.rules.owner_nonce)
    }

    /// Whether something other than time can still happen of its own accord.
    fn is_quiet(world: &World) -> bool {
        world.has_ended() && world.agents.is_empty() && world.launchers.is_empty()
    }

    /// Time goes on, unless somebody has to act first. `None` where it must not.
    fn tick(&self, world: &World) -> Option<World> {
        let bounds = &self.bounds;
        if Self::is_quiet(world) || world.now >= bounds.horizon {
            return None;
        }
        match world.machine {
            Machine::Before(_, by) if world.now >= by => return None,
            Machine::Waiting(_, since) if world.now >= since + bounds.heartbeat => return None,
            _ => {}
        }
        let mut next = world.clone();
        if world.machine.is_over() && !world.has_ended() {
            // It looks at least once a tick.
            let looked = |closer: &Closer| matches!(closer, Closer::Idle(later) if *later > world.now);
            if !world.closers.iter().any(looked) {
                next.left.closer_delays = next.left.closer_delays.checked_sub(1)?;
            }
            for closer in &mut next.closers {
                if *closer == Closer::Idle(world.now + 1) {
                    *closer = Closer::Idle(0);
                }
            }
        }
        next.now += 1;
        for agent in &mut next.agents {
            if agent.asleep {
                next.left.sleeps = next.left.sleeps.checked_sub(1)?;
                if !self.rules.lease_counts_sleep {
                    put_off(agent);
                }
                continue;
            }
            let late = agent.alive && self.is_late(agent, world.now);
            if agent.alive && !late && !matches!(agent.next, AgentStep::Renew | AgentStep::Read) {
                // It waits to send a lost request again.
                next.seen.call_delayed = true;
            }
            if late {
                next.left.stalls = next.left.stalls.checked_sub(1)?;
                next.seen.agent_fault = true;
            }
            let sees_to_it = self.rules.guard || (agent.alive && !late);
            if self.rules.fencing && sees_to_it && agent.script.is_some_and(|deadline| deadline <= next.now) {
                agent.script = None;
            }
        }
        next.agents.retain(|agent| agent.alive || agent.script.is_some());
        // The service ends a Lambda function that takes too long.
        next.launchers.retain(|launcher| next.now <= launcher.born + bounds.lambda_timeout);
        Some(next)
    }

    fn is_late(&self, agent: &Agent, now: Ticks) -> bool {
        agent.due <= now || (agent.next == AgentStep::Renew && now >= self.bounds.work_until)
    }

    fn start_try(&self, world: &mut World, number: Try) {
        world.machine = Machine::Waiting(number, world.now);
        if world.launchers.len() < self.bounds.lambdas {
            world.launchers.push(Launcher { token: number, born: world.now, next: LauncherStep::Read });
        }
    }

    fn end_try(&self, world: &mut World, number: Try) {
        world.seen.waited = world.now;
        world.machine = if number + 1 < self.bounds.tries {
            Machine::Before(number + 1, world.now + 1)
        } else {
            Machine::Exhausted
        };
    }
}

/// A clock that stood still while the machine slept: every deadline moves on.
fn put_off(agent: &mut Agent) {
    if let Some(deadline) = &mut agent.script {
        *deadline += 1;
    }
    match &mut agent.next {
        AgentStep::Start(at) | AgentStep::ClaimAgain(at) | AgentStep::RenewAgain(at) => *at += 1,
        _ => {}
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::start(self.bounds.faults, self.bounds.closers)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let left = &world.left;
        match world.machine {
            Machine::Before(..) => actions.push(Action::StartTry),
            Machine::Waiting(number, since) => {
                if world.now >= since + self.bounds.heartbeat {
                    actions.push(Action::MissedHeartbeat);
                }
                if left.try_ends > 0 {
                    actions.push(Action::TryEnds);
                }
                let invoked = world.launchers.iter().any(|launcher| launcher.token == number);
                if left.second_invocations > 0 && invoked && world.launchers.len() < self.bounds.lambdas {
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
        }
        launcher::actions(world, actions);
        agent::actions(self, world, actions);
        closer::actions(world, actions);
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
            (Action::StartTry, Machine::Before(number, _)) => self.start_try(&mut next, number),
            (Action::MissedHeartbeat, Machine::Waiting(number, _)) => {
                callback::judge_missed_heartbeat(&mut next, number);
                self.end_try(&mut next, number);
            }
            (Action::TryEnds, Machine::Waiting(number, _)) => {
                next.left.try_ends -= 1;
                self.end_try(&mut next, number);
            }
            (Action::InvokeAgain, Machine::Waiting(token, _)) => {
                next.left.second_invocations -= 1;
                next.launchers.push(Launcher { token, born: next.now, next: LauncherStep::Read });
            }
            (Action::Abort, machine) => {
                next.left.aborts -= 1;
                if matches!(machine, Machine::Waiting(..)) {
                    next.seen.waited = next.now;
                }
                next.machine = Machine::Aborted;
            }
            (Action::RequestCancel, _) => {
                next.left.cancels -= 1;
                // A refusal means that the row is closed, which the guard above excludes.
                self.write(&mut next, &rsqlflow_core::protocol::Change::RequestCancel).ok()?;
            }
            (Action::Closer(i), _) => closer::step(self, &mut next, i)?,
            (Action::Launcher(_) | Action::LauncherAnswerLost(_) | Action::SendFails { .. }, _) => {
                launcher::step(self, &mut next, action)?;
            }
            _ => agent::step(self, &mut next, action)?,
        }
        // Lists whose order means nothing are kept in order, so that equal worlds are equal.
        next.commands.sort_unstable();
        next.agents.sort_by_key(|agent| agent.nonce);
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
            Self::StartTry => "machine starts a try".to_owned(),
            Self::MissedHeartbeat => "machine misses the heartbeat".to_owned(),
            Self::TryEnds => "the try ends".to_owned(),
            Self::InvokeAgain => "the launcher is invoked again".to_owned(),
            Self::Abort => "abort".to_owned(),
            Self::RequestCancel => "cancel is requested".to_owned(),
            Self::Launcher(i) => format!("launcher {} steps", name(i)),
            Self::LauncherAnswerLost(i) => format!("launcher {} writes, no answer", name(i)),
            Self::SendFails { launcher, sent } => {
                format!("launcher {} fails to send: {}", name(launcher), !sent)
            }
            Self::Deliver { again, .. } => {
                format!("a command arrives{}", if again { ", of two" } else { "" })
            }
            Self::Agent(i) => format!("agent {} steps", name(i)),
            Self::ScriptEnds(i) => format!("agent {}: script ends", name(i)),
            Self::AgentAnswerLost(i) => format!("agent {} writes, no answer", name(i)),
            Self::AgentRequestLost(i) => format!("agent {} writes, request lost", name(i)),
            Self::CallbackLost { agent, arrived: true } => format!("agent {} calls, no answer", name(agent)),
            Self::CallbackLost { agent, .. } => format!("agent {} calls, request lost", name(agent)),
            Self::Queue(i) => format!("agent {} queues", name(i)),
            Self::Kill(i) => format!("agent {} is killed", name(i)),
            Self::Suspend(i) => format!("agent {}: machine suspended", name(i)),
            Self::Resume(i) => format!("agent {}: machine resumes", name(i)),
            Self::Flush(_) => "a later run takes the spool".to_owned(),
            Self::Closer(i) => format!("closer {} steps", name(i)),
        };
        f.pad(&text)
    }
}
