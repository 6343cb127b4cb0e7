//! An interpreter of Amazon States Language with the query language JSONPath: pure and synchronous.
//!
//! A [`Definition`] is compiled and checked once; what is not known is refused there, with the state and field.
//! An [`Execution`] is a value. [`Execution::step`] takes one [`Input`] and the time, and gives the [`Effect`]s that
//! a driver carries out. Nothing here waits, spawns, reads a clock or draws randomness of its own: time comes in with
//! each input, randomness from a [`Seed`]. So the same inputs at the same times make the same execution, and a
//! journal of them is enough to bring one back after a crash.
//!
//! Layout: `definition` compiles; `path`, `intrinsic` and `template` are the expressions; `execution` runs, and
//! `payload` is what passes between its states; `history` is what GetExecutionHistory shows; `resource` knows the
//! service integrations.
//!
//! Behaviour follows the service as it was recorded, then its documentation, then
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
