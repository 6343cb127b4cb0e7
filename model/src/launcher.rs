//! rsql-invoke: reads, looks at the clock, decides, writes, and then sends or answers. It may die between any
//! two of these, or dawdle until its timeout.

use std::sync::Arc;

use rsqlflow_core::protocol::launcher::{Step, Then, decide};
use rsqlflow_core::protocol::{Change, JobState, JobStatus, Outcome};

use crate::bounds::timestamp;
use crate::protocol::{Action, Protocol};
use crate::state::{LauncherStep, ThenDo, Try, World, reply};

pub(crate) fn actions(world: &World, actions: &mut Vec<Action>) {
    for (i, launcher) in world.launchers.iter().enumerate() {
        actions.push(Action::Launcher(i));
        match launcher.next {
            LauncherStep::Write(..) if world.left.lost_writes > 0 => {
                actions.push(Action::LauncherAnswerLost(i));
            }
            LauncherStep::Send(_) if world.left.send_failures > 0 => {
                actions.extend([false, true].map(|sent| Action::SendFails { launcher: i, sent }));
            }
            _ => {}
        }
    }
}

pub(crate) fn step(protocol: &Protocol, world: &mut World, action: Action) -> Option<()> {
    let (Action::Launcher(i) | Action::LauncherAnswerLost(i) | Action::SendFails { launcher: i, .. }) =
        action
    else {
        return None;
    };
    let mut launcher = world.launchers.get(i)?.clone();
    let next = match launcher.next {
        LauncherStep::Read => Some(LauncherStep::Decide(world.row.clone())),
        LauncherStep::Decide(row) => {
            let clock = if protocol.rules.clock_after_read { world.now } else { launcher.born };
            decided(protocol, &row, launcher.token, clock)
        }
        LauncherStep::Write(change, then) => {
            let beyond = |attempt: &u32| *attempt >= protocol.bounds.attempts;
            match change.as_ref() {
                Change::Launch { attempt, .. } | Change::Rerun { attempt, .. } if beyond(attempt) => None,
                _ => {
                    let written = protocol.write(world, &change);
                    if matches!(action, Action::LauncherAnswerLost(_)) {
                        // Only a write that is made can have its answer lost; one that is not is just late.
                        written.ok()?;
                        world.left.lost_writes -= 1;
                        Some(LauncherStep::Write(change, then))
                    } else {
                        match written {
                            Ok(row) => after_write(&row, then),
                            Err(_) => Some(LauncherStep::Read),
                        }
                    }
                }
            }
        }
        LauncherStep::Send(attempt) => match action {
            Action::SendFails { sent, .. } => {
                world.left.send_failures -= 1;
                if sent {
                    world.commands.push(attempt);
                }
                let outcome = Outcome::without_exit(JobStatus::Failed, "the command could not be sent");
                let change = Change::CloseUnclaimed { from: JobStatus::Triggered, attempt, outcome };
                Some(LauncherStep::Write(Arc::new(change), ThenDo::Answer))
            }
            _ => {
                world.commands.push(attempt);
                None
            }
        },
        LauncherStep::Tell(status) => {
            protocol.tell(world, launcher.token, status);
            None
        }
    };
    match next {
        Some(next) => {
            launcher.next = next;
            world.launchers[i] = launcher;
        }
        None => {
            world.launchers.remove(i);
        }
    }
    Some(())
}

fn decided(protocol: &Protocol, row: &Arc<JobState>, token: Try, now: u8) -> Option<LauncherStep> {
    let reply = reply(token);
    // Every other launcher's clock is ahead, and so is the closer's.
    let now = if token.is_multiple_of(2) { now + protocol.bounds.skew } else { now };
    let now = timestamp(now);
    let view = protocol.view(row, &Change::RequestCancel);
    let step = decide(&view, &reply, protocol.bounds.on_lost, protocol.bounds.patience_millis(), now);
    let rules = &protocol.rules;
    let write = |change, then: Then| Some(LauncherStep::Write(Arc::new(change), then.into()));
    match step {
        Step::Answer(_) => Some(LauncherStep::Tell(row.status)),
        Step::Superseded => None,
        Step::Write(Change::Readdress { attempt, reply, .. }, _)
            if !rules.no_launch_on_running && !row.cancel_requested =>
        {
            write(Change::Rerun { attempt, beat: row.beat, reply }, Then::SendCommand)
        }
        Step::Write(Change::Readdress { attempt, reply, .. }, then) if !rules.seen_kept_while_unmoved => {
            write(Change::Readdress { attempt, reply, seen: Some((row.beat, now)) }, then)
        }
        Step::Write(change, then) => write(change, then),
    }
}

fn after_write(row: &JobState, then: ThenDo) -> Option<LauncherStep> {
    match then {
        ThenDo::Send => Some(LauncherStep::Send(row.attempt)),
        ThenDo::Leave => None,
        ThenDo::Answer => Some(LauncherStep::Tell(row.status)),
    }
}
