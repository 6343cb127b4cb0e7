//! What a running `dag` stage does next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Graph;
use crate::config::OnFailure;

/// When a job runs, by how its parents ended: the field `run_if` of a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunIf {
    /// All parents are `Completed` or `Skipped`.
    #[default]
    Success,
    /// All parents ended, in whatever status.
    Ended,
}

/// What is known of a job of the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// It has not started.
    Waiting,
    /// It has started and has not ended.
    Running,
    /// `Completed`, or `Skipped` although it is part of the plan. Its children need not wait for it.
    Done,
    /// `Skipped` from the start. It passes its parents on: its children wait for them instead.
    Skipped,
    /// It ended in another status.
    Failed,
}

/// The rules of a stage.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// `run_if` of each position. A position without one has the default.
    pub run_if: &'a [RunIf],
    /// `on_failure` of the stage. With `continue`, a failed parent counts as done.
    pub on_failure: OnFailure,
}

/// A job that will not run, and the parent that is the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotRun {
    /// The job.
    pub position: usize,
    /// The first parent, in ascending order, that failed or will not run itself; behind a skipped parent, that
    /// parent's.
    pub because_of: usize,
}

/// What follows from the states of all jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advance {
    /// Jobs that can start now, in ascending order. Empty once a job failed in a stage with `on_failure: stop`.
    pub ready: Vec<usize>,
    /// Jobs that will not run, parents before children.
    pub not_run: Vec<NotRun>,
    /// Whether nothing runs, nothing can start, and nothing will become ready.
    pub finished: bool,
}

/// Decides what can start and what will not run. It looks at each job after its parents, so that the reasons go from
/// parent to child; it stops at jobs that are done, because a job that ran in spite of a failed ancestor
/// (`run_if: ended`) ends the effect of that failure.
///
/// A position without a state is [`JobState::Waiting`].
#[must_use]
pub fn advance(graph: &Graph, states: &[JobState], rules: Rules<'_>) -> Advance {
    /// What a child sees of a parent.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Seen {
        Open,
        Good,
        /// It failed or will not run, or passes on the parent that did.
        Bad(usize),
    }
    let state = |at: usize| states.get(at).copied().unwrap_or(JobState::Waiting);
    let failed = (0..graph.len()).any(|at| state(at) == JobState::Failed);
    let stopped = failed && rules.on_failure == OnFailure::Stop;
    let mut seen = vec![Seen::Open; graph.len()];
    let mut result = Advance::default();
    let mut open = false;
    for &at in graph.sorted() {
        let parents = graph.parents(at);
        let open_parent = parents.iter().any(|parent| seen[*parent] == Seen::Open);
        let bad_parent = parents.iter().find_map(|parent| match seen[*parent] {
            Seen::Bad(cause) => Some(cause),
            Seen::Open | Seen::Good => None,
        });
        seen[at] = match state(at) {
            JobState::Done => Seen::Good,
            JobState::Failed if rules.on_failure == OnFailure::Continue => Seen::Good,
            JobState::Failed => Seen::Bad(at),
            JobState::Running => {
                open = true;
                Seen::Open
            }
            JobState::Skipped => match bad_parent {
                _ if open_parent => Seen::Open,
                Some(cause) => Seen::Bad(cause),
                None => Seen::Good,
            },
            JobState::Waiting => {
                let run_if = rules.run_if.get(at).copied().unwrap_or_default();
                match bad_parent {
                    Some(because_of) if run_if == RunIf::Success => {
                        result.not_run.push(NotRun { position: at, because_of });
                        Seen::Bad(at)
                    }
                    _ => {
                        if !open_parent && !stopped {
                            result.ready.push(at);
                        }
                        open |= !stopped;
                        Seen::Open
                    }
                }
            }
        };
    }
    result.ready.sort_unstable();
    result.finished = !open;
    result
}
