//! A counterexample as people read it.

use std::fmt::Write as _;

use stateright::Path;

use crate::protocol::Action;
use crate::state::World;

/// One line a step: what was done, and the world after it. Steps that leave no trace in the row, the machine or
/// the scripts show the world only by a ditto.
#[must_use]
pub fn readable(path: Path<World, Action>) -> String {
    let mut text = String::new();
    let mut before = String::new();
    let mut done: Option<Action> = None;
    for (world, next) in path.into_vec() {
        let mut now = world.to_string();
        let line = if now == before { "″" } else { &now };
        let action = done.map_or_else(|| "(start)".to_owned(), |action| action.to_string());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{action:<34} {line}");
        before = std::mem::take(&mut now);
        done = next;
    }
    text
}
