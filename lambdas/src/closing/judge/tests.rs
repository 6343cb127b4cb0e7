use rsqlflow_core::message::Trouble;
use rsqlflow_core::protocol::JobStatus::{Cancelled, Completed, Failed, Lost, Skipped};
use serde_json::json;

use super::*;
use crate::fixture::{plan, plan_of, row};

const FINISHED: Ending = Ending::Finished { trouble: None };

fn ended(status: ExecutionStatus, error: &str, cause: &str) -> Ending {
    Ending::Ended { status, error: Some(error.into()), cause: Some(cause.into()) }
}

fn counts(verdict: &RunSummary) -> Vec<(&str, u32)> {
    verdict.counts.iter().map(|(status, count)| (status.as_str(), *count)).collect()
}

#[test]
fn all_good_is_completed() {
    let plan = plan(&[("parallel", "finish", 2), ("sequential", "finish", 1)]);
    let rows = [row(0, 0, Completed), row(0, 1, Skipped), row(1, 0, Completed)];
    let verdict = judge(Some(&plan), &rows, &FINISHED);
    assert_eq!((verdict.status, verdict.message.as_deref()), (WorkflowStatus::Completed, None));
    assert_eq!(counts(&verdict), [("Completed", 2), ("Skipped", 1)]);
    let by_event = Ending::Ended { status: ExecutionStatus::Succeeded, error: None, cause: None };
    assert_eq!(judge(Some(&plan), &rows, &by_event), verdict);
}

#[test]
fn nothing_to_run_is_completed() {
    let plan = plan_of(&json!([{ "execution_flag": "n", "scripts": ["a.sh", "b.sh"] }, { "scripts": [] }]));
    let verdict = judge(Some(&plan), &[], &FINISHED);
    assert_eq!(verdict.status, WorkflowStatus::Completed);
    assert_eq!(counts(&verdict), [("Skipped", 2)]);
}

#[test]
fn a_failure_is_named_wherever_it_stood_and_what_was_not_started_is_counted() {
    let plan = plan(&[("parallel", "finish", 5), ("sequential", "finish", 2)]);
    let rows = [
        row(0, 0, Cancelled),
        row(0, 1, Failed),
        row(0, 2, Completed),
        row(0, 3, Lost),
        row(0, 4, Cancelled),
    ];
    let verdict = judge(Some(&plan), &rows, &FINISHED);
    assert_eq!(verdict.status, WorkflowStatus::Failed);
    assert_eq!(
        verdict.message.as_deref(),
        Some(
            "4 of 7 jobs did not complete: job-0-1 (0000#00001) Failed: why 1; job-0-3 (0000#00003) Lost: why 3; \
             job-0-0 (0000#00000) Cancelled: why 0; and 1 more; 2 jobs were not started"
        )
    );
    assert_eq!(
        counts(&verdict),
        [("Cancelled", 2), ("Completed", 1), ("Failed", 1), ("Lost", 1), ("NotStarted", 2)]
    );
}

#[test]
fn a_stage_that_may_fail_fails_nothing_by_itself() {
    let plan = plan(&[("parallel", "continue", 2)]);
    let rows = [row(0, 0, Failed), row(0, 1, Completed)];
    let verdict = judge(Some(&plan), &rows, &FINISHED);
    assert_eq!((verdict.status, verdict.message.as_deref()), (WorkflowStatus::Completed, None));
    assert_eq!(counts(&verdict), [("Completed", 1), ("Failed", 1)]);

    let trouble = Trouble { error: "States.Runtime".into(), cause: "a path leads nowhere".into() };
    let broken = judge(Some(&plan), &rows, &Ending::Finished { trouble: Some(trouble) });
    assert_eq!(broken.status, WorkflowStatus::Failed);
    assert_eq!(broken.message.as_deref(), Some("States.Runtime: a path leads nowhere"));
}

#[test]
fn jobs_that_were_never_reached_are_no_success() {
    let plan = plan(&[("sequential", "finish", 2)]);
    let verdict = judge(Some(&plan), &[row(0, 0, Completed)], &FINISHED);
    assert_eq!(verdict.status, WorkflowStatus::Failed);
    assert_eq!(verdict.message.as_deref(), Some("1 job was not started"));
}

#[test]
fn who_stops_a_run_cancels_it() {
    let plan = plan(&[("sequential", "finish", 2)]);
    let rows = [row(0, 0, Completed), row(0, 1, Cancelled)];
    let stopped = judge(Some(&plan), &rows, &ended(ExecutionStatus::Aborted, "", "by an operator"));
    assert_eq!(stopped.status, WorkflowStatus::Cancelled);
    let message = stopped.message.unwrap();
    assert!(message.ends_with("; the execution was stopped: by an operator"), "{message}");

    let late = judge(Some(&plan), &rows, &ended(ExecutionStatus::TimedOut, "States.Timeout", ""));
    assert_eq!(late.status, WorkflowStatus::TimedOut);
    let unknown = Ending::Ended { status: ExecutionStatus::Failed, error: None, cause: None };
    let failed = judge(Some(&plan), &[], &unknown);
    assert_eq!(failed.status, WorkflowStatus::Failed);
    assert_eq!(failed.message.as_deref(), Some("the execution failed; 2 jobs were not started"));
}

#[test]
fn a_run_without_a_plan_ends_too() {
    let verdict =
        judge(None, &[row(0, 0, Failed)], &ended(ExecutionStatus::Failed, "CorruptItem", "no plan"));
    assert_eq!(verdict.status, WorkflowStatus::Failed);
    assert_eq!(counts(&verdict), [("Failed", 1)]);
    assert!(verdict.message.unwrap().contains("CorruptItem: no plan"));
}

#[test]
fn one_job_is_one_job() {
    let failed = row(0, 0, Failed);
    assert!(describe_bad(&[&failed], 1).starts_with("1 of 1 job did not"));
    let mut long = failed;
    long.error_message = Some("ä".repeat(5_000));
    assert!(describe_bad(&[&long], 2).chars().count() < 600);
}

proptest::proptest! {
    /// Every job of a plan is counted once, whatever became of it.
    #[test]
    fn counts_add_up(
        jobs in 0usize..40,
        statuses in proptest::collection::vec(proptest::sample::select(vec![Completed, Failed, Cancelled, Lost, Skipped]), 0..40),
    ) {
        let plan = plan(&[("parallel", "finish", jobs)]);
        let rows: Vec<_> = (0u32..).zip(statuses).take(jobs).map(|(i, status)| row(0, i, status)).collect();
        let verdict = judge(Some(&plan), &rows, &FINISHED);
        proptest::prop_assert_eq!(verdict.counts.values().sum::<u32>() as usize, jobs);
        let good = rows.len() == jobs && rows.iter().all(|row| row.status.is_good());
        proptest::prop_assert_eq!(verdict.status == WorkflowStatus::Completed, good);
        proptest::prop_assert_eq!(verdict.message.is_none(), good);
    }
}
