//! The report of a run: a table for people, a document for programs.

use rsqlflow_core::plan::Plan;
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::restart::Mark;
use rsqlflow_store::{JobSummary, WorkflowRow};
use serde_json::{Value, json};

use crate::output::table::Table;
use crate::output::{JSON_VERSION, Printer, duration, job_style, one_line, styled, workflow_style};
use crate::runs::job_output::Tail;
use crate::runs::rows::{RunView, took};

/// More jobs than this are summarized. Jobs that need attention are still listed.
const MOST_LISTED: usize = 100;

/// Prints a closed run, with the last log lines of its failed jobs.
pub(crate) fn run(printer: Printer, run: &RunView, plan: &Plan, tails: &[Tail]) {
    if printer.is_json() {
        printer.json(&run_json(run, tails));
        return;
    }
    let listed = listed(&run.jobs);
    let mut table = Table::new(&["JOB", "STAGE", "STATUS", "ATTEMPTS", "DURATION", "INSTANCE"]);
    for job in &listed {
        table.add_row([
            one_line(&job.job_name),
            (job.job_id.stage + 1).to_string(),
            styled(job_style(job.state.status), job.state.status),
            attempts(job),
            took(job).map(duration).unwrap_or_default(),
            job.instance_id.clone().unwrap_or_default(),
        ]);
    }
    if !listed.is_empty() {
        printer.data(&table.shown());
    }
    for tail in tails {
        printer.data(&tail.to_string());
    }
    printer.data(&summary(run, plan));
}

/// The jobs that are shown one by one: all jobs if there are few; else the jobs that this run executed if they are few;
/// else the failed jobs, then the running jobs.
fn listed(jobs: &[JobSummary]) -> Vec<&JobSummary> {
    if jobs.len() <= MOST_LISTED {
        return jobs.iter().collect();
    }
    let of = |wanted: fn(JobStatus) -> bool| jobs.iter().filter(move |job| wanted(job.state.status));
    let own: Vec<&JobSummary> = of(|status| status != JobStatus::Skipped).take(MOST_LISTED + 1).collect();
    if own.len() <= MOST_LISTED {
        return own;
    }
    let bad = of(|status| status.is_closed() && !status.is_good() && status != JobStatus::Cancelled);
    let running = of(|status| status == JobStatus::Running);
    bad.take(MOST_LISTED).chain(running.take(MOST_LISTED)).collect()
}

/// The last line: the result of the run.
fn summary(run: &RunView, plan: &Plan) -> String {
    let row = &run.workflow;
    let status = styled(workflow_style(row.execution_status), row.execution_status);
    let all = plan.jobs().count();
    let counts = count(&run.jobs, all);
    let took = row.execution_end_ts.map(|end| duration(end.millis_since(row.execution_start_ts)));
    let mut text = format!(
        "{status}  {}  {counts}{}",
        row.workflow_execution_id,
        took.map(|t| format!("  in {t}")).unwrap_or_default()
    );
    if let Some(message) = &row.error_message {
        text = format!("{text}\n{}", one_line(message));
    }
    text
}

/// `4 Completed, 1 Failed, 1 not started`.
fn count(jobs: &[JobSummary], planned: usize) -> String {
    let mut parts: Vec<String> = JobStatus::ALL
        .into_iter()
        .map(|status| (jobs.iter().filter(|job| job.state.status == status).count(), status))
        .filter(|(count, _)| *count > 0)
        .map(|(count, status)| format!("{count} {status}"))
        .collect();
    let missing = planned.saturating_sub(jobs.len());
    if missing > 0 {
        parts.push(format!("{missing} not started"));
    }
    if parts.is_empty() { "no jobs".to_owned() } else { parts.join(", ") }
}

/// Attempts, and tries if an attempt had more than one.
fn attempts(job: &JobSummary) -> String {
    match job.tries.len() {
        0 | 1 => job.state.attempt.to_string(),
        tries => format!("{} ({tries} tries)", job.state.attempt),
    }
}

/// The run's row.
pub(crate) fn status(printer: Printer, row: &WorkflowRow) {
    if printer.is_json() {
        printer.json(&json!({ "version": JSON_VERSION, "workflow": row }));
        return;
    }
    let mut table = Table::new(&["COLUMN", "VALUE"]).wrapping("VALUE");
    let mut add = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    add("workflow_execution_id", row.workflow_execution_id.to_string());
    add("workflow_id", one_line(row.workflow_id.as_str()));
    add("execution_status", styled(workflow_style(row.execution_status), row.execution_status));
    add("execution_start_ts", row.execution_start_ts.to_string());
    if let Some(end) = row.execution_end_ts {
        add("execution_end_ts", end.to_string());
    }
    if let Some(of) = &row.restarted_from {
        add("restarted_from", of.to_string());
    }
    if let Some(jobs) = &row.rsql_jobs {
        add("rsql_jobs", one_line(&jobs.join(", ")));
    }
    if let Some(counts) = &row.job_counts {
        let counts: Vec<String> = counts.iter().map(|(status, count)| format!("{status} {count}")).collect();
        add("job_counts", counts.join(", "));
    }
    let texts = [
        ("error_message", row.error_message.as_ref()),
        ("not_delivered", row.not_delivered.as_ref()),
        ("state_machine_execution_arn", row.state_machine_execution_arn.as_ref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            add(name, one_line(text));
        }
    }
    for (name, value) in &row.parameters {
        add("parameters", one_line(&format!("{name} = {value}")));
    }
    printer.data(&table.shown());
}

/// The jobs' rows. Of many jobs, the failed jobs come first, then the running jobs, then counts.
pub(crate) fn jobs(printer: Printer, jobs: &[JobSummary], marks: &[Mark], all: bool) {
    if printer.is_json() {
        let jobs: Vec<Value> = jobs.iter().map(job_json).collect();
        printer.json(&json!({ "version": JSON_VERSION, "jobs": jobs, "marks": marks }));
        return;
    }
    let listed: Vec<&JobSummary> = if all { jobs.iter().collect() } else { listed(jobs) };
    let heads = ["JOB ID", "JOB NAME", "STATUS", "ATTEMPT", "EXIT", "START", "DURATION", "INSTANCE", "ERROR"];
    let mut table = Table::new(&heads).wrapping("ERROR");
    for job in &listed {
        table.add_row([
            job.job_id.to_string(),
            one_line(&job.job_name),
            styled(job_style(job.state.status), job.state.status),
            job.state.attempt.to_string(),
            job.state.exit_code.map(|code| code.to_string()).unwrap_or_default(),
            job.execution_start_ts.map(|t| t.to_string()).unwrap_or_default(),
            took(job).map(duration).unwrap_or_default(),
            job.instance_id.clone().unwrap_or_default(),
            trouble(job),
        ]);
    }
    let mut parts = Vec::new();
    if !listed.is_empty() || jobs.is_empty() {
        parts.push(table.shown());
    }
    if listed.len() < jobs.len() {
        parts.push(format!("{}; --all lists every job", count(jobs, jobs.len())));
    }
    for mark in marks {
        parts.push(format!(
            "marked  {}  {} by {} at {}: {}",
            mark.job_id,
            mark.mark,
            one_line(&mark.marked_by),
            mark.marked_at,
            one_line(&mark.reason)
        ));
    }
    printer.page(&parts.join("\n"));
}

/// A list of runs.
pub(crate) fn history(printer: Printer, rows: &[WorkflowRow], with_workflow: bool) {
    let mut head = vec!["EXECUTION", "STATUS", "START", "DURATION", "RESTART OF", "ERROR"];
    if with_workflow {
        head.insert(1, "WORKFLOW");
    }
    let mut table = Table::new(&head).wrapping("ERROR");
    for row in rows {
        let took = row.execution_end_ts.map(|end| duration(end.millis_since(row.execution_start_ts)));
        let error = row.error_message.as_deref().map(one_line).unwrap_or_default();
        let mut cells = vec![
            row.workflow_execution_id.to_string(),
            styled(workflow_style(row.execution_status), row.execution_status),
            row.execution_start_ts.to_string(),
            took.unwrap_or_default(),
            row.restarted_from.as_ref().map(ToString::to_string).unwrap_or_default(),
            shortened(&error),
        ];
        if with_workflow {
            cells.insert(1, one_line(row.workflow_id.as_str()));
        }
        table.add_row(cells);
    }
    printer.page(&table.shown());
}

/// A run in a list of runs.
#[must_use]
pub(crate) fn history_json(row: &WorkflowRow) -> Value {
    json!({
        "workflow_execution_id": row.workflow_execution_id,
        "workflow_id": row.workflow_id,
        "execution_status": row.execution_status,
        "execution_start_ts": row.execution_start_ts,
        "execution_end_ts": row.execution_end_ts,
        "restarted_from": row.restarted_from,
        "error_message": row.error_message,
    })
}

/// The start of a message. `status` shows the complete message.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 120;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The error of a job and of its log, and the note of its last try.
fn trouble(job: &JobSummary) -> String {
    let message = job.state.error_message.as_deref().map(one_line);
    let note = job.tries.last().and_then(|last| last.note.as_deref()).map(one_line);
    let message = [message, note].into_iter().flatten().collect::<Vec<_>>().join("; ");
    let log = match (job.log_complete, job.log_error.as_deref()) {
        (Some(false), Some(why)) => format!("the log is not complete: {}", one_line(why)),
        (Some(false), None) => "the log is not complete".to_owned(),
        _ => return message,
    };
    if message.is_empty() { log } else { format!("{message} ({log})") }
}

/// A run as a document.
fn run_json(run: &RunView, tails: &[Tail]) -> Value {
    let jobs: Vec<Value> = run.jobs.iter().map(job_json).collect();
    let tails: Vec<Value> = tails.iter().map(|t| json!({ "job_id": t.job_id, "lines": t.lines })).collect();
    json!({ "version": JSON_VERSION, "workflow": run.workflow, "jobs": jobs, "failed_job_logs": tails })
}

fn job_json(job: &JobSummary) -> Value {
    json!({
        "job_id": job.job_id,
        "job_name": job.job_name,
        "stage": job.job_id.stage,
        "position": job.job_id.position,
        "execution_status": job.state.status,
        "attempt": job.state.attempt,
        "tries": job.tries,
        "exit_code": job.state.exit_code,
        "error_message": job.state.error_message,
        "execution_start_ts": job.execution_start_ts,
        "execution_end_ts": job.execution_end_ts,
        "duration_ms": took(job),
        "instance_id": job.instance_id,
        "log_group": job.log_group,
        "log_stream": job.log_stream,
        "log_complete": job.log_complete,
        "log_error": job.log_error,
    })
}

#[cfg(test)]
mod tests {
    use rsqlflow_core::JobId;

    use super::*;

    fn jobs(statuses: impl IntoIterator<Item = JobStatus>) -> Vec<JobSummary> {
        let one = |(position, status)| {
            let job = json!({ "job_id": JobId::new(0, position), "job_name": "j", "attempt": 1, "beat": 0,
                "execution_status": status });
            serde_json::from_value(job).unwrap()
        };
        (0..).zip(statuses).map(one).collect()
    }

    #[test]
    fn of_many_jobs_those_are_shown_that_matter() {
        use JobStatus::{Cancelled, Completed, Failed, Lost, Running, Skipped};
        let shown = |statuses: Vec<JobStatus>| -> Vec<JobStatus> {
            listed(&jobs(statuses)).into_iter().map(|job| job.state.status).collect()
        };
        assert_eq!(shown(vec![Skipped; 100]).len(), 100, "few are all shown");
        let restarted = [vec![Skipped; 9_997], vec![Completed, Failed]].concat();
        assert_eq!(shown(restarted), [Completed, Failed], "what a restart ran");
        let night =
            [vec![Completed; 9_000], vec![Running, Lost, Cancelled, Failed], vec![Cancelled; 900]].concat();
        assert_eq!(shown(night), [Lost, Failed, Running], "failures first, then running jobs");
        assert_eq!(shown(vec![Failed; 10_000]).len(), MOST_LISTED);
    }
}
