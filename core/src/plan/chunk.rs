//! Pieces of a stage, each small enough for one child execution.

use serde::{Deserialize, Serialize};

use super::{Plan, ResolvedJob};
use crate::config::{ExecutionType, OnFailure};
use crate::{JobId, Seconds};

/// Most runnable jobs of a chunk. A job costs 8 history events, and 37 if every try that the machines allow it goes
/// wrong; so even the worst child stays below the 25,000 events of a Standard execution (Step Functions developer
/// guide, "Quotas"). Large, since each chunk costs five state transitions beside its jobs.
pub const CHUNK_JOBS: usize = 667;

/// Most runnable jobs of a chunk of a run with a snapshot of this version. A run that is open while its functions are
/// replaced must be cut as it was at its start, or a chunk would miss jobs that were another's.
pub(super) fn chunk_jobs(snapshot_version: u32) -> usize {
    if snapshot_version < 3 { 500 } else { CHUNK_JOBS }
}

/// A chunk's place: stage, and number in the stage, both from 0. Sorts in plan order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChunkRef {
    /// Stage, from 0.
    pub stage: u16,
    /// Chunk of the stage, from 0.
    pub chunk: u16,
}

/// A piece of a stage: up to [`Plan::chunk_jobs`] of its runnable jobs, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk<'p> {
    /// Its place.
    pub at: ChunkRef,
    /// Its runnable jobs; at least one.
    pub jobs: Vec<(JobId, &'p ResolvedJob)>,
    plan: &'p Plan,
    execution_type: ExecutionType,
    max_concurrency: u32,
    on_failure: OnFailure,
}

/// The times of a job's waiting task, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Limit {
    /// `HeartbeatSeconds`.
    pub h: Seconds,
    /// `TimeoutSeconds`.
    pub t: Seconds,
}

/// What the child execution is given of a chunk. Below 8 KB for jobs that share a few limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkInput {
    /// Stage, from 0.
    pub stage: u16,
    /// Chunk of the stage, from 0.
    pub chunk: u16,
    /// Which machine runs it.
    pub execution_type: ExecutionType,
    /// Most jobs at once.
    pub max_concurrency: u32,
    /// What a failed job means.
    pub on_failure: OnFailure,
    /// The distinct limits of its jobs.
    pub limits: Vec<Limit>,
    /// A job each: its position in the stage, and which of `limits` is its own.
    pub items: Vec<(u32, u16)>,
}

impl Chunk<'_> {
    /// What the child execution is given.
    #[must_use]
    pub fn input(&self) -> ChunkInput {
        let mut limits: Vec<Limit> = Vec::new();
        let items = self
            .jobs
            .iter()
            .map(|(id, job)| {
                let limit = Limit { h: job.heartbeat, t: job.task_timeout(&self.plan.timing) };
                let k = limits.iter().position(|known| *known == limit).unwrap_or_else(|| {
                    limits.push(limit);
                    limits.len() - 1
                });
                // A chunk has at most CHUNK_JOBS limits.
                (id.position, u16::try_from(k).unwrap_or(u16::MAX))
            })
            .collect();
        ChunkInput {
            stage: self.at.stage,
            chunk: self.at.chunk,
            execution_type: self.execution_type,
            max_concurrency: self.max_concurrency,
            on_failure: self.on_failure,
            limits,
            items,
        }
    }
}

impl Plan {
    /// The chunk of a place, or `None` if the stage has none there.
    #[must_use]
    pub fn chunk(&self, at: ChunkRef) -> Option<Chunk<'_>> {
        let stage = self.stages.get(usize::from(at.stage))?;
        let jobs: Vec<_> = (0u32..)
            .zip(&stage.jobs)
            .filter(|(_, job)| !job.skip)
            .skip(usize::from(at.chunk) * self.chunk_jobs)
            .take(self.chunk_jobs)
            .map(|(position, job)| (JobId::new(at.stage, position), job))
            .collect();
        (!jobs.is_empty()).then_some(Chunk {
            at,
            jobs,
            plan: self,
            execution_type: stage.execution_type,
            max_concurrency: stage.max_concurrency,
            on_failure: stage.on_failure,
        })
    }

    /// The chunk that follows `after`, or the first. Stages without a runnable job have none.
    #[must_use]
    pub fn next(&self, after: Option<ChunkRef>) -> Option<Chunk<'_>> {
        let from = match after {
            None => ChunkRef { stage: 0, chunk: 0 },
            Some(after) => {
                let within = after.chunk.checked_add(1).map(|chunk| ChunkRef { chunk, ..after });
                if let Some(chunk) = within.and_then(|at| self.chunk(at)) {
                    return Some(chunk);
                }
                ChunkRef { stage: after.stage.checked_add(1)?, chunk: 0 }
            }
        };
        let stages = u16::try_from(self.stages.len()).unwrap_or(u16::MAX);
        (from.stage..stages).find_map(|stage| self.chunk(ChunkRef { stage, chunk: 0 }))
    }

    /// The skipped jobs between two chunks: after the last job of `after` (or from the start) and before the
    /// last job of `until` (or to the end). Whoever walks the plan with [`Self::next`] and writes these as well
    /// has written every job once.
    pub fn skipped_between(
        &self,
        after: Option<ChunkRef>,
        until: Option<ChunkRef>,
    ) -> impl Iterator<Item = (JobId, &ResolvedJob)> {
        let last = |at: ChunkRef| self.chunk(at).and_then(|chunk| chunk.jobs.last().map(|(id, _)| *id));
        let (after, until) = (after.and_then(last), until.and_then(last));
        self.jobs().filter(move |(id, job)| {
            job.skip && after.is_none_or(|after| *id > after) && until.is_none_or(|until| *id < until)
        })
    }
}
