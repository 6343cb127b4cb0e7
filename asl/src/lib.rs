//! An interpreter of Amazon States Language with the query language JSONPath: pure and synchronous.
//!
//! A [`Definition`] is compiled and validated once; unsupported features are rejected with their state and field. An
//! [`Execution`] is a value. [`Execution::step`] takes one [`Input`] and the time, and returns the [`Effect`]s that a
//! driver carries out. The crate does not wait, spawn, read a clock or use its own randomness: time comes with each
//! input, randomness from a [`Seed`]. The same inputs at the same times therefore produce the same execution, and a
//! journal of them is sufficient to restore it after a crash.
//!
//! Modules: `definition` compiles; `path`, `intrinsic` and `template` are the expressions; `execution` runs, and `payload`
//! is the data between states; `history` has the events of GetExecutionHistory; `resource` has the service integrations.
//!
//! The behaviour follows recordings of the service, then its documentation, then
//! <https://states-language.net/spec.html>.

mod definition;
mod error;
mod execution;
mod history;
mod intrinsic;
mod path;
mod payload;
mod random;
mod resource;
mod scope;
mod template;
mod value;

pub use definition::{Definition, Problem};
pub use execution::{
    Callback, ChildExecution, Effect, Ended, Execution, ExecutionContext, Input, MAX_EVENTS,
    MAX_PAYLOAD_BYTES, OpenTask, Rejected, StartTask, Status, Step, TaskId, TaskToken,
};
pub use history::{EventKind, HistoryEvent, StateKind, without_data};
pub use payload::Payload;
pub use random::Seed;
pub use resource::{Pattern, Resource, Service};
