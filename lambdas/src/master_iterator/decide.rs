//! The decision, without access to tables.

use rsqlflow_core::config::{ExecutionType, OnFailure};
use rsqlflow_core::plan::{Chunk, ChunkRef, Plan};

use crate::chunk_rows::on_failure;

/// The chunk that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finished {
    pub(super) at: ChunkRef,
    pub(super) verdict: ChunkResult,
    /// Whether earlier chunks of its stage failed.
    pub(super) stage_failed: bool,
}

/// The result of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkResult {
    /// Every job completed.
    Good,
    /// Jobs failed.
    Bad,
    /// Its execution failed for another reason than its jobs. `on_failure` does not apply.
    Broken,
}

/// The next step.
#[derive(Debug, PartialEq)]
pub(super) struct Decision<'p> {
    /// The chunk to run. `None` if the run has ended.
    pub(super) chunk: Option<Chunk<'p>>,
    /// Whether the stage, and with it the workflow, has failed so far.
    pub(super) failed: bool,
}

pub(super) fn decide<'p>(plan: &'p Plan, finished: Option<&Finished>) -> Decision<'p> {
    let Some(finished) = finished else { return Decision { chunk: plan.next(None), failed: false } };
    let at = finished.at;
    let on_failure = on_failure(plan, at.stage);
    let failed = match finished.verdict {
        ChunkResult::Good => finished.stage_failed,
        ChunkResult::Bad => finished.stage_failed || on_failure != OnFailure::Continue,
        ChunkResult::Broken => return Decision { chunk: None, failed: true },
    };
    let next = plan.next(Some(at));
    if !failed {
        return Decision { chunk: next, failed };
    }
    // A failed stage is completed only if it is parallel and `on_failure` is `finish`. No stage follows it.
    let parallel = plan
        .stages
        .get(usize::from(at.stage))
        .is_some_and(|stage| stage.execution_type == ExecutionType::Parallel);
    let goes_on = parallel && on_failure == OnFailure::Finish;
    Decision { chunk: next.filter(|chunk| goes_on && chunk.at.stage == at.stage), failed }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use rsqlflow_core::plan::CHUNK_JOBS;

    use super::*;
    use crate::fixture::plan;

    fn after(
        plan: &Plan,
        stage: u16,
        chunk: u16,
        verdict: ChunkResult,
        stage_failed: bool,
    ) -> (Option<ChunkRef>, bool) {
        let at = ChunkRef { stage, chunk };
        let decision = decide(plan, Some(&Finished { at, verdict, stage_failed }));
        (decision.chunk.map(|chunk| chunk.at), decision.failed)
    }

    const fn at(stage: u16, chunk: u16) -> Option<ChunkRef> {
        Some(ChunkRef { stage, chunk })
    }

    #[test]
    fn what_failure_means() {
        use ChunkResult::{Bad, Broken, Good};
        for (kind, on_failure, next_of_failed) in [
            ("parallel", "finish", at(0, 1)),
            ("parallel", "stop", None),
            ("sequential", "finish", None),
            ("sequential", "stop", None),
        ] {
            let plan = plan(&[(kind, on_failure, CHUNK_JOBS + 1), ("parallel", "finish", 1)]);
            assert_eq!(after(&plan, 0, 0, Good, false), (at(0, 1), false), "{kind} {on_failure}");
            assert_eq!(after(&plan, 0, 0, Bad, false), (next_of_failed, true), "{kind} {on_failure}");
            assert_eq!(after(&plan, 0, 0, Broken, false), (None, true));
            // The last chunk is fine, an earlier one was not: no next stage.
            assert_eq!(after(&plan, 0, 1, Good, true), (None, true));
            assert_eq!(after(&plan, 0, 1, Good, false), (at(1, 0), false));
        }
        for kind in ["parallel", "sequential"] {
            let plan = plan(&[(kind, "continue", CHUNK_JOBS + 1), ("parallel", "finish", 1)]);
            assert_eq!(after(&plan, 0, 0, Bad, false), (at(0, 1), false));
            assert_eq!(after(&plan, 0, 1, Bad, false), (at(1, 0), false));
            assert_eq!(after(&plan, 0, 1, Broken, false), (None, true), "a broken machine is no failed job");
        }
    }

    #[test]
    fn nothing_to_do_is_done_at_once() {
        assert_eq!(decide(&plan(&[]), None), Decision { chunk: None, failed: false });
        let empty = plan(&[("parallel", "finish", 0), ("sequential", "finish", 1)]);
        assert_eq!(decide(&empty, None).chunk.map(|chunk| chunk.at), at(1, 0));
    }

    proptest! {
        /// Whatever fails, a run ends, takes no chunk twice, and runs nothing after a stage that failed.
        #[test]
        fn every_run_ends(
            stages in proptest::collection::vec((
                prop_oneof![Just("sequential"), Just("parallel")],
                prop_oneof![Just("finish"), Just("stop"), Just("continue")],
                prop_oneof![Just(0usize), Just(1), Just(CHUNK_JOBS), Just(2 * CHUNK_JOBS + 1)],
            ), 0..4),
            verdicts in proptest::collection::vec(prop_oneof![
                3 => Just(ChunkResult::Good), 2 => Just(ChunkResult::Bad), 1 => Just(ChunkResult::Broken),
            ], 16),
        ) {
            let plan = plan(&stages);
            let mut decision = decide(&plan, None);
            let mut last: Option<ChunkRef> = None;
            for verdict in verdicts {
                let Some(chunk) = &decision.chunk else { break };
                let at = chunk.at;
                prop_assert!(last.is_none_or(|last| last < at));
                if decision.failed {
                    prop_assert_eq!(last.map(|last| last.stage), Some(at.stage), "only its own stage goes on");
                }
                decision = decide(&plan, Some(&Finished { at, verdict, stage_failed: decision.failed }));
                if verdict != ChunkResult::Good && stages[usize::from(at.stage)].1 != "continue" {
                    prop_assert!(decision.failed);
                }
                last = Some(at);
            }
            prop_assert!(decision.chunk.is_none());
        }
    }
}
