//! Kept statements: the protocol keeps its promises, whatever the order of events, within each of these bounds.

#![expect(clippy::print_stdout, clippy::panic, reason = "helpers of tests, which clippy takes for no tests")]

use rsqlflow_model::kept::{Bounds, Faults, Kept, world::World};
use rsqlflow_model::{state::Machine, trace};
use stateright::{Checker, HasDiscoveries, Model};

const SMALL: Bounds = Bounds::SMALL;
const NONE: Faults = Faults::NONE;

/// Exhaustive. `at_least` so many states, lest a mistake in the model leave nothing to check.
fn holds(bounds: Bounds, at_least: usize) {
    let checker = Kept::new(bounds).checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let states = checker.unique_state_count();
    println!("{states} states, {} steps, depth {}", checker.state_count(), checker.max_depth());
    if let Some((name, path)) = checker.discoveries().into_iter().next() {
        panic!("broken: {name}\n{}", trace::readable(path));
    }
    assert!(states >= at_least, "only {states} states");
}

#[test]
fn a_lost_answer_a_late_call_and_a_cancel() {
    holds(SMALL.with(Faults { lost_answers: 1, flights: 1, cancels: 1, dawdles: 1, ..NONE }), 100_000);
}

#[test]
fn lost_writes_and_a_failure() {
    holds(SMALL.with(Faults { lost_writes: 2, failures: 1, dawdles: 1, ..NONE }), 100_000);
}

#[test]
fn throttles_and_a_refusal() {
    holds(SMALL.with(Faults { throttles: 2, lost_answers: 1, refusals: 1, dawdles: 1, ..NONE }), 20_000);
}

#[test]
fn an_abort_elsewhere_and_a_doubled_clock() {
    let bounds = Bounds { processes: 3, ..SMALL };
    holds(bounds.with(Faults { aborts_elsewhere: 1, second_clocks: 1, failures: 1, ..NONE }), 50_000);
}

#[test]
fn an_abort_with_a_call_under_way() {
    let bounds = Bounds { tries: 1, heartbeat: 20, ..SMALL };
    holds(bounds.with(Faults { aborts: 1, flights: 1, closer_delays: 1, ..NONE }), 20_000);
}

#[test]
fn a_dead_clock_and_a_doubled_launcher() {
    holds(SMALL.with(Faults { clock_deaths: 1, second_invocations: 1, lost_answers: 1, ..NONE }), 20_000);
}

#[test]
fn a_clock_that_is_away_for_longer_than_the_service_remembers() {
    let bounds = Bounds { outage: 12, ..SMALL };
    holds(bounds.with(Faults { outages: 1, flights: 1, cancels: 1, ..NONE }), 20_000);
}

#[test]
fn clocks_that_differ() {
    let bounds = Bounds { skew: 1, margin: 1, token_memory: 8, ..SMALL };
    holds(bounds.with(Faults { lost_answers: 1, throttles: 1, outages: 1, cancels: 1, ..NONE }), 50_000);
}

#[test]
fn a_statement_that_runs_too_long() {
    let bounds = Bounds { timeout: 2, ..SMALL };
    holds(bounds.with(Faults { dawdles: 1, try_ends: 1, ..NONE }), 20_000);
}

/// Random walks far beyond: more of everything, and longer times. The seed is fixed, and so is the number of worlds.
mod walks {
    use rsqlflow_model::kept::Action;
    use stateright::Chooser;

    use super::*;

    /// Takes what goes wrong less often than what goes on.
    #[derive(Clone)]
    struct Walker;

    fn weight(action: &Action) -> u64 {
        match action {
            Action::Abort | Action::RequestCancel | Action::Outage => 1,
            Action::TryEnds
            | Action::InvokeAgain
            | Action::SecondClock
            | Action::WriteAnswerLost(_)
            | Action::AnswerLost(_)
            | Action::DiesSending(_)
            | Action::Throttled(_)
            | Action::Refused(_) => 4,
            Action::Ends(..) => 3,
            Action::Tick | Action::Arrives(_) => 15,
            _ => 40,
        }
    }

    impl Chooser<Kept> for Walker {
        type State = u64;

        fn new_state(&self, seed: u64) -> u64 {
            seed
        }

        fn choose_initial_state(&self, _: &mut u64, _: &[World]) -> usize {
            0
        }

        /// SplitMix64, as the other walks.
        fn choose_action(&self, state: &mut u64, _: &World, actions: &[Action]) -> usize {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let mut at = (z ^ (z >> 31)) % actions.iter().map(weight).sum::<u64>();
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

    #[test]
    fn wide() {
        let bounds = Bounds {
            heartbeat: 7,
            tries: 6,
            lambda: 2,
            flight: 2,
            list_lag: 2,
            margin: 1,
            skew: 1,
            token_memory: 14,
            longest: 24,
            work: 9,
            timeout: 12,
            delay: 2,
            attempts: 12,
            processes: 4,
            outage: 9,
            survives: 9,
            horizon: 200,
            faults: Faults {
                lost_answers: 3,
                lost_writes: 3,
                flights: 3,
                throttles: 4,
                refusals: 1,
                failures: 2,
                aborts_elsewhere: 1,
                outages: 2,
                clock_deaths: 3,
                dawdles: 6,
                second_clocks: 6,
                second_invocations: 2,
                try_ends: 1,
                cancels: 1,
                aborts: 1,
                closer_delays: 3,
            },
        };
        let worlds = setting("RSQLFLOW_MODEL_WORLDS", 4_000_000);
        let checker = Kept::new(bounds)
            .checker()
            .finish_when(HasDiscoveries::AnyFailures)
            .target_state_count(usize::try_from(worlds).unwrap_or(usize::MAX))
            .spawn_simulation(setting("RSQLFLOW_MODEL_SEED", 1), Walker)
            .join();
        println!("{} worlds, the longest walk {} steps", checker.state_count(), checker.max_depth());
        if let Some((name, path)) = checker.discoveries().into_iter().next() {
            panic!("broken: {name}\n{}", trace::readable(path));
        }
        assert!(checker.max_depth() > 100, "the walks are shorter than the exhaustive checks are deep");
    }
}

/// The bounds reach what they are about.
#[test]
fn every_end_is_reached() {
    use rsqlflow_core::protocol::JobStatus::{Cancelled, Completed, Failed, Lost, TimedOut};
    let seen = std::sync::Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new()));
    let mut told = 0;
    let faults = [
        Faults { failures: 2, ..NONE },
        Faults { cancels: 1, ..NONE },
        Faults { aborts_elsewhere: 1, outages: 1, lost_answers: 1, ..NONE },
    ];
    for faults in faults {
        let seen = seen.clone();
        let bounds = Bounds { timeout: 2, outage: 10, ..SMALL };
        let (visitor, worlds) = stateright::StateRecorder::new_with_accessor();
        Kept::new(bounds.with(faults)).checker().visitor(visitor).spawn_bfs().join();
        for world in worlds() {
            let world: World = world;
            told += usize::from(matches!(world.machine, Machine::Told(_)));
            if world.released {
                seen.lock().unwrap().insert(world.row.status);
            }
        }
    }
    assert!(told > 0);
    assert_eq!(*seen.lock().unwrap(), [Completed, Failed, TimedOut, Cancelled, Lost].into());
}
