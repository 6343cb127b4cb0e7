//! Resolves the names of jobs and workflows.

use std::collections::BTreeSet;
use std::time::Duration;

use rsqlflow_core::plan::Plan;
use rsqlflow_core::{ExecutionId, JobId, WorkflowId, did_you_mean, of_unknown};
use tokio::time::timeout;

use crate::backend::Backend;
use crate::failure::Failure;
use crate::output::one_line;

/// The job with this id, or the only job with this name.
///
/// # Errors
/// No job or several jobs match.
pub(crate) fn job(plan: &Plan, run: &ExecutionId, text: &str) -> Result<JobId, Failure> {
    if let Ok(id) = text.parse::<JobId>()
        && plan.job(id).is_some()
    {
        return Ok(id);
    }
    let named: Vec<JobId> = plan.jobs().filter(|(_, job)| job.job_name == text).map(|(id, _)| id).collect();
    let names: BTreeSet<String> = plan.jobs().map(|(_, job)| one_line(&job.job_name)).collect();
    let known = of_unknown(text, names.iter().map(String::as_str))
        .unwrap_or_else(|| "the run has no jobs".to_owned());
    match named.as_slice() {
        [id] => Ok(*id),
        [] => Err(Failure::input(
            format!("the run {run} has no job {:?}", one_line(text)),
            format!("{known}; run `rsqlflow jobs {run}` to see names and ids"),
        )),
        several => {
            let ids: Vec<String> = several.iter().take(10).map(ToString::to_string).collect();
            Err(Failure::input(
                format!("{} jobs of {run} are named {:?}", several.len(), one_line(text)),
                format!("use one of the ids: {}", ids.join(", ")),
            ))
        }
    }
}

/// Longest wait for a hint. A table may have thousands of workflows, and is read completely for their ids.
const LONGEST_LISTING: Duration = Duration::from_secs(2);

/// The hint for an unknown id: the most similar id, if there is one.
pub(crate) async fn workflow_hint(backend: &Backend, id: &WorkflowId) -> String {
    let all = "run `rsqlflow list` to see the workflows, or `rsqlflow put FILE` to add one";
    // If the ids cannot be listed, the error is reported without them.
    let listed = match timeout(LONGEST_LISTING, backend.store.config().list()).await {
        Ok(Ok(listed)) => listed,
        _ => Vec::new(),
    };
    match did_you_mean(id.as_str(), listed.iter().map(|(id, _)| id.as_str())) {
        Some(meant) => format!("did you mean {:?}? {all}", one_line(meant)),
        None => all.to_owned(),
    }
}
