//! How a job runs once and only once: the row, the changes it allows, and who decides on which.
//!
//! - [`state`]: the columns of a job's row that the protocol reads, and its status.
//! - [`change`]: every write there is, as data, and [`Change::apply`], the one total transition function. The
//!   store turns a change into a conditional write with the same condition; the model runs it as it is.
//! - [`contract`]: which versions of functions and agents understand each other's rows.
//! - [`launcher`], [`agent`], [`closer`]: what each of the three writers does, given the row it has read.
//! - [`keeper`]: the same for jobs that are statements of the Data API, where launcher and clock take the agent's place.
//!
//! `docs/once.md` explains the rules; crate `rsqlflow-model` checks them by exploring every order of events.

pub mod agent;
#[cfg(any(test, feature = "proptest"))]
pub mod arbitrary;
mod change;
pub mod closer;
pub mod contract;
pub mod keeper;
pub mod launcher;
mod outcome;
mod state;

#[cfg(test)]
mod tests;

pub use change::{Change, Refused};
pub use contract::{Contract, Incompatible};
pub use outcome::{Answer, MAX_MESSAGE_BYTES, Outcome, cut};
pub use state::{JobState, JobStatus, Reply, TokenEntered, UnknownStatus};
