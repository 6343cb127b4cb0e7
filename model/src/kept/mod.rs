//! The second half of the protocol: jobs that are statements of the Redshift Data API, sent by the launcher and kept
//! by the clock. The functions of [`rsqlflow_core::protocol::keeper`], with the service and the world around them.
//!
//! - [`world`]: the world at one moment.
//! - [`model`]: who may take which step, and what time does; `process` takes the steps of launcher and clock,
//!   `service` those of the Data API.
//! - [`properties`]: what must hold.
//! - [`rules`]: the rules as switches; [`bounds`]: how far to look.

pub mod bounds;
pub mod model;
mod process;
pub mod properties;
pub mod rules;
mod service;
pub mod world;

pub use bounds::{Bounds, Faults};
pub use model::{Action, Kept};
pub use rules::Rules;
