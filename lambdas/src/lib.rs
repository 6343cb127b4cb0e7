//! The Lambda functions: a module for each, one entry point ([`invoke`]), and the state machines that invoke them.
//!
//! | function | called by | does |
//! | --- | --- | --- |
//! | [`workflow_trigger`] | users, schedules | validates, locks, plans, starts the master |
//! | [`master_iterator`] | master | settles a chunk, selects the next one |
//! | [`sequential_iterator`] | sequential machine | writes the rows of its chunk |
//! | [`rsql_invoke`] | both machines, a job each | sends the job to an instance, or its SQL to the Data API |
//! | [`parallel_load_check`] | parallel machine | settles and evaluates its chunk |
//! | [`update_audit`] | master, and the event of its end | settles and closes the run |
//! | [`clock`] | a schedule, ends of statements, operators | monitors statements of the Data API, closes runs whose end was not reported |
//!
//! They share `hand_out` (rows of jobs), `statement` (jobs that are SQL), `settle` (the closer's rule over rows) and `closing`
//! (the end of a run). On AWS the binary `bootstrap` runs one of them, by `_HANDLER`; on a single machine they
//! run in the process of the endpoint.

mod aws;
mod chunk_rows;
pub mod clock;
mod closing;
mod context;
mod dispatch;
mod error;
#[cfg(test)]
mod fixture;
mod hand_out;
mod instance;
pub mod machines;
pub mod master_iterator;
mod notify;
pub mod parallel_load_check;
mod permitted;
pub mod rsql_invoke;
pub mod sequential_iterator;
mod settle;
mod standing;
mod statement;
mod token;
pub mod update_audit;
pub mod workflow_trigger;

pub use context::{Context, StartError};
pub use dispatch::{FunctionError, invoke};
pub use error::HandlerError;
pub use rsqlflow_store::ServiceError;
