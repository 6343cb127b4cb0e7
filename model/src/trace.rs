//! A counterexample as people read it.

use std::fmt::{Display, Write as _};

use stateright::Path;

/// One line a step: what was done, and the world after it. Steps that leave no trace in what is shown show the world
/// only by a ditto.
#[must_use]
pub fn readable<W, A>(path: Path<W, A>) -> String
where
    W: Display + Clone + PartialEq + std::fmt::Debug,
    A: Display + Clone + PartialEq + std::fmt::Debug,
{
    let mut text = String::new();
    let mut before = String::new();
    let mut done: Option<A> = None;
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
