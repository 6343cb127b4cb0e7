//! The history of an execution, with the events of GetExecutionHistory.

mod event;
mod render;

pub use event::{EventKind, HistoryEvent, StateKind};
pub use render::without_data;
