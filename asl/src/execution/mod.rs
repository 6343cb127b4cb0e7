//! Running a definition.
//!
//! `api` is what goes in and out. `state` is the execution's data. `accept` takes inputs and timers. `evaluate`
//! decides purely what a state does, `act` does it; `task` and `group` are the states that wait for others;
//! `failure` is Retry, Catch and what a failure takes down with it.

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
