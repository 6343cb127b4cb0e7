use rsqlflow_model::{Bounds, Faults, Protocol};
use stateright::{Checker, HasDiscoveries, Model};

fn check(bounds: Bounds) {
    let checker = Protocol::new(bounds).checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!("{} states, {} steps, depth {}", checker.unique_state_count(), checker.state_count(), checker.max_depth());
    for (name, path) in checker.discoveries() {
        println!("BROKEN: {name}");
        for (world, action) in path.into_vec() {
            println!("{world}");
            if let Some(action) = action { println!("    {action}"); }
        }
    }
    assert!(checker.discoveries().is_empty());
}

#[test]
fn no_faults() {
    check(Bounds::SMALL);
}
#[test]
fn kills() {
    check(Bounds::SMALL.with(Faults { kills: 1, ..Faults::NONE }));
}
#[test]
fn aborts() {
    check(Bounds::SMALL.with(Faults { aborts: 1, ..Faults::NONE }));
}
