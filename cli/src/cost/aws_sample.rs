//! The same workflow on AWS's public sample of an RSQL orchestration framework
//! (<https://github.com/aws-samples/amazon-redshift-rsql-orchestration-framework>), counted in the state machines of its
//! CDK app.

use std::collections::BTreeMap;

use rsqlflow_core::config::ExecutionType;
use rsqlflow_core::plan::Plan;

use super::usage::{Assumptions, Usage, gb_seconds, megabytes};

/// Memory of its functions: Lambda's default.
const MEMORY_MB: f64 = 128.0;
/// Calls of a run: the trigger, and the update of the audit table at its end.
const CALLS_OF_RUN: u64 = 2;
/// Transitions at the end of the master: the audit task and a Succeed state.
const TRANSITIONS_OF_RUN: u64 = 2;
/// Transitions of a stage in the master: iterator, choice of its kind, payload generator, start of the child,
/// transformation, and the choice whether another stage follows.
const TRANSITIONS_OF_STAGE: u64 = 6;
/// Calls of a stage: iterator and payload generator.
const CALLS_OF_STAGE: u64 = 2;

/// The usage of the sample. Its audit tables have provisioned capacity, which is billed by the hour whether it is used or
/// not, so no units are counted. Like rsqlflow, it leaves out stages that are switched off.
#[must_use]
pub(crate) fn of_sample(plan: &Plan, assumed: &Assumptions) -> Usage {
    let (mut transitions, mut calls, mut commands) = (TRANSITIONS_OF_RUN, CALLS_OF_RUN, 0);
    for stage in &plan.stages {
        let jobs = stage.jobs.iter().filter(|job| !job.skip).count();
        let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
        if jobs == 0 {
            continue;
        }
        commands += jobs;
        let (child_transitions, child_calls) = match stage.execution_type {
            // Each round has an iterator, a choice and a task; one more round finds the end; then a Pass.
            ExecutionType::Sequential => (3 * jobs + 3, 2 * jobs + 1),
            // A Map with a task for each job, the check, its choice, and a Succeed.
            ExecutionType::Parallel => (jobs + 4, jobs + 1),
        };
        transitions += TRANSITIONS_OF_STAGE + child_transitions;
        calls += CALLS_OF_STAGE + child_calls;
    }
    Usage {
        transitions,
        calls: BTreeMap::from([("all".to_owned(), calls)]),
        gb_seconds: gb_seconds(calls, MEMORY_MB, assumed),
        log_mb: megabytes(commands, calls, 0, assumed),
        commands,
        ..Usage::default()
    }
}
