use proptest::prelude::*;
use rsqlflow_core::Timing;
use serde_json::json;

use super::*;

fn row(value: &Value) -> Row {
    value.as_object().unwrap().clone()
}

fn run(status: &str, names: &[&str]) -> Row {
    row(&json!({ "workflow_execution_id": "demo_26", "workflow_id": "w", "rsql_jobs": names,
        "execution_status": status, "execution_start_ts": "11/20/2026 02:00:00",
        "execution_end_ts": "11/20/2026 02:10:00" }))
}

fn job(name: &str, status: &str) -> Row {
    row(&json!({ "job_name": name, "workflow_execution_id": "demo_26", "workflow_id": "w",
        "execution_status": status, "execution_start_ts": "11-20-26-02-00-01",
        "execution_end_ts": "11-20-26-02-05-00", "instance_id": "i-1", "ssm_command_id": "c" }))
}

fn workflow() -> Workflow {
    let item = json!({ "workflow_id": "w", "workflow_stages": [
        { "execution_flag": "n", "scripts": ["off.sh"] },
        { "execution_type": "sequential", "scripts": ["a.sh", "b.sh"] },
        { "execution_type": "parallel", "scripts": ["c.sh"] }] });
    Workflow::from_json(&item, &Timing::default()).unwrap()
}

#[test]
fn a_run_that_went_well_keeps_places_times_and_instance() {
    let jobs = ["c.sh", "a.sh", "b.sh"].map(|name| job(name, "successful"));
    let names = ["a.sh", "b.sh", "c.sh"];
    let taken = convert(&run("successful", &names), &jobs, Some(&workflow()), Terms::default()).unwrap();
    assert_eq!(taken.row.execution_status, WorkflowStatus::Completed);
    assert_eq!(taken.row.execution_end_ts.unwrap().to_string(), "2026-11-20T02:10:00.000Z");
    assert_eq!(taken.row.job_counts.unwrap()["Completed"], 3);
    let places: Vec<String> =
        taken.jobs.iter().map(|job| format!("{} {}", job.job_id, job.job_name)).collect();
    assert_eq!(places, ["0001#00000 a.sh", "0001#00001 b.sh", "0002#00000 c.sh"]);
    assert_eq!(taken.jobs[0].execution_start_ts.unwrap().to_string(), "2026-11-20T02:00:01.000Z");
    assert_eq!((taken.jobs[0].instance_id.as_deref(), taken.remarks.len()), (Some("i-1"), 0));
    assert!(taken.left_out.is_empty());
}

#[test]
fn a_workflow_that_was_changed_since_does_not_decide_the_places() {
    let jobs = [job("a.sh", "successful"), job("x.sh", "successful")];
    let taken = convert(&run("successful", &["x.sh", "a.sh"]), &jobs, Some(&workflow()), Terms::default());
    let taken = taken.unwrap();
    let places: Vec<String> =
        taken.jobs.iter().map(|job| format!("{} {}", job.job_id, job.job_name)).collect();
    assert_eq!(places, ["0000#00000 x.sh", "0000#00001 a.sh"]);
    assert!(taken.remarks[0].contains("other jobs"), "{:?}", taken.remarks);
}

#[test]
fn a_run_that_the_sample_left_running_is_told_apart() {
    let open = run("running", &["a.sh", "b.sh"]);
    let failed = [job("a.sh", "failed"), job("b.sh", "triggered")];
    let told = convert(&open, &failed, None, Terms::default()).unwrap_err();
    assert!(told.contains("still running"), "b.sh may be at work: {told}");
    let closed = Terms { close_open_runs: true, ..Terms::default() };
    let taken = convert(&open, &failed, None, closed).unwrap();
    assert_eq!(taken.row.execution_status, WorkflowStatus::Failed);
    assert!(taken.row.error_message.unwrap().starts_with("a.sh failed"));
    assert_eq!(taken.jobs[1].state.status, JobStatus::Lost);
    let over = [job("a.sh", "failed"), job("b.sh", "successful")];
    let taken = convert(&open, &over, None, Terms::default()).unwrap();
    assert_eq!(taken.row.execution_status, WorkflowStatus::Failed, "nothing of it is left to run");

    let good = [job("a.sh", "successful"), job("b.sh", "triggered")];
    let told = convert(&open, &good, None, Terms::default()).unwrap_err();
    assert!(told.contains("--close-open-runs"), "{told}");
    let closed = Terms { close_open_runs: true, ..Terms::default() };
    let taken = convert(&open, &good, None, closed).unwrap();
    assert_eq!(taken.row.execution_status, WorkflowStatus::Failed);
}

#[test]
fn what_is_not_understood_is_named_and_the_rest_taken() {
    for (column, value, part) in [
        ("execution_status", json!("done"), "done"),
        ("execution_start_ts", json!("yesterday"), "yesterday"),
        ("workflow_execution_id", json!("demo.26"), "workflow_execution_id"),
        ("rsql_jobs", json!("a.sh"), "rsql_jobs"),
        ("workflow_id", Value::Null, "workflow_id"),
    ] {
        let mut broken = run("successful", &["a.sh"]);
        broken.insert(column.to_owned(), value);
        let told = convert(&broken, &[], None, Terms::default()).unwrap_err();
        assert!(told.contains(part), "{column}: {told}");
    }
    let jobs = [job("a.sh", "successful"), job("b.sh", "odd"), job("stray.sh", "successful")];
    let taken = convert(&run("successful", &["a.sh", "b.sh"]), &jobs, None, Terms::default()).unwrap();
    assert_eq!(taken.jobs.len(), 1);
    let named: Vec<&str> = taken.left_out.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(named, ["b.sh", "stray.sh"]);
}

#[test]
fn rows_expire_as_ours_do() {
    let terms = Terms { retention: Some(Seconds::saturating(86_400)), ..Terms::default() };
    let taken = convert(&run("successful", &["a.sh"]), &[job("a.sh", "successful")], None, terms).unwrap();
    let end = taken.row.execution_end_ts.unwrap().as_millis() / 1_000;
    assert_eq!((taken.row.expires_at, taken.jobs[0].expires_at), (Some(end + 86_400), Some(end + 86_400)));
}

proptest! {
    #[test]
    fn every_row_is_taken_or_named(
        statuses in proptest::collection::vec(
            proptest::sample::select(vec!["triggered", "running", "successful", "failed", "?"]), 0..12),
        run_status in proptest::sample::select(vec!["running", "successful", "failed", "?"]),
        close_open_runs: bool,
    ) {
        let names: Vec<String> = (0..statuses.len()).map(|i| format!("{i}.sh")).collect();
        let jobs: Vec<Row> = names.iter().zip(&statuses).map(|(name, status)| job(name, status)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let terms = Terms { close_open_runs, retention: None };
        match convert(&run(run_status, &names), &jobs, None, terms) {
            Ok(taken) => {
                prop_assert!(taken.row.execution_status.is_closed());
                prop_assert!(taken.jobs.iter().all(|job| job.state.status.is_closed()));
                prop_assert_eq!(taken.jobs.len() + taken.left_out.len(), jobs.len());
                let bad = taken.row.execution_status != WorkflowStatus::Completed;
                prop_assert_eq!(bad, taken.row.error_message.is_some());
            }
            Err(why) => prop_assert!(!why.is_empty()),
        }
    }
}
