use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::Target;
use crate::plan::{DeploymentDefaults, Plan, Snapshot, Trigger};
use crate::protocol::JobStatus::{self, Cancelled, Completed, Failed, Lost, Skipped};
use crate::{ExecutionId, JobId, Timestamp, Timing};

fn id(text: &str) -> ExecutionId {
    ExecutionId::new(text).unwrap()
}

fn defaults() -> DeploymentDefaults {
    DeploymentDefaults {
        target: Some(Target::InstanceIds(vec!["i-0123456789abcdef0".into()])),
        ..DeploymentDefaults::default()
    }
}

fn first(item: &Value, parameters: Option<&Value>) -> Snapshot {
    let trigger = Trigger {
        execution_id: &id("run-1"),
        now: Timestamp::from_millis(1_795_241_700_000),
        parameters,
        defaults: &defaults(),
        timing: &Timing::default(),
    };
    Snapshot::take(item, trigger).unwrap().0
}

/// Three stages: `a b`, then `c d e` that may fail, then `f`.
fn item() -> Value {
    json!({ "workflow_id": "w", "workflow_stages": [
        { "execution_type": "sequential", "scripts": ["a.sh", "b.sh"] },
        { "execution_type": "parallel", "on_failure": "continue",
          "scripts": ["c.sh", { "script": "d.sh", "execution_flag": "n" }, "e.sh"] },
        { "execution_type": "sequential", "scripts": ["f.sh"] },
    ] })
}

type Statuses = BTreeMap<JobId, JobStatus>;

fn statuses(rows: &[(u16, u32, JobStatus)]) -> Statuses {
    rows.iter().map(|(stage, position, status)| (JobId::new(*stage, *position), *status)).collect()
}

fn mark(stage: u16, position: u32, mark: MarkStatus, at: i64) -> Mark {
    Mark {
        job_id: JobId::new(stage, position),
        mark,
        marked_by: "ada".into(),
        reason: "by hand".into(),
        marked_at: Timestamp::from_millis(at),
    }
}

/// `a!` for what runs, `a` for what does not, with the reason where there is one.
fn shown(plan: &Plan) -> Vec<String> {
    let show = |job: &crate::plan::ResolvedJob| match (job.skip, &job.skip_reason) {
        (false, _) => format!("{}!", job.job_name.trim_end_matches(".sh")),
        (true, None) => job.job_name.trim_end_matches(".sh").to_owned(),
        (true, Some(reason)) => format!("{} ({reason})", job.job_name.trim_end_matches(".sh")),
    };
    plan.jobs().map(|(_, job)| show(job)).collect()
}

fn again(
    snapshot: &Snapshot,
    rows: &Statuses,
    marks: &[Mark],
    selection: &Selection,
    to: &str,
) -> Result<(Snapshot, Plan), RestartError> {
    restart(&Before { snapshot, statuses: rows, marks }, id(to), selection, None)
}

fn again_with(snapshot: &Snapshot, rows: &Statuses, item: &Value, selection: &Selection) -> Vec<String> {
    let (defaults, timing) = (defaults(), Timing::default());
    let current = Current { workflow: item, defaults: &defaults, timing: &timing };
    let before = Before { snapshot, statuses: rows, marks: &[] };
    match restart(&before, id("run-2"), selection, Some(current)) {
        Ok((_, plan)) => shown(&plan),
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn what_did_not_complete_runs_again() {
    let snapshot = first(&item(), None);
    let rows = statuses(&[(0, 0, Completed), (0, 1, Failed)]);
    let (second, plan) = again(&snapshot, &rows, &[], &Selection::Unfinished, "run-2").unwrap();
    assert_eq!(shown(&plan), ["a (completed in run-1)", "b!", "c!", "d", "e!", "f!"]);
    assert_eq!(second.restarted_from, Some(id("run-1")));

    // What the first run completed is the first's, however often it is restarted, and even where no row says so.
    let rows =
        statuses(&[(0, 1, Completed), (1, 0, Lost), (1, 1, Skipped), (1, 2, Completed), (2, 0, Cancelled)]);
    let (third, plan) = again(&second, &rows, &[], &Selection::Unfinished, "run-3").unwrap();
    let wanted =
        ["a (completed in run-1)", "b (completed in run-2)", "c!", "d", "e (completed in run-2)", "f!"];
    assert_eq!(shown(&plan), wanted);
    let kept: Snapshot = serde_json::from_str(&serde_json::to_string(&third).unwrap()).unwrap();
    assert_eq!(kept, third);
    assert_eq!(shown(&Plan::from_snapshot(&kept).unwrap()), wanted);

    let rows = statuses(&[(1, 0, Completed), (2, 0, Completed)]);
    let nothing = again(&third, &rows, &[], &Selection::Unfinished, "run-4");
    assert_eq!(nothing.unwrap_err(), RestartError::NothingToDo(id("run-3")));
}

#[test]
fn a_mark_is_honoured_and_says_who_and_why() {
    let snapshot = first(&item(), None);
    let rows = statuses(&[(0, 0, Completed), (0, 1, Failed)]);
    let marks = [mark(0, 1, MarkStatus::Completed, 1), mark(0, 1, MarkStatus::Skipped, 2)];
    let (second, plan) = again(&snapshot, &rows, &marks, &Selection::Unfinished, "run-2").unwrap();
    assert_eq!(shown(&plan)[1], "b (marked Skipped in run-1 by ada: by hand)", "the last mark counts");
    let (_, plan) = again(&second, &Statuses::new(), &[], &Selection::Unfinished, "run-3").unwrap();
    assert_eq!(shown(&plan)[1], "b (marked Skipped in run-1 by ada: by hand)");
    // Who names a job wants it run.
    let only = Selection::Jobs([JobId::new(0, 1)].into());
    let (_, plan) = again(&snapshot, &rows, &marks, &only, "run-2").unwrap();
    assert_eq!(shown(&plan)[1], "b!");
}

#[test]
fn from_a_stage_on_everything_runs() {
    let snapshot = first(&item(), None);
    let rows = statuses(&[
        (0, 0, Completed),
        (0, 1, Completed),
        (1, 0, Failed),
        (1, 2, Completed),
        (2, 0, Completed),
    ]);
    let from = |stage, rows: &Statuses, marks: &[Mark]| {
        again(&snapshot, rows, marks, &Selection::From(stage), "run-2").map(|(_, plan)| shown(&plan))
    };
    let (a, b) = ("a (completed in run-1)", "b (completed in run-1)");
    assert_eq!(from(1, &rows, &[]).unwrap(), [a, b, "c!", "d", "e!", "f!"]);
    let e = "e (completed in run-1)";
    let c = "c (the restart did not ask for it)";
    assert_eq!(from(2, &rows, &[]).unwrap(), [a, b, c, "d", e, "f!"], "its stage may fail");
    assert_eq!(from(3, &rows, &[]).unwrap_err().to_string(), "there is no stage 4: the workflow has 3");

    let failed = statuses(&[(0, 0, Completed), (0, 1, Failed)]);
    let refused = from(1, &failed, &[]).unwrap_err().to_string();
    assert!(
        refused.starts_with("1 job(s) before that stage did not complete, first b.sh (0000#00001)"),
        "{refused}"
    );
    let marked = [mark(0, 1, MarkStatus::Completed, 1)];
    assert_eq!(from(1, &failed, &marked).unwrap()[2..], ["c!", "d", "e!", "f!"]);
}

#[test]
fn named_jobs_run_and_nothing_else_and_the_rest_stays_unfinished() {
    let snapshot = first(&item(), None);
    let rows = statuses(&[(0, 0, Completed), (0, 1, Failed)]);
    let only = |jobs: &[(u16, u32)]| {
        Selection::Jobs(jobs.iter().map(|(stage, position)| JobId::new(*stage, *position)).collect())
    };
    let (second, plan) = again(&snapshot, &rows, &[], &only(&[(0, 0)]), "run-2").unwrap();
    let not_asked = "b (the restart did not ask for it)";
    assert_eq!(shown(&plan)[..2], ["a!", not_asked]);
    let rows = statuses(&[(0, 0, Completed), (0, 1, Skipped)]);
    let (_, plan) = again(&second, &rows, &[], &Selection::Unfinished, "run-3").unwrap();
    assert_eq!(shown(&plan), ["a (completed in run-2)", "b!", "c!", "d", "e!", "f!"]);

    let refusal = |jobs: &[(u16, u32)]| {
        again(&snapshot, &Statuses::new(), &[], &only(jobs), "run-2").unwrap_err().to_string()
    };
    assert_eq!(refusal(&[(7, 0)]), "the workflow has no job 0007#00000 to restart");
    assert_eq!(refusal(&[(1, 1)]), "d.sh (0001#00001) is switched off by its execution_flag");
}

#[test]
fn a_restart_keeps_parameters_and_date() {
    let item = json!({ "workflow_id": "w", "parameters": { "region": "emea", "mode": "full" },
        "workflow_stages": [{ "scripts": [{ "script": "a.sh", "args": ["{{ ds }}", "{{ region }}", "{{ mode }}"] }] }] });
    let snapshot = first(&item, Some(&json!({ "region": "apac" })));
    let (second, plan) = again(&snapshot, &Statuses::new(), &[], &Selection::Unfinished, "run-2").unwrap();
    assert_eq!(plan.job(JobId::new(0, 0)).unwrap().args, ["2026-11-21", "apac", "full"]);

    let newer = json!({ "workflow_id": "w", "parameters": { "region": "emea", "size": "xl" },
        "workflow_stages": [{ "scripts": [{ "script": "a.sh", "args": ["{{ ds }}", "{{ region }}", "{{ size }}"] }] }] });
    let (defaults, timing) = (defaults(), Timing::default());
    let current = Current { workflow: &newer, defaults: &defaults, timing: &timing };
    let before = Before { snapshot: &second, statuses: &Statuses::new(), marks: &[] };
    let (third, plan) = restart(&before, id("run-3"), &Selection::Unfinished, Some(current)).unwrap();
    assert_eq!(plan.job(JobId::new(0, 0)).unwrap().args, ["2026-11-21", "apac", "xl"]);
    assert_eq!((third.ts, third.workflow), (snapshot.ts, newer));
}

#[test]
fn with_the_config_of_now_what_is_the_same_is_carried_over() {
    let snapshot = first(&item(), None);
    let rows = statuses(&[(0, 0, Completed), (0, 1, Completed), (1, 0, Completed), (1, 2, Failed)]);
    // A stage before, `b` with another argument, `c` in another order, `e` with a longer timeout.
    let newer = json!({ "workflow_id": "w", "workflow_stages": [
        { "scripts": ["new.sh"] },
        { "execution_type": "sequential", "scripts": ["a.sh", { "script": "b.sh", "args": ["--full"] }] },
        { "execution_type": "parallel", "scripts": [{ "script": "e.sh", "timeout": "3h" }, "c.sh"] },
        { "execution_type": "sequential", "scripts": ["f.sh"] },
    ] });
    assert_eq!(
        again_with(&snapshot, &rows, &newer, &Selection::Unfinished),
        ["new!", "a (completed in run-1)", "b!", "e!", "c (completed in run-1)", "f!"]
    );
    let only = Selection::Jobs([JobId::new(0, 1)].into());
    assert_eq!(again_with(&snapshot, &rows, &newer, &only)[2], "b!", "the changed job is meant");
    let gone = Selection::Jobs([JobId::new(1, 1)].into());
    assert_eq!(
        again_with(&snapshot, &rows, &newer, &gone),
        ["the workflow has no job 0001#00001 to restart"]
    );
    let broken = json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": ["../a.sh"] }] });
    let refused = again_with(&snapshot, &rows, &broken, &Selection::Unfinished);
    assert!(refused[0].starts_with("the config of now cannot be run:\nworkflow_stages[0]"), "{refused:?}");
}

#[test]
fn only_what_nothing_can_run_any_more_is_marked() {
    use JobStatus::{Pending, Running};
    assert_eq!(check_mark(true, Some(Completed)), Err(MarkRefused::Completed));
    assert_eq!(check_mark(false, Some(Running)), Err(MarkRefused::Open(Running)));
    assert_eq!(check_mark(false, Some(Pending)), Err(MarkRefused::Open(Pending)));
    assert_eq!(check_mark(false, None), Err(MarkRefused::NotYet));
    for (closed, status) in [(true, None), (false, Some(Failed)), (true, Some(Lost)), (true, Some(Skipped))] {
        assert_eq!(check_mark(closed, status), Ok(()));
    }
}

proptest! {
    /// However runs end and are restarted: what completed is not run again, what is not done is, and each carried
    /// job names the run that completed it.
    #[test]
    fn a_chain_of_restarts_completes_each_job_once(
        sizes in proptest::collection::vec(1usize..5, 1..4),
        ends in proptest::collection::vec(prop_oneof![
            Just(None), Just(Some(Completed)), Just(Some(Failed)), Just(Some(Lost)), Just(Some(Cancelled)),
        ], 60),
        marked in proptest::collection::btree_set(0usize..12, 0..3),
    ) {
        let stages: Vec<Value> = sizes.iter().map(|jobs| json!({ "scripts": vec!["same.sh"; *jobs] })).collect();
        let mut snapshot = first(&json!({ "workflow_id": "w", "workflow_stages": stages }), None);
        let all: Vec<JobId> = Plan::from_snapshot(&snapshot).unwrap().jobs().map(|(job, _)| job).collect();
        let mut ends = ends.into_iter();
        let mut done: BTreeMap<JobId, Why> = BTreeMap::new();
        let mut to_run: BTreeSet<JobId> = all.iter().copied().collect();
        for round in 1..=4 {
            let mut rows = Statuses::new();
            for job in &to_run {
                if let Some(Some(status)) = ends.next() {
                    rows.insert(*job, status);
                    if status == Completed {
                        done.insert(*job, Why::Completed { execution: snapshot.workflow_execution_id.clone() });
                    }
                }
            }
            let mut marks = Vec::new();
            if round == 2 {
                for job in marked.iter().filter_map(|i| all.get(*i)).filter(|job| !done.contains_key(job)) {
                    marks.push(mark(job.stage, job.position, MarkStatus::Skipped, 0));
                }
                for mark in &marks {
                    done.insert(mark.job_id, Why::Marked {
                        execution: snapshot.workflow_execution_id.clone(), status: mark.mark,
                        by: mark.marked_by.clone(), reason: mark.reason.clone(),
                    });
                }
            }
            let to = format!("run-{}", round + 1);
            match again(&snapshot, &rows, &marks, &Selection::Unfinished, &to) {
                Err(error) => {
                    prop_assert_eq!(error, RestartError::NothingToDo(snapshot.workflow_execution_id.clone()));
                    prop_assert_eq!(done.len(), all.len());
                    break;
                }
                Ok((next, plan)) => {
                    to_run = plan.jobs().filter(|(_, job)| !job.skip).map(|(job, _)| job).collect();
                    for job in &all {
                        prop_assert_eq!(to_run.contains(job), !done.contains_key(job));
                        prop_assert_eq!(next.carried.why(*job), done.get(job));
                    }
                    prop_assert_eq!(next.carried.len(), done.len());
                    snapshot = next;
                }
            }
        }
    }

    /// Ranges as text hold exactly the positions that were put in.
    #[test]
    fn carried_jobs_survive_the_table(positions in proptest::collection::btree_set(0u32..200, 1..100)) {
        let why = Why::Completed { execution: id("run-1") };
        let carried: Carried = positions.iter().map(|p| (JobId::new(3, *p), why.clone())).collect();
        let read: Carried = serde_json::from_str(&serde_json::to_string(&carried).unwrap()).unwrap();
        prop_assert_eq!(&read, &carried);
        prop_assert_eq!(read.len(), positions.len());
        for position in 0..200 {
            prop_assert_eq!(read.why(JobId::new(3, position)).is_some(), positions.contains(&position));
            prop_assert_eq!(read.why(JobId::new(2, position)), None);
        }
    }
}

#[test]
fn ten_thousand_carried_jobs_fit_into_the_snapshot() {
    let why = Why::Completed { execution: id(&"x".repeat(60)) };
    let carried: Carried = (0..10_000).step_by(2).map(|p| (JobId::new(0, p), why.clone())).collect();
    let bytes = serde_json::to_string(&carried).unwrap().len();
    assert!(bytes < 40_000, "{bytes} bytes");
}
