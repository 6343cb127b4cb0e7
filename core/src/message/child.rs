//! A chunk of a stage: what the sequential and the parallel machine are given.

use serde::{Deserialize, Serialize};

use crate::ExecutionId;
use crate::config::OnFailure;
use crate::plan::{ChunkRef, Limit};

/// What a child execution is given, beside the run's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildInput {
    /// Stage, from 0.
    pub stage: u16,
    /// Chunk of the stage, from 0.
    pub chunk: u16,
    /// What a failed job means.
    pub on_failure: OnFailure,
    /// What only a parallel chunk gets: a sequential one asks sequential-iterator.
    #[serde(flatten)]
    pub parallel: Option<ParallelInput>,
}

/// The part of a [`ChildInput`] that only the parallel machine reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParallelInput {
    /// Most jobs at once.
    pub max_concurrency: u32,
    /// The jobs.
    #[serde(flatten)]
    pub items: Items,
}

/// The jobs of a chunk as a Map takes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Items {
    /// A job each: its position in the stage, and which of `limits` is its own.
    pub items: Vec<(u32, u16)>,
    /// The distinct limits of the jobs.
    pub limits: Vec<Limit>,
}

/// To sequential-iterator and parallel-load-check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRequest {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// Stage, from 0.
    pub stage: u16,
    /// Chunk of the stage, from 0.
    pub chunk: u16,
}

impl ChunkRequest {
    /// The chunk's place.
    #[must_use]
    pub const fn at(&self) -> ChunkRef {
        ChunkRef { stage: self.stage, chunk: self.chunk }
    }
}

/// An answer that says nothing: the rows hold what there is to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// The name of the child execution that runs a chunk: `<id>-s0003-c002`.
#[must_use]
pub fn child_name(id: &ExecutionId, at: ChunkRef) -> String {
    format!("{id}-s{:04}-c{:03}", at.stage, at.chunk)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sequential_child_gets_ids_only() {
        let small = ChildInput { stage: 3, chunk: 2, on_failure: OnFailure::Finish, parallel: None };
        let json = json!({ "stage": 3, "chunk": 2, "on_failure": "finish" });
        assert_eq!(serde_json::to_value(&small).unwrap(), json);
        assert_eq!(serde_json::from_value::<ChildInput>(json).unwrap(), small);
    }

    #[test]
    fn the_longest_child_name_is_an_execution_name() {
        let id = ExecutionId::new("x".repeat(60)).unwrap();
        let name = child_name(&id, ChunkRef { stage: 9_998, chunk: 19 });
        assert!(name.ends_with("-s9998-c019") && name.len() <= 80, "{name}");
    }
}
