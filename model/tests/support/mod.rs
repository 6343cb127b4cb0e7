//! What both kinds of test do: check bounds, and show a counterexample.

use rsqlflow_model::{Action, Protocol, state::World, trace};
use stateright::{Checker, HasDiscoveries, Model, Path};

/// The result of an exhaustive check.
pub(crate) struct Checked {
    pub(crate) states: usize,
    pub(crate) broken: Vec<(&'static str, Path<World, Action>)>,
}

/// Looks at everything within the bounds, until a property of `wanted` (any, if it is empty) is found broken.
/// One thread, so that what is found is short; nextest runs as many tests at once as there are cores.
pub(crate) fn check(protocol: Protocol, wanted: &[&'static str]) -> Checked {
    let until = match wanted {
        [] => HasDiscoveries::AnyFailures,
        _ => HasDiscoveries::AllOf(wanted.iter().copied().collect()),
    };
    let checker = protocol.checker().finish_when(until).spawn_bfs().join();
    let states = checker.unique_state_count();
    println!("{states} states, {} steps, depth {}", checker.state_count(), checker.max_depth());
    Checked { states, broken: checker.discoveries().into_iter().collect() }
}

/// Fails with a short counterexample if there is any.
pub(crate) fn holds(protocol: Protocol) -> usize {
    let checked = check(protocol, &[]);
    if let Some((name, path)) = checked.broken.into_iter().next() {
        panic!("broken: {name}\n{}", trace::readable(path));
    }
    checked.states
}
