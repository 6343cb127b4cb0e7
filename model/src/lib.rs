//! The protocol of `docs/once.md` as a model that explores every order of events within bounds.
//!
//! The job's row changes by the functions that production runs: [`rsqlflow_core::protocol`]. The model adds the
//! world around them, with its delays, losses and deaths, and what must hold whatever happens.
//!
//! - [`state`]: the world at one moment.
//! - [`protocol`]: who may take which step, and what time does; `launcher`, `agent` and `closer` take them;
//!   `row` makes their writes, `callback` their answers.
//! - [`properties`]: what must hold.
//! - [`explore`]: that no step leads back, and what the bounds reach; [`trace`]: a counterexample as text.
//! - [`rules`]: the protocol's rules as switches; [`bounds`]: how far to look.
//! - [`kept`]: the same for jobs that are statements of the Data API.

mod agent;
pub mod bounds;
mod callback;
mod closer;
pub mod explore;
pub mod kept;
mod launcher;
pub mod properties;
pub mod protocol;
mod row;
pub mod rules;
pub mod state;
pub mod trace;

pub use bounds::{Bounds, Faults};
pub use protocol::{Action, Protocol};
pub use rules::Rules;
