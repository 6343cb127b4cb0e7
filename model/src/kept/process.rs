//! What launchers and clocks do. A launcher may die between any two steps, and a clock too, which counts as a fault.

use std::sync::Arc;

use rsqlflow_core::StatementId;
use rsqlflow_core::protocol::keeper::{Limits, Sent, Step, Then, described, launch, listed, sent, tick};
use rsqlflow_core::protocol::{Change, JobState, JobStatus, Outcome};

use super::bounds::millis;
use super::model::{Action, Kept};
use super::properties::Broken;
use super::service;
use super::world::{Call, Process, ProcessStep, World, place};
use crate::bounds::timestamp;
use crate::state::{Machine, Try, reply, try_of};

pub(super) fn actions(world: &World, actions: &mut Vec<Action>) {
    let left = &world.left;
    for (i, process) in world.processes.iter().enumerate() {
        // Two that stand at the same point are one.
        if world.processes.iter().take(i).any(|other| other == process) {
            continue;
        }
        actions.push(Action::Process(i));
        match process.next {
            ProcessStep::Write(..) if left.lost_writes > 0 => actions.push(Action::WriteAnswerLost(i)),
            ProcessStep::Send(_) => {
                if left.lost_answers > 0 {
                    actions.push(Action::AnswerLost(i));
                }
                if left.flights > 0 {
                    actions.push(Action::DiesSending(i));
                }
                if left.throttles > 0 {
                    actions.push(Action::Throttled(i));
                }
                if left.refusals > 0 {
                    actions.push(Action::Refused(i));
                }
            }
            _ => {}
        }
    }
}

pub(super) fn step(kept: &Kept, world: &mut World, action: Action) -> Option<()> {
    let i = action.process()?;
    let process = world.processes.get(i)?.clone();
    let next = match process.next.clone() {
        ProcessStep::Read => Some(ProcessStep::Act(world.row.clone())),
        ProcessStep::Act(row) => kept.act(world, &process, &row),
        ProcessStep::Write(change, then) => {
            let written = kept.write(world, &change);
            if matches!(action, Action::WriteAnswerLost(_)) {
                written.ok()?;
                world.left.lost_writes -= 1;
                Some(ProcessStep::Write(change, then))
            } else {
                match written {
                    Ok(row) => match then {
                        Then::Send => Some(ProcessStep::Send(row)),
                        Then::Answer => Some(ProcessStep::Tell(process.token(&row), row.status)),
                        // A launcher leaves what comes then to the clock, or asks once: the same as a clock.
                        Then::GoOn => Some(ProcessStep::Act(row)).filter(|_| process.launcher.is_none()),
                        Then::Leave => {
                            if process.launcher.is_none() {
                                kept.heartbeat(world, &row);
                            }
                            None
                        }
                    },
                    Err(_) => Some(ProcessStep::Read),
                }
            }
        }
        ProcessStep::Send(row) => kept.send(world, action, &process, &row),
        ProcessStep::Cancel(row, statement) => {
            service::cancel(world, statement);
            if kept.rules.describe_decides {
                None
            } else {
                let outcome = Outcome::without_exit(JobStatus::Cancelled, "asked to be cancelled");
                let statement = row.statement_id.clone();
                let last_sent = row.last_sent?;
                let change = Change::Finish { attempt: row.attempt, statement, last_sent, outcome };
                Some(ProcessStep::Write(Arc::new(change), Then::Answer))
            }
        }
        ProcessStep::Tell(token, status) => {
            if let Some(token) = token {
                kept.tell(world, token, status);
            }
            None
        }
    };
    match next {
        Some(next) => world.processes[i] = Process { next, ..process },
        None => {
            world.processes.remove(i);
        }
    }
    Some(())
}

impl Process {
    /// Whom it answers: a launcher its own token, a clock the row's.
    fn token(&self, row: &JobState) -> Option<Try> {
        self.launcher.or_else(|| row.reply().as_ref().map(try_of))
    }
}

impl Kept {
    fn act(&self, world: &mut World, process: &Process, row: &Arc<JobState>) -> Option<ProcessStep> {
        let bounds = &self.bounds;
        // Every other process's clock is behind.
        let behind = if process.born.is_multiple_of(2) { 0 } else { bounds.skew };
        let now = timestamp(world.now.saturating_sub(behind));
        let mut limits = bounds.limits();
        if !self.rules.repeats_are_bounded {
            limits.token_memory = i64::MAX;
        }
        let mut step = match process.launcher {
            Some(token) => launch(row, &reply(token), now),
            None => tick(row, &limits, now),
        };
        if let Step::Write(Change::Await { attempt, reply }, _) = &step
            && !self.rules.launcher_leaves_waiting_rows
        {
            let change =
                Change::Start { from: row.status, attempt: *attempt, reply: Some(reply.clone()), at: now };
            step = Step::Write(change, Then::Send);
        }
        if let Step::Describe(statement) = &step {
            let says = self.describe(world, statement);
            let retry = (row.attempt < bounds.attempts).then_some(millis(bounds.delay));
            step = described(row, &says, millis(bounds.timeout), retry, now);
        }
        if step == Step::List {
            if !self.rules.absence_needs_quiet {
                limits = Limits { lambda: 0, flight: 0, list_lag: 0, margin: 0, ..limits };
            }
            if !self.rules.lost_after_a_day {
                limits.longest = i64::MAX;
            }
            let found = self.list(world, row.attempt);
            step = listed(row, found.as_ref(), &limits, now);
        }
        match step {
            Step::Answer(_) => Some(ProcessStep::Tell(process.token(row), row.status)),
            Step::Write(Change::Start { attempt, .. }, _) if attempt >= bounds.attempts => None,
            Step::Write(change @ Change::Start { .. }, _) if !self.rules.claim_before_send => {
                self.accept(world, row.attempt + 1, row.attempt + 1);
                Some(ProcessStep::Write(Arc::new(change), Then::Leave))
            }
            Step::Write(Change::SendAgain { .. }, _) if !self.rules.intent_before_repeat => {
                Some(ProcessStep::Send(row.clone()))
            }
            Step::Write(change, then) => Some(ProcessStep::Write(Arc::new(change), then)),
            Step::Cancel(statement) => {
                let place = place(&statement).and_then(|i| u8::try_from(i).ok())?;
                self.heartbeat(world, row);
                Some(ProcessStep::Cancel(row.clone(), place))
            }
            Step::Wait | Step::Superseded | Step::Describe(_) | Step::List => {
                if process.launcher.is_none() {
                    self.heartbeat(world, row);
                }
                None
            }
        }
    }

    fn send(
        &self,
        world: &mut World,
        action: Action,
        process: &Process,
        row: &Arc<JobState>,
    ) -> Option<ProcessStep> {
        world.seen.sendings += u32::from(!self.rules.same_when_repeated);
        let key = match (self.rules.same_when_repeated, self.rules.token_per_attempt) {
            (false, _) => 100 + world.seen.sendings,
            (true, false) => 0,
            (true, true) => row.attempt,
        };
        let result = match action {
            Action::AnswerLost(_) => {
                world.left.lost_answers -= 1;
                self.accept(world, key, row.attempt);
                Sent::Unknown
            }
            Action::DiesSending(_) => {
                world.left.flights -= 1;
                let until = world.now + self.bounds.flight;
                world.calls.push(Call { key, attempt: row.attempt, until });
                world.seen.clock_fault |= process.launcher.is_none();
                return None;
            }
            Action::Throttled(_) => {
                world.left.throttles -= 1;
                Sent::Unknown
            }
            Action::Refused(_) => {
                world.left.refusals -= 1;
                Sent::Refused("refused".to_owned())
            }
            _ => Sent::Accepted(self.accept(world, key, row.attempt)),
        };
        let mut view = JobState::clone(row);
        let mut seen = result.clone();
        if !self.rules.refused_repeat_waits {
            view.first_sent = view.last_sent;
        }
        if !self.rules.throttle_decides_nothing && result == Sent::Unknown {
            view.first_sent = view.last_sent;
            seen = Sent::Refused("no answer".to_owned());
        }
        match sent(&view, &seen) {
            Step::Write(change, then) => Some(ProcessStep::Write(Arc::new(change), then)),
            _ => {
                if process.launcher.is_none() {
                    self.heartbeat(world, row);
                }
                None
            }
        }
    }

    /// Makes a change. `Ok` is the row after it, also where the change is recognised as made before.
    pub(super) fn write(&self, world: &mut World, change: &Change) -> Result<Arc<JobState>, Arc<JobState>> {
        let change = self.weakened(&world.row, change);
        let Ok(mut next) = change.apply(&world.row) else {
            return if change.is_already_in(&world.row) {
                Ok(world.row.clone())
            } else {
                Err(world.row.clone())
            };
        };
        let row = &world.row;
        let broken = &mut world.seen.broken;
        if row.status.is_closed() {
            broken.add(Broken::REOPENED);
        }
        match &change {
            Change::Start { from, .. } => {
                if row.cancel_requested {
                    broken.add(Broken::CANCELLED_START);
                }
                if *from == JobStatus::Triggered && row.wake_at > Some(timestamp(world.now)) {
                    broken.add(Broken::EARLY);
                }
            }
            Change::SendAgain { at, .. } if !self.rules.first_sent_stays => next.first_sent = Some(*at),
            Change::Identify { attempt, statement } => {
                let found = place(statement).and_then(|i| world.statements.get(i));
                if found.is_none_or(|found| found.attempt != *attempt) {
                    broken.add(Broken::MISTAKEN);
                }
            }
            _ => {}
        }
        if next.status == JobStatus::Lost && !world.seen.clock_fault {
            broken.add(Broken::LOST_FOR_NOTHING);
        }
        let finished = world
            .statements
            .iter()
            .any(|s| s.attempt == next.attempt && s.stands == super::world::Stands::Finished);
        let says_otherwise =
            next.status.is_closed() && next.status != JobStatus::Lost && !row.status.is_closed();
        if says_otherwise && finished != (next.status == JobStatus::Completed) {
            broken.add(Broken::WRONG_END);
        }
        if let Change::Start { reply: Some(reply), .. }
        | Change::Readdress { reply, .. }
        | Change::Await { reply, .. } = &change
        {
            world.seen.stored |= 1 << try_of(reply);
        }
        world.row = Arc::new(next);
        Ok(world.row.clone())
    }

    /// The change without the conditions whose rules are off.
    fn weakened(&self, row: &JobState, change: &Change) -> Change {
        let mut change = change.clone();
        let of = |attempt: &mut u32, statement: &mut Option<StatementId>| {
            *attempt = row.attempt;
            statement.clone_from(&row.statement_id);
        };
        if let Change::Return { attempt, statement, last_sent, .. }
        | Change::Finish { attempt, statement, last_sent, .. } = &mut change
        {
            if !self.rules.writes_name_the_statement {
                of(attempt, statement);
            }
            let blind = !self.rules.writes_name_the_statement || !self.rules.list_needs_last_sent;
            if let Some(actual) = row.last_sent.filter(|_| blind) {
                *last_sent = actual;
            }
        }
        change
    }

    fn heartbeat(&self, world: &mut World, row: &JobState) {
        let Some(mut token) = row.reply().as_ref().map(try_of) else { return };
        if !self.rules.token_from_the_row {
            token = 0;
        }
        let waits = row.statement_id.is_none();
        if waits && !self.rules.every_open_row_heartbeats {
            return;
        }
        if world.machine.waits_on(token) {
            world.machine = Machine::Waiting(token, world.now);
        }
    }

    fn tell(&self, world: &mut World, token: Try, status: JobStatus) {
        if !world.machine.waits_on(token) {
            return;
        }
        if world.row.status != status {
            world.seen.broken.add(Broken::FALSE_REPORT);
        }
        world.machine = Machine::Told(status);
    }
}
