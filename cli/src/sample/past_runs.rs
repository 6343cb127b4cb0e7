//! Converts the rows of the sample's two audit tables.

use std::collections::{BTreeMap, HashMap};

use rsqlflow_core::config::{Environment, ExecutionFlag, OnLost, Workflow};
use rsqlflow_core::plan::{DeploymentDefaults, ResolvedJob};
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{ExecutionId, JobId, Seconds, Timestamp, WorkflowId, WorkflowStatus};
use rsqlflow_store::{JobRow, WorkflowRow};
use serde_json::Value;

use super::{Row, needed, text, time};

/// A converted run with its jobs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PastRun {
    /// The run's row, closed.
    pub row: WorkflowRow,
    /// Its jobs' rows, closed, in plan order.
    pub jobs: Vec<JobRow>,
    /// Remarks for the user.
    pub remarks: Vec<String>,
    /// Rows of jobs that were left out, each with the reason.
    pub left_out: Vec<(String, String)>,
}

/// Options of the conversion.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    /// Whether open runs are imported as failed.
    pub close_open_runs: bool,
    /// Retention of the rows.
    pub retention: Option<Seconds>,
}

/// Converts a run. `workflow` is the item of the config table, if it exists. It decides the positions of jobs if it still
/// names the jobs of the run.
///
/// # Errors
/// The run's row cannot be converted.
pub(crate) fn convert(
    row: &Row,
    jobs: &[Row],
    workflow: Option<&Workflow>,
    terms: Terms,
) -> Result<PastRun, String> {
    let id = ExecutionId::new(needed(row, "workflow_execution_id")?).map_err(|e| e.to_string())?;
    let workflow_id = WorkflowId::new(needed(row, "workflow_id")?).map_err(|e| e.to_string())?;
    let start = time::parse(needed(row, "execution_start_ts")?)?;
    let end = text(row, "execution_end_ts").map(time::parse).transpose()?;
    let names = names(row)?;

    let mut left_out = Vec::new();
    let mut read = Vec::new();
    for job in jobs {
        match Job::read(job) {
            Ok(job) => read.push(job),
            Err(why) => left_out.push((text(job, "job_name").unwrap_or("?").to_owned(), why)),
        }
    }
    let mut remarks = Vec::new();
    let last = read.iter().filter_map(|job| job.end).max();
    let end = end.or(last).unwrap_or(start);
    let (status, message) = outcome(row, &read, terms, &mut remarks)?;

    let places = places(&names, workflow, &mut remarks);
    let mut rows = Vec::new();
    for job in read {
        match places.get(job.name.as_str()) {
            Some(at) => rows.push(job.into_row(&id, &workflow_id, *at, start)),
            None => {
                left_out.push((job.name.clone(), "its run does not name this job in rsql_jobs".to_owned()));
            }
        }
    }
    rows.sort_by_key(|row| row.job_id);
    let expires_at = terms.retention.map(|kept| end.as_millis() / 1_000 + i64::from(kept.get()));
    for row in &mut rows {
        row.expires_at = expires_at;
    }
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for row in &rows {
        *counts.entry(row.state.status.to_string()).or_default() += 1;
    }
    let row = WorkflowRow {
        workflow_execution_id: id,
        workflow_id,
        execution_status: status,
        execution_start_ts: start,
        execution_end_ts: Some(end),
        rsql_jobs: (names.len() <= 1_000).then_some(names),
        job_counts: Some(counts),
        error_message: message,
        state_machine_execution_arn: None,
        closing_since: None,
        restarted_from: None,
        parameters: BTreeMap::new(),
        not_delivered: None,
        notification: None,
        checked_at: None,
        expires_at,
    };
    Ok(PastRun { row, jobs: rows, remarks, left_out })
}

/// The names of the run's jobs, in plan order.
fn names(row: &Row) -> Result<Vec<String>, String> {
    let listed = match row.get("rsql_jobs") {
        Some(Value::Array(listed)) => listed,
        Some(_) => return Err("rsql_jobs must be a list".to_owned()),
        None => return Err("rsql_jobs is missing".to_owned()),
    };
    let name = |value: &Value| value.as_str().map(str::to_owned);
    listed
        .iter()
        .map(|value| name(value).ok_or_else(|| "the items of rsql_jobs must be strings".to_owned()))
        .collect()
}

/// How the run ended, with a message if it did not complete.
fn outcome(
    row: &Row,
    jobs: &[Job],
    terms: Terms,
    remarks: &mut Vec<String>,
) -> Result<(WorkflowStatus, Option<String>), String> {
    let failed = jobs.iter().find(|job| job.status == JobStatus::Failed);
    let of_job = |job: &Job| {
        let message = job.message.as_deref().unwrap_or("no message was recorded");
        format!("{} failed: {message}", job.name)
    };
    match needed(row, "execution_status")? {
        "successful" => Ok((WorkflowStatus::Completed, None)),
        "failed" => {
            let message = failed.map_or("AWS's sample recorded no reason".to_owned(), of_job);
            Ok((WorkflowStatus::Failed, Some(message)))
        }
        // A failed stage does not reach the sample's audit table, so its row stays open. But another job of a parallel stage
        // may still be running.
        "running" if failed.is_some() && jobs.iter().all(|job| job.status != JobStatus::Lost) => {
            remarks
                .push("AWS's sample left it running; a job failed, so it is imported as Failed".to_owned());
            Ok((WorkflowStatus::Failed, failed.map(of_job)))
        }
        "running" if terms.close_open_runs => {
            remarks.push("AWS's sample left it running; it is imported as Failed".to_owned());
            let message = failed.map_or("AWS's sample never recorded its end".to_owned(), of_job);
            Ok((WorkflowStatus::Failed, Some(message)))
        }
        "running" => {
            Err("it is still running, or its end was never recorded; --close-open-runs imports it as \
                Failed"
                .to_owned())
        }
        other => Err(format!("execution_status {other:?} is not one of running, successful, failed")),
    }
}

/// The position of each job. The sample has one row for a script, however often a run names it. The last position gets it.
fn places(
    names: &[String],
    workflow: Option<&Workflow>,
    remarks: &mut Vec<String>,
) -> HashMap<String, JobId> {
    let planned = workflow.map(planned).unwrap_or_default();
    let same = planned.iter().map(|(_, name)| name).eq(names);
    let at: Vec<(JobId, String)> = if same {
        planned
    } else {
        remarks.push("the workflow now has other jobs, so all jobs are shown as one stage".to_owned());
        names.iter().zip(0..).map(|(name, position)| (JobId::new(0, position), name.clone())).collect()
    };
    let mut places = HashMap::new();
    for (id, name) in at {
        if places.insert(name.clone(), id).is_some() {
            remarks.push(format!("{name} occurs more than once; AWS's sample has one row for it"));
        }
    }
    places
}

/// The jobs that the sample runs, each with its position. The sample leaves out stages that are switched off.
fn planned(workflow: &Workflow) -> Vec<(JobId, String)> {
    let stages = workflow.workflow_stages.iter().zip(0u16..);
    stages
        .filter(|(stage, _)| stage.execution_flag == ExecutionFlag::Yes)
        .flat_map(|(stage, s)| {
            let jobs = stage.scripts.iter().zip(0u32..);
            jobs.map(move |(job, position)| {
                let script = job.work.script().map_or_else(String::new, |script| script.script.clone());
                (JobId::new(s, position), script)
            })
        })
        .collect()
}

/// A row of the job audit table.
struct Job {
    name: String,
    status: JobStatus,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    message: Option<String>,
    instance: Option<String>,
    command: Option<String>,
}

impl Job {
    fn read(row: &Row) -> Result<Self, String> {
        let message = text(row, "error_message").map(str::trim).filter(|text| !text.is_empty());
        let open = || Some("AWS's sample never recorded its end".to_owned());
        let (status, message) = match needed(row, "execution_status")? {
            // The second spelling is a mistake in the sample's code.
            "successful" | "succesful" => (JobStatus::Completed, None),
            "failed" => {
                let message = message.unwrap_or("AWS's sample recorded no message");
                (JobStatus::Failed, Some(message.to_owned()))
            }
            "triggered" | "running" => (JobStatus::Lost, open()),
            other => {
                return Err(format!(
                    "execution_status {other:?} is not one of triggered, running, successful, failed"
                ));
            }
        };
        Ok(Self {
            name: needed(row, "job_name")?.to_owned(),
            status,
            start: text(row, "execution_start_ts").map(time::parse).transpose()?,
            end: text(row, "execution_end_ts").map(time::parse).transpose()?,
            message,
            instance: text(row, "instance_id").map(str::to_owned),
            command: text(row, "ssm_command_id").map(str::to_owned),
        })
    }

    fn into_row(self, run: &ExecutionId, workflow: &WorkflowId, at: JobId, run_start: Timestamp) -> JobRow {
        let job = resolved(&self.name);
        let mut row = JobRow::handed_out(run.clone(), workflow.clone(), at, job);
        row.state.status = self.status;
        row.state.attempt = 1;
        row.state.error_message = self.message;
        // The index by job name needs a start time.
        row.execution_start_ts = Some(self.start.unwrap_or(run_start));
        row.execution_end_ts = self.end.or(row.execution_start_ts);
        row.instance_id = self.instance;
        row.ssm_command_id = self.command;
        row
    }
}

/// The sample has no settings of jobs.
fn resolved(script: &str) -> ResolvedJob {
    let defaults = DeploymentDefaults::default();
    ResolvedJob {
        job_name: script.rsplit('/').next().unwrap_or(script).to_owned(),
        script: script.to_owned(),
        sql: None,
        args: Vec::new(),
        env: Environment::default(),
        secret: None,
        target: None,
        timeout: defaults.timeout,
        heartbeat: defaults.heartbeat,
        times: None,
        linger: None,
        retries: 0,
        retry_delay: Seconds::saturating(60),
        retry_backoff: 2.0,
        ok_exit_codes: vec![0],
        on_lost: OnLost::Fail,
        skip: false,
        skip_reason: None,
    }
}

#[cfg(test)]
mod tests {
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
        let taken =
            convert(&run("successful", &["x.sh", "a.sh"]), &jobs, Some(&workflow()), Terms::default());
        let taken = taken.unwrap();
        let places: Vec<String> =
            taken.jobs.iter().map(|job| format!("{} {}", job.job_id, job.job_name)).collect();
        assert_eq!(places, ["0000#00000 x.sh", "0000#00001 a.sh"]);
        assert!(taken.remarks[0].contains("other jobs"), "{:?}", taken.remarks);
    }

    #[test]
    fn a_run_that_the_sample_left_running_is_message_of_error_apart() {
        let open = run("running", &["a.sh", "b.sh"]);
        let failed = [job("a.sh", "failed"), job("b.sh", "triggered")];
        let message_of_error = convert(&open, &failed, None, Terms::default()).unwrap_err();
        assert!(message_of_error.contains("still running"), "b.sh may be running: {message_of_error}");
        let closed = Terms { close_open_runs: true, ..Terms::default() };
        let taken = convert(&open, &failed, None, closed).unwrap();
        assert_eq!(taken.row.execution_status, WorkflowStatus::Failed);
        assert!(taken.row.error_message.unwrap().starts_with("a.sh failed"));
        assert_eq!(taken.jobs[1].state.status, JobStatus::Lost);
        let over = [job("a.sh", "failed"), job("b.sh", "successful")];
        let taken = convert(&open, &over, None, Terms::default()).unwrap();
        assert_eq!(taken.row.execution_status, WorkflowStatus::Failed, "no job is left to run");

        let good = [job("a.sh", "successful"), job("b.sh", "triggered")];
        let message_of_error = convert(&open, &good, None, Terms::default()).unwrap_err();
        assert!(message_of_error.contains("--close-open-runs"), "{message_of_error}");
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
            let message_of_error = convert(&broken, &[], None, Terms::default()).unwrap_err();
            assert!(message_of_error.contains(part), "{column}: {message_of_error}");
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
        let taken =
            convert(&run("successful", &["a.sh"]), &[job("a.sh", "successful")], None, terms).unwrap();
        let end = taken.row.execution_end_ts.unwrap().as_millis() / 1_000;
        assert_eq!(
            (taken.row.expires_at, taken.jobs[0].expires_at),
            (Some(end + 86_400), Some(end + 86_400))
        );
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
}
