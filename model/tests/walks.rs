//! Random walks far beyond the exhaustive bounds: more of everything, and finer time.
//!
//! The seed is fixed and so is the number of worlds, hence so is what is looked at.
//! `RSQLFLOW_MODEL_SEED` and `RSQLFLOW_MODEL_WORLDS` look elsewhere, and longer.

#![expect(clippy::print_stdout, clippy::panic, reason = "helpers of tests, which clippy takes for no tests")]

use rsqlflow_core::protocol::launcher::OnLost;
use rsqlflow_model::{Action, Bounds, Faults, Protocol, state::World, trace};
use stateright::{Checker, Chooser, HasDiscoveries, Model};

/// Takes what goes wrong less often than what goes on: else every walk spends its faults in its first steps,
/// and most end in an early abort.
#[derive(Clone)]
struct Walker;

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): small, and the
/// same in every version of everything.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

fn weight(action: &Action) -> u64 {
    match action {
        Action::Abort | Action::RequestCancel => 1,
        Action::TryEnds
        | Action::InvokeAgain
        | Action::Kill(_)
        | Action::Suspend(_)
        | Action::LauncherAnswerLost(_)
        | Action::SendFails { .. }
        | Action::AgentAnswerLost(_)
        | Action::AgentRequestLost(_)
        | Action::CallbackLost { .. }
        | Action::Queue(_)
        | Action::Flush(_) => 4,
        Action::ScriptEnds(_) => 3,
        Action::Deliver { .. } | Action::Resume(_) => 15,
        _ => 40,
    }
}

impl Chooser<Protocol> for Walker {
    type State = Random;

    fn new_state(&self, seed: u64) -> Random {
        Random(seed)
    }

    fn choose_initial_state(&self, _: &mut Random, _: &[World]) -> usize {
        0
    }

    fn choose_action(&self, random: &mut Random, _: &World, actions: &[Action]) -> usize {
        let mut at = random.below(actions.iter().map(weight).sum());
        actions
            .iter()
            .position(|action| {
                let here = at < weight(action);
                at = at.saturating_sub(weight(action));
                here
            })
            .unwrap_or_default()
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn walk(bounds: Bounds) {
    let (seed, worlds) = (setting("RSQLFLOW_MODEL_SEED", 1), setting("RSQLFLOW_MODEL_WORLDS", 4_000_000));
    let checker = Protocol::new(bounds)
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .target_state_count(usize::try_from(worlds).unwrap_or(usize::MAX))
        .spawn_simulation(seed, Walker)
        .join();
    println!("{} worlds, the longest walk {} steps", checker.state_count(), checker.max_depth());
    if let Some((name, path)) = checker.discoveries().into_iter().next() {
        panic!("broken: {name}\n{}", trace::readable(path));
    }
    assert!(checker.max_depth() > 100, "the walks are shorter than the exhaustive checks are deep");
}

const WIDE: Bounds = Bounds {
    heartbeat: 6,
    lease: 5,
    margin: 1,
    skew: 1,
    lambda_timeout: 3,
    token_patience: 18,
    work_until: 40,
    horizon: 200,
    tries: 8,
    attempts: 9,
    lambdas: 3,
    agents: 4,
    closers: 2,
    on_lost: OnLost::Rerun,
    faults: Faults {
        lost_writes: 6,
        lost_callbacks: 4,
        kills: 2,
        stalls: 12,
        sleeps: 12,
        try_ends: 3,
        second_invocations: 3,
        second_deliveries: 3,
        queues: 3,
        send_failures: 0,
        cancels: 1,
        aborts: 1,
        closer_delays: 6,
    },
};

#[test]
fn lost_jobs_are_rerun() {
    walk(WIDE);
}

#[test]
fn lost_jobs_fail() {
    walk(Bounds { on_lost: OnLost::Fail, ..WIDE });
}

#[test]
fn commands_cannot_always_be_sent() {
    let faults = Faults { send_failures: 2, aborts: 0, cancels: 0, ..WIDE.faults };
    walk(WIDE.with(faults));
}
