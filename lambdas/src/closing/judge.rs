//! Evaluates the rows of a run.

use std::collections::BTreeMap;

use rsqlflow_core::WorkflowStatus;
use rsqlflow_core::config::OnFailure;
use rsqlflow_core::message::ExecutionStatus;
use rsqlflow_core::plan::Plan;
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_store::{JobStanding, WorkflowRow};

use super::close::Ending;
use crate::chunk_rows::on_failure;

#[cfg(test)]
mod tests;

/// Counted like a status: jobs of the plan that were never created.
const NOT_STARTED: &str = "NotStarted";

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunSummary {
    pub(crate) status: WorkflowStatus,
    /// Why it did not complete.
    pub(crate) message: Option<String>,
    /// Number of jobs by status.
    pub(crate) counts: BTreeMap<String, u32>,
}

impl RunSummary {
    /// What an earlier closer wrote.
    pub(super) fn recorded(row: WorkflowRow) -> Self {
        Self {
            status: row.execution_status,
            message: row.error_message,
            counts: row.job_counts.unwrap_or_default(),
        }
    }
}

/// Evaluates a run whose rows are all closed.
pub(super) fn judge(plan: Option<&Plan>, rows: &[JobStanding], ending: &Ending) -> RunSummary {
    let counts = count(plan, rows);
    let not_started = counts.get(NOT_STARTED).copied().unwrap_or(0);
    let fails = |row: &&JobStanding| {
        let on_failure = plan.map_or(OnFailure::Finish, |plan| on_failure(plan, row.job_id.stage));
        !row.status.is_good() && on_failure != OnFailure::Continue
    };
    let bad: Vec<&JobStanding> = rows.iter().filter(fails).collect();
    let message = ending.message();
    let status = match ending {
        Ending::Ended { status: ExecutionStatus::Aborted, .. } => WorkflowStatus::Cancelled,
        Ending::Ended { status: ExecutionStatus::TimedOut, .. } => WorkflowStatus::TimedOut,
        _ if message.is_none() && bad.is_empty() && not_started == 0 => WorkflowStatus::Completed,
        _ => WorkflowStatus::Failed,
    };
    if status == WorkflowStatus::Completed {
        return RunSummary { status, message: None, counts };
    }
    let mut parts: Vec<String> = Vec::new();
    if !bad.is_empty() {
        let all = plan.map_or(rows.len(), |plan| plan.jobs().filter(|(_, job)| !job.skip).count());
        parts.push(describe_bad(&bad, all));
    }
    parts.extend(message);
    if not_started > 0 {
        let (jobs, were) = if not_started == 1 { ("job", "was") } else { ("jobs", "were") };
        parts.push(format!("{not_started} {jobs} {were} not started"));
    }
    RunSummary { status, message: Some(parts.join("; ")), counts }
}

fn count(plan: Option<&Plan>, rows: &[JobStanding]) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    let mut add = |status: &str| *counts.entry(status.to_owned()).or_insert(0) += 1;
    for row in rows {
        add(row.status.as_str());
    }
    for (id, job) in plan.into_iter().flat_map(Plan::jobs) {
        if rows.binary_search_by_key(&id, |row| row.job_id).is_err() {
            add(if job.skip { JobStatus::Skipped.as_str() } else { NOT_STARTED });
        }
    }
    counts
}

/// `2 of 6 jobs did not complete: load.sh (0001#00000) Failed: exit code 1 …; …`: at most three jobs, failed jobs before
/// jobs that were cancelled because of them.
pub(crate) fn describe_bad(bad: &[&JobStanding], all: usize) -> String {
    /// Maximum length in characters. The rows have the complete messages.
    const LONGEST: usize = 500;
    const MOST: usize = 3;
    let mut shown = bad.to_vec();
    shown.sort_by_key(|row| (row.status == JobStatus::Cancelled, row.job_id));
    let mut parts: Vec<String> = shown
        .iter()
        .take(MOST)
        .map(|row| {
            let message = row.error_message.as_deref().unwrap_or("no message was recorded");
            let message: String = message.chars().take(LONGEST).collect();
            format!("{} ({}) {}: {message}", row.job_name, row.job_id, row.status)
        })
        .collect();
    if bad.len() > MOST {
        parts.push(format!("and {} more", bad.len() - MOST));
    }
    let jobs = if all == 1 { "job" } else { "jobs" };
    format!("{} of {all} {jobs} did not complete: {}", bad.len(), parts.join("; "))
}
