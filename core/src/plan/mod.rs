//! What a run will do, fixed when it starts.
//!
//! [`Snapshot`] is what the trigger stores: the item as it was, and all that was decided beside it. [`Plan`] is
//! computed from the snapshot, always the same, whenever someone asks; so editing the configuration later does
//! not change a run. A [`Chunk`] is the piece of a plan that one child execution gets.

mod chunk;
mod defaults;
mod digest;
mod job;
mod resolve;
mod snapshot;

#[cfg(test)]
mod tests;

pub use chunk::{CHUNK_JOBS, Chunk, ChunkInput, ChunkRef, Limit};
pub use defaults::DeploymentDefaults;
pub use job::{ResolvedJob, SqlJob};
pub use resolve::{Plan, PlannedStage};
pub use snapshot::{SNAPSHOT_VERSION, Snapshot, Trigger};
