use proptest::prelude::*;
use rsqlflow_core::config::{Target, Workflow};
use rsqlflow_core::plan::{CHUNK_JOBS, DeploymentDefaults, Trigger};
use rsqlflow_core::{ExecutionId, Timestamp, Timing};
use serde_json::{Value, json};

use super::*;
use crate::cost::{Bill, of_sample};

const ASSUMED: Assumptions =
    Assumptions { runs_per_month: 30, log_mb_per_job: 0.1, job_minutes: 10.0, lambda_ms: 100.0 };

fn plan(stages: &Value) -> (Snapshot, Plan) {
    let defaults = DeploymentDefaults {
        target: Some(Target::InstanceIds(vec!["i-0123456789abcdef0".to_owned()])),
        ..DeploymentDefaults::default()
    };
    let trigger = Trigger {
        execution_id: &ExecutionId::new("run").unwrap(),
        now: Timestamp::from_millis(0),
        parameters: None,
        defaults: &defaults,
        timing: &Timing::default(),
    };
    let item = json!({ "workflow_id": "w", "workflow_stages": stages });
    assert!(Workflow::from_json(&item, &Timing::default()).is_ok());
    Snapshot::take(&item, trigger).unwrap()
}

fn usage(stages: &Value) -> (Usage, Usage) {
    let (snapshot, plan) = plan(stages);
    (of_plan(&plan, &snapshot, &ASSUMED).unwrap(), of_sample(&plan, &ASSUMED))
}

fn stage(parallel: bool, jobs: usize) -> Value {
    let kind = if parallel { "parallel" } else { "sequential" };
    json!({ "execution_type": kind, "scripts": vec!["a.sh"; jobs] })
}

#[test]
fn the_sample_on_its_own_example_costs_what_its_machines_say() {
    let (ours, sample) = usage(&json!([stage(false, 2), stage(true, 2), stage(true, 2)]));
    assert_eq!((sample.transitions, sample.invocations()), (41, 19));
    assert!(ours.transitions < sample.transitions && ours.invocations() < sample.invocations());
    assert_eq!(ours.commands, 6);
}

#[test]
fn what_is_switched_off_costs_next_to_nothing() {
    let (on, _) = usage(&json!([stage(true, 3)]));
    let off = json!({ "execution_type": "parallel", "execution_flag": "n", "scripts": ["a.sh", "b.sh"] });
    let (with, sample) = usage(&json!([stage(true, 3), off]));
    assert_eq!((with.transitions, &with.calls, with.commands), (on.transitions, &on.calls, 3));
    assert!(with.write_units > on.write_units, "its rows are written");
    assert_eq!(sample.transitions, usage(&json!([stage(true, 3)])).1.transitions);
    let (nothing, _) = usage(&json!([off]));
    assert_eq!((nothing.commands, nothing.calls.get("rsql-invoke")), (0, None));
}

proptest! {
    #[test]
    fn each_job_is_sent_once_and_each_chunk_costs_the_same(
        stages in proptest::collection::vec((any::<bool>(), 1usize..1_200), 1..6)
    ) {
        let jobs: usize = stages.iter().map(|(_, jobs)| jobs).sum();
        let chunks: usize = stages.iter().map(|(_, jobs)| jobs.div_ceil(CHUNK_JOBS)).sum();
        let (ours, sample) = usage(&stages.iter().map(|(parallel, jobs)| stage(*parallel, *jobs)).collect());
        let (jobs, chunks) = (jobs as u64, chunks as u64);
        prop_assert_eq!((ours.calls["rsql-invoke"], ours.commands), (jobs, jobs));
        prop_assert_eq!((ours.calls["workflow-trigger"], ours.calls["update-audit"]), (1, 1));
        prop_assert!(ours.calls["master-iterator"] <= chunks + 1);
        // A transition for each job, at most six for each chunk, few for the run.
        prop_assert!(ours.transitions >= jobs + chunks && ours.transitions <= jobs + 6 * chunks + 3);
        // The sample gives a stage one child of any size, so it pays for no further chunks.
        let further = 5 * (chunks - stages.len() as u64);
        prop_assert!(ours.transitions < sample.transitions + further);
        prop_assert!(ours.write_units >= 5 * jobs && ours.read_units >= 3 * jobs);
        let bill = Bill::of(&ours);
        let parts = bill.transitions + bill.lambda + bill.dynamodb + bill.logs + bill.ssm;
        prop_assert!((bill.total - parts).abs() < 1e-12 && bill.total > 0.0);
    }

    #[test]
    fn longer_jobs_and_longer_logs_cost_more(minutes in 0.0..600.0f64, mb in 0.0..50.0f64) {
        let (snapshot, plan) = plan(&json!([stage(true, 7)]));
        let of = |assumed: &Assumptions| Bill::of(&of_plan(&plan, &snapshot, assumed).unwrap());
        let less = of(&Assumptions { job_minutes: minutes, log_mb_per_job: mb, ..ASSUMED });
        let more = of(&Assumptions { job_minutes: minutes + 1.0, log_mb_per_job: mb + 1.0, ..ASSUMED });
        prop_assert!(more.dynamodb > less.dynamodb && more.logs > less.logs);
        prop_assert!((more.transitions - less.transitions).abs() < 1e-12);
    }
}
