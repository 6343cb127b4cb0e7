//! The agent, from a command's arrival to its exit.

use rsqlflow_core::protocol::agent::{
    AfterRenewal, NotClaimed, after_refused_claim, after_renewal, close_was_made,
};
use rsqlflow_core::protocol::{Change, JobState, JobStatus};

use crate::bounds::Ticks;
use crate::properties::Broken;
use crate::protocol::{Action, Protocol};
use crate::state::{Agent, AgentStep, Ending, Machine, Spooled, Try, World, owner, try_of};

pub(crate) fn actions(protocol: &Protocol, world: &World, actions: &mut Vec<Action>) {
    let left = &world.left;
    let room = world.agents.len() < protocol.bounds.agents;
    for (command, attempt) in world.commands.iter().enumerate() {
        // Of equal commands, one stands for all.
        if room && command.checked_sub(1).and_then(|i| world.commands.get(i)) != Some(attempt) {
            actions.push(Action::Deliver { command, again: false });
            if left.second_deliveries > 0 {
                actions.push(Action::Deliver { command, again: true });
            }
        }
    }
    if room {
        actions.extend((0..world.spool.len()).map(Action::Flush));
    }
    for (i, agent) in world.agents.iter().enumerate() {
        if agent.asleep {
            actions.push(Action::Resume(i));
            continue;
        }
        if !agent.alive {
            continue;
        }
        let between_renewals =
            agent.next == AgentStep::Renew && agent.due > world.now && agent.script.is_some();
        if !between_renewals {
            actions.push(Action::Agent(i));
            use AgentStep::{Claim, ClaimAgain, Close, CloseUnclaimed, Renew, RenewAgain, Tell};
            if left.lost_writes > 0 {
                if matches!(
                    agent.next,
                    Claim | ClaimAgain(_) | Renew | RenewAgain(_) | Close(_) | CloseUnclaimed
                ) {
                    actions.push(Action::AgentAnswerLost(i));
                }
                if matches!(agent.next, Claim | Renew) {
                    actions.push(Action::AgentRequestLost(i));
                }
            }
            if left.lost_callbacks > 0 && matches!(agent.next, Renew | RenewAgain(_) | Tell(..)) {
                actions.extend([false, true].map(|arrived| Action::CallbackLost { agent: i, arrived }));
            }
            if left.queues > 0 && agent.next == Claim {
                actions.push(Action::Queue(i));
            }
        }
        if agent.script.is_some() {
            actions.push(Action::ScriptEnds(i));
        }
        if left.kills > 0 {
            actions.push(Action::Kill(i));
        }
        if left.sleeps > 0 {
            actions.push(Action::Suspend(i));
        }
    }
}

/// What becomes of an agent that has taken a step.
enum Next {
    Goes(Agent),
    Exits,
}

pub(crate) fn step(protocol: &Protocol, world: &mut World, action: Action) -> Option<()> {
    let i = match action {
        Action::Deliver { command, again } => {
            deliver(world, command, again);
            return Some(());
        }
        Action::Flush(i) => {
            let Spooled { nonce, attempt, ending } = world.spool.remove(i);
            let agent = fresh(world, nonce, attempt, AgentStep::Close(ending));
            world.agents.push(agent);
            return Some(());
        }
        Action::Agent(i)
        | Action::ScriptEnds(i)
        | Action::AgentAnswerLost(i)
        | Action::AgentRequestLost(i)
        | Action::CallbackLost { agent: i, .. }
        | Action::Queue(i)
        | Action::Kill(i)
        | Action::Suspend(i)
        | Action::Resume(i) => i,
        _ => return None,
    };
    let agent = world.agents.get(i)?.clone();
    let run = Run { protocol, action, owner: protocol.owner(&agent), agent };
    match run.step(world)? {
        Next::Goes(agent) => world.agents[i] = agent,
        Next::Exits => {
            world.agents.remove(i);
        }
    }
    Some(())
}

fn fresh(world: &World, nonce: u8, attempt: u32, next: AgentStep) -> Agent {
    Agent {
        nonce,
        attempt,
        next,
        script: None,
        due: world.now,
        token: 0,
        accepted: world.now,
        alive: true,
        asleep: false,
        wanted: !world.machine.is_over(),
    }
}

fn deliver(world: &mut World, command: usize, again: bool) {
    let attempt = if again {
        world.left.second_deliveries -= 1;
        world.commands[command]
    } else {
        world.commands.remove(command)
    };
    // A nonce that nobody remembers is as good as one that never was.
    let free = (0..).find(|&nonce| {
        world.agents.iter().all(|agent| agent.nonce != nonce)
            && world.spool.iter().all(|spooled| spooled.nonce != nonce)
            && world.row.owner != Some(owner(nonce, true))
    });
    let mut agent = fresh(world, free.unwrap_or_default(), attempt, AgentStep::Read);
    // Of no account before the first heartbeat.
    agent.accepted = 0;
    world.agents.push(agent);
}

struct Run<'a> {
    protocol: &'a Protocol,
    action: Action,
    owner: rsqlflow_core::Owner,
    agent: Agent,
}

impl Run<'_> {
    fn step(mut self, world: &mut World) -> Option<Next> {
        match self.action {
            Action::Kill(_) => return Some(self.killed(world)),
            Action::Suspend(_) => {
                world.seen.agent_fault = true;
                self.agent.asleep = true;
                return Some(Next::Goes(self.agent));
            }
            Action::Resume(_) => return Some(self.resumed(world.now)),
            Action::ScriptEnds(_) => return Some(self.script_ended(world)),
            Action::Queue(_) => {
                world.left.queues -= 1;
                return Some(self.goes(AgentStep::Read, world.now + 1));
            }
            Action::AgentAnswerLost(_) => world.left.lost_writes -= 1,
            Action::AgentRequestLost(_) => {
                world.left.lost_writes -= 1;
                return self.send_again(world.now);
            }
            Action::CallbackLost { .. } => {
                world.left.lost_callbacks -= 1;
                world.seen.call_delayed = true;
            }
            _ => {}
        }
        match self.agent.next {
            AgentStep::Read => Some(self.read(&world.row)),
            AgentStep::FirstHeartbeat => Some(self.first_heartbeat(world)),
            AgentStep::Claim => self.claim(world, world.now),
            AgentStep::ClaimAgain(first) => self.claim(world, first),
            AgentStep::Start(deadline) => Some(self.start(world, deadline)),
            AgentStep::Renew => self.renew(world, world.now),
            AgentStep::RenewAgain(first) => self.renew(world, first),
            AgentStep::Close(ending) => {
                let change = self.close(ending);
                self.ended(world, &change, ending)
            }
            AgentStep::CloseUnclaimed => {
                let outcome = Ending::Cancelled.outcome();
                let attempt = self.agent.attempt;
                let change = Change::CloseUnclaimed { from: JobStatus::Triggered, attempt, outcome };
                self.ended(world, &change, Ending::Cancelled)
            }
            AgentStep::Tell(token, ending) => Some(self.tell(world, token, ending)),
            AgentStep::CloseLate(ending) => {
                // What happens to it interests nobody: the token is answered.
                drop(self.protocol.write(world, &self.close(ending)));
                Some(Next::Exits)
            }
        }
    }

    fn goes(mut self, next: AgentStep, due: Ticks) -> Next {
        self.agent.next = next;
        self.agent.due = due;
        Next::Goes(self.agent)
    }

    fn close(&self, ending: Ending) -> Change {
        Change::Close { attempt: self.agent.attempt, owner: self.owner.clone(), outcome: ending.outcome() }
    }

    /// The SDK waits a little, at most until a tick after the first sending, and sends the request again.
    fn send_again(self, now: Ticks) -> Option<Next> {
        let next = match self.agent.next {
            AgentStep::Claim => AgentStep::ClaimAgain(now),
            AgentStep::Renew => AgentStep::RenewAgain(now),
            other => other,
        };
        Some(self.goes(next, now + 1))
    }

    fn answer_is_lost(&self) -> bool {
        matches!(self.action, Action::AgentAnswerLost(_))
    }

    fn read(mut self, row: &JobState) -> Next {
        let rules = &self.protocol.rules;
        let mine = row.attempt == self.agent.attempt || !rules.attempt_in_claim;
        let Some(reply) = row.reply().filter(|_| row.status == JobStatus::Triggered && mine) else {
            return Next::Exits;
        };
        self.agent.token = try_of(&reply);
        let next = if rules.heartbeat_before_claim { AgentStep::FirstHeartbeat } else { AgentStep::Claim };
        let due = self.agent.due;
        self.goes(next, due)
    }

    fn heartbeat(&mut self, world: &mut World) -> bool {
        let accepted = world.machine.waits_on(self.agent.token);
        if accepted {
            world.machine = Machine::Waiting(self.agent.token, world.now);
            self.agent.accepted = world.now;
            self.agent.wanted = true;
        }
        accepted
    }

    fn first_heartbeat(mut self, world: &mut World) -> Next {
        if !self.heartbeat(world) {
            return Next::Exits;
        }
        let due = self.agent.due;
        self.goes(AgentStep::Claim, due)
    }

    fn lease_end(&self, first_sent: Ticks, now: Ticks) -> Ticks {
        let from = if self.protocol.rules.lease_from_first_sending { first_sent } else { now };
        from + self.protocol.bounds.lease
    }

    fn claim(self, world: &mut World, first_sent: Ticks) -> Option<Next> {
        let change = Change::Claim { attempt: self.agent.attempt, owner: self.owner.clone() };
        let written = self.protocol.write(world, &change);
        let now = world.now;
        if self.answer_is_lost() {
            written.ok()?;
            return Some(self.goes(AgentStep::ClaimAgain(first_sent), first_sent + 1));
        }
        let refused = match written {
            Ok(_) => Ok(()),
            Err(row) => match after_refused_claim(&row, self.agent.attempt, &self.owner) {
                Ok(()) if !self.protocol.rules.own_claim_recognised => Err(NotClaimed::Stale),
                other => other,
            },
        };
        Some(match refused {
            Ok(()) => {
                let deadline = self.lease_end(first_sent, now);
                self.goes(AgentStep::Start(deadline), now)
            }
            Err(NotClaimed::CancelRequested) => self.goes(AgentStep::CloseUnclaimed, now),
            Err(NotClaimed::Stale) => Next::Exits,
        })
    }

    fn start(mut self, world: &mut World, deadline: Ticks) -> Next {
        if deadline <= world.now && self.protocol.rules.no_late_start {
            return Next::Exits;
        }
        if !self.agent.wanted {
            world.seen.broken.add(Broken::UNWANTED_START);
        }
        self.agent.script = Some(deadline);
        let first_sent = deadline.saturating_sub(self.protocol.bounds.lease);
        self.goes(AgentStep::Renew, first_sent + 1)
    }

    fn renew(mut self, world: &mut World, first_sent: Ticks) -> Option<Next> {
        let now = world.now;
        if self.agent.script.is_none() {
            // The guard killed it. Whatever the row says now, the beat rule will settle it.
            return matches!(self.action, Action::Agent(_)).then_some(Next::Exits);
        }
        if self.protocol.rules.token_patience
            && now >= self.agent.accepted + self.protocol.bounds.token_patience
        {
            world.seen.agent_fault = true;
            return matches!(self.action, Action::Agent(_)).then_some(Next::Exits);
        }
        let change = Change::Renew { attempt: self.agent.attempt, owner: self.owner.clone() };
        let written = self.protocol.write(world, &change);
        if self.answer_is_lost() {
            written.ok()?;
            return Some(self.goes(AgentStep::RenewAgain(first_sent), first_sent + 1));
        }
        let (Ok(row) | Err(row)) = written;
        Some(match after_renewal(&row, self.agent.attempt, &self.owner) {
            AfterRenewal::Stop => Next::Exits,
            AfterRenewal::Cancel => {
                self.agent.script = None;
                self.goes(AgentStep::Close(Ending::Cancelled), now)
            }
            AfterRenewal::GoOn(reply) => {
                self.agent.script = Some(self.lease_end(first_sent, now));
                if let Some(reply) = reply.filter(|_| self.protocol.rules.renewal_adopts_token) {
                    self.agent.token = try_of(&reply);
                }
                let accepted = self.agent.accepted;
                match self.action {
                    Action::CallbackLost { arrived: false, .. } => {}
                    Action::CallbackLost { .. } => {
                        self.heartbeat(world);
                        self.agent.accepted = accepted;
                    }
                    _ => {
                        self.heartbeat(world);
                    }
                }
                let from = if self.protocol.rules.renews_on_schedule { first_sent } else { now };
                self.goes(AgentStep::Renew, from + 1)
            }
        })
    }

    fn script_ended(mut self, world: &World) -> Next {
        self.agent.script = None;
        let token = world.row.reply().filter(|_| !self.protocol.rules.row_before_token);
        let next = match token {
            Some(reply) => AgentStep::Tell(try_of(&reply), Ending::Completed),
            None => AgentStep::Close(Ending::Completed),
        };
        self.goes(next, world.now)
    }

    fn ended(self, world: &mut World, change: &Change, ending: Ending) -> Option<Next> {
        let written = self.protocol.write(world, change);
        let now = world.now;
        if self.answer_is_lost() {
            written.ok()?;
            let next = self.agent.next;
            return Some(self.goes(next, now + 1));
        }
        let row = match written {
            Ok(row) => row,
            Err(row)
                if self.protocol.rules.own_close_recognised
                    && close_was_made(&row, self.agent.attempt, &self.owner, &ending.outcome()) =>
            {
                row
            }
            // Too late: noted beside the row, and nobody is told.
            Err(_) => return Some(Next::Exits),
        };
        Some(match row.reply() {
            Some(reply) => self.goes(AgentStep::Tell(try_of(&reply), ending), now),
            None => Next::Exits,
        })
    }

    fn tell(self, world: &mut World, token: Try, ending: Ending) -> Next {
        let now = world.now;
        if let Action::CallbackLost { arrived, .. } = self.action {
            if arrived {
                self.protocol.tell(world, token, ending.status());
            }
            let next = self.agent.next;
            return self.goes(next, now + 1);
        }
        self.protocol.tell(world, token, ending.status());
        if self.protocol.rules.row_before_token {
            Next::Exits
        } else {
            self.goes(AgentStep::CloseLate(ending), now)
        }
    }

    fn killed(mut self, world: &mut World) -> Next {
        world.left.kills -= 1;
        world.seen.agent_fault = true;
        let (nonce, attempt) = (self.agent.nonce, self.agent.attempt);
        match self.agent.next {
            AgentStep::Close(ending) => world.spool.push(Spooled { nonce, attempt, ending }),
            AgentStep::Tell(_, ending) if world.row.owner.as_ref() == Some(&self.owner) => {
                world.spool.push(Spooled { nonce, attempt, ending });
            }
            _ => {}
        }
        if self.agent.script.is_none() {
            return Next::Exits;
        }
        self.agent.alive = false;
        self.goes(AgentStep::Renew, 0)
    }

    fn resumed(mut self, now: Ticks) -> Next {
        self.agent.asleep = false;
        let rules = &self.protocol.rules;
        // Assumed: the guard's timer, which is over, fires before the script does anything.
        if rules.fencing && rules.guard && self.agent.script.is_some_and(|deadline| deadline <= now) {
            self.agent.script = None;
        }
        Next::Goes(self.agent)
    }
}
