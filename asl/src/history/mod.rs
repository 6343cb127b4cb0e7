//! The history of an execution: events exactly as GetExecutionHistory reports them.

mod event;
mod render;

pub use event::{EventKind, HistoryEvent, StateKind};
pub use render::without_data;
