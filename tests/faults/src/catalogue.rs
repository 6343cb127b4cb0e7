//! Which cases there are: every fault at every call of a run without faults, and combinations of them by chance.

use fastrand::Rng;
use rsqlflow_core::Function;

use crate::case::Counts;
use crate::spec::{Action, Fault, Shape, Spec};

/// Of processes of an instance, before and after a call of its agent.
const OF_PROCESSES: [Action; 8] = [
    Action::KillAgent,
    Action::KillGuard,
    Action::KillBoth,
    Action::KillScript,
    Action::StopAgentShort,
    Action::StopAgentLong,
    Action::StopGuardLong,
    Action::Suspend,
];

/// Of the way between a client and the services, from a call on.
const OF_THE_WAY: [Action; 5] =
    [Action::OffShort, Action::OffLong, Action::DeafLong, Action::ServiceOff, Action::ServiceDeaf];

/// What people and programs of other versions do to a run.
const OF_ROWS: [Action; 5] =
    [Action::Abort, Action::Cancel, Action::RowNewer, Action::RowBroken, Action::RowLarge];

/// Calls by which an agent looks and sends lines: how many there are depends on the time.
const MOST: u32 = 4;

/// Every single fault in a run of this shape that made these calls.
pub fn single(shape: Shape, counts: &Counts, disks: bool) -> Vec<Spec> {
    let mut points: Vec<_> = counts.iter().collect();
    points.sort();
    let mut specs = Vec::new();
    let mut add = |client: &str, operation: &str, nth: u32, after: bool, action: Action| {
        let fault = Fault { client: client.to_owned(), operation: operation.to_owned(), nth, after, action };
        specs.push(Spec { shape, faults: vec![fault] });
    };
    let is_slow = shape == Shape::Slow;
    for ((client, operation), times) in points {
        for nth in 1..=(*times).min(MOST) {
            let mut here = |after, action| add(client, operation, nth, after, action);
            match (client.as_str(), operation.as_str()) {
                ("ssm", _) => {
                    let all = [Action::Twice, Action::Again, Action::Late, Action::TooLate, Action::Never];
                    all.into_iter().for_each(|action| here(false, action));
                }
                (_, "invoke") => {
                    here(false, Action::Concurrently);
                    here(false, Action::Again);
                    if client == Function::UpdateAudit.as_str() && nth == *times {
                        here(false, Action::Lost);
                    }
                }
                ("agent", _) => {
                    if !is_slow {
                        Action::OF_CALL.into_iter().for_each(|action| here(false, action));
                        here(false, Action::KillEndpoint);
                        here(true, Action::KillEndpoint);
                        here(false, Action::StopEndpoint);
                        here(false, Action::ClockAhead);
                        here(false, Action::ClockBack);
                    }
                    for action in OF_PROCESSES {
                        here(false, action);
                        here(true, action);
                    }
                    for action in OF_THE_WAY.into_iter().chain(OF_ROWS) {
                        here(false, action);
                    }
                    here(true, Action::DeafLong);
                    here(true, Action::Abort);
                    if shape.reruns() {
                        here(false, Action::OffOvertaken);
                        here(false, Action::StopAgentOvertaken);
                    }
                    if shape == Shape::Spread || is_slow {
                        here(false, Action::Vanish);
                        here(true, Action::VanishBack);
                        here(false, Action::Drain);
                    }
                }
                _ if is_slow => {}
                _ => {
                    Action::OF_CALL.into_iter().for_each(|action| here(false, action));
                    for action in [Action::KillSelf, Action::KillEndpoint] {
                        here(false, action);
                        here(true, action);
                    }
                    for action in
                        [Action::FreezeSelf, Action::ServiceOff, Action::ServiceDeaf, Action::OffLong]
                    {
                        here(false, action);
                    }
                    here(true, Action::Abort);
                    here(true, Action::Cancel);
                    if client == Function::RsqlInvoke.as_str() {
                        here(true, Action::RowNewer);
                        here(true, Action::RowBroken);
                        if shape == Shape::Spread {
                            here(false, Action::Vanish);
                            here(false, Action::VanishBack);
                        }
                    }
                }
            }
        }
    }
    // Somebody stops the run, and the event that should close it does not arrive.
    let fault = |client: &str, operation: &str, action: Action| Fault {
        client: client.to_owned(),
        operation: operation.to_owned(),
        nth: 1,
        after: false,
        action,
    };
    let faults =
        vec![fault("agent", "UpdateItem", Action::Abort), fault("update-audit", "invoke", Action::Lost)];
    specs.push(Spec { shape, faults });
    let mut add = |client: &str, operation: &str, nth: u32, after: bool, action: Action| {
        let fault = Fault { client: client.to_owned(), operation: operation.to_owned(), nth, after, action };
        specs.push(Spec { shape, faults: vec![fault] });
    };
    if disks {
        add("agent", "disk", 1, false, Action::FullSpool);
        add("agent", "disk", 1, false, Action::FullLogs);
    }
    specs
}

/// Two or three of these at once, in one run.
pub fn combination(singles: &[Spec], random: &mut Rng) -> Option<Spec> {
    let first = random.choice(singles)?;
    let like: Vec<&Spec> = singles
        .iter()
        .filter(|one| one.shape == first.shape && one.is_of_endpoint() == first.is_of_endpoint())
        .collect();
    let mut faults = first.faults.clone();
    for _ in 0..random.usize(1..=2) {
        let Some(next) = random.choice(&like) else { break };
        faults
            .extend(next.faults.iter().filter(|fault| !faults.contains(fault)).cloned().collect::<Vec<_>>());
    }
    Some(Spec { shape: first.shape, faults })
}
