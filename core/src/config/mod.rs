//! The workflow item: what a user writes, as types, and the reader that finds every mistake in it at once.
//!
//! [`Workflow`] and what it holds are the types; the JSON Schema is generated from them. Each has its reader
//! beside it, which walks a [`serde_json::Value`] with a cursor that knows its path and reports
//! into one list, so reading goes on after a mistake, where serde would stop at the first.

mod choice;
mod job;
mod limits;
mod load;
mod reader;
pub(crate) mod rules;
mod settings;
mod stage;
mod target;
mod warehouse;
mod work;
mod workflow;

#[cfg(test)]
pub(crate) mod arbitrary;
#[cfg(test)]
pub(crate) mod gallery;
#[cfg(test)]
mod tests;

pub use choice::{ConcurrencyPolicy, ExecutionFlag, ExecutionType, NotifyOn, OnFailure, OnLost};
pub use job::Job;
pub(crate) use limits::json_bytes;
pub use limits::{
    MAX_ARGUMENT_BYTES, MAX_CONCURRENCY, MAX_ITEM_BYTES, MAX_JOB_BYTES, MAX_JOBS, MAX_RETRIES,
    MAX_SNAPSHOT_BYTES, MAX_STAGES, MAX_TIMEOUT,
};
pub(crate) use load::Wrong;
pub use load::{Copy, CopyColumn, FileCompression, FileFormat, LoadMode, TypedColumn, Unload};
pub(crate) use reader::Cursor;
pub(crate) use rules::{Broken, Checked, is_topic_arn, secret as check_secret};
pub use settings::Settings;
pub use stage::Stage;
pub use target::{Tags, Target};
pub use warehouse::Warehouse;
pub use work::{Environment, Script, Sql, SqlSource, Work};
pub(crate) use workflow::read_parameter;
pub use workflow::{Notify, Workflow};
