//! Restarts: a new run that continues a run that has ended.
//!
//! [`restart`] decides, without tables and clocks, which jobs of the new run are run and which are [`Carried`] over.
//! The trigger function reads what it needs and writes what it says, so every client restarts by the same rules.

mod carried;
mod correspond;
mod mark;
mod planner;

#[cfg(test)]
mod tests;

pub use carried::{Carried, Why};
pub use mark::{Mark, MarkRefused, MarkStatus, check_mark};
pub use planner::{Before, ConfigChoice, Current, RestartError, Selection, restart};
