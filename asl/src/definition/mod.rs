//! A compiled and validated state machine. Unsupported features are rejected here, not at run time.

mod choice;
mod fields;
mod model;
mod names;
mod parse;
mod problem;
mod retry;
mod state;
mod task;

pub(crate) use choice::timestamp;
pub use model::Definition;
pub(crate) use model::{
    Catcher, DataPath, IntegerSource, Kind, MapState, Next, ResultPath, State, StateId, TextSource, WaitUntil,
};
pub use problem::Problem;

#[cfg(test)]
mod tests;
