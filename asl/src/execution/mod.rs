//! Executes a definition.
//!
//! `api` has inputs and effects. `state` is the execution's data. `accept` processes inputs and timers. `evaluate`
//! decides what a state does, and `act` does it. `task` and `group` are the states that wait. `failure` handles Retry and
//! Catch.

mod accept;
mod act;
mod api;
mod evaluate;
mod failure;
mod group;
mod shape;
mod state;
mod task;
mod timers;

pub use api::{
    Callback, ChildExecution, Effect, Ended, ExecutionContext, Input, Rejected, StartTask, Status, Step,
    TaskId, TaskToken,
};
pub use state::{Execution, MAX_EVENTS, MAX_PAYLOAD_BYTES, OpenTask};
