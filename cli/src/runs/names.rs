//! Jobs and workflows as operators name them.

use std::collections::BTreeSet;
use std::time::Duration;

use rsqlflow_core::plan::Plan;
use rsqlflow_core::{ExecutionId, JobId, WorkflowId, did_you_mean, of_unknown};
use tokio::time::timeout;

use crate::failure::Failure;
use crate::output::one_line;
use crate::place::Place;

/// The job that the operator means: by its id, or by its name where only one has it.
///
/// # Errors
/// Where none or several are meant.
pub(crate) fn job(plan: &Plan, run: &ExecutionId, text: &str) -> Result<JobId, Failure> {
    if let Ok(id) = text.parse::<JobId>()
        && plan.job(id).is_some()
    {
        return Ok(id);
    }
    let named: Vec<JobId> = plan.jobs().filter(|(_, job)| job.job_name == text).map(|(id, _)| id).collect();
    let names: BTreeSet<String> = plan.jobs().map(|(_, job)| one_line(&job.job_name)).collect();
    let known =
        of_unknown(text, names.iter().map(String::as_str)).unwrap_or_else(|| "it has no jobs".to_owned());
    match named.as_slice() {
        [id] => Ok(*id),
        [] => Err(Failure::input(
            format!("the run {run} has no job {:?}", one_line(text)),
            format!("{known}; `rsqlflow jobs {run}` lists names and ids"),
        )),
        several => {
            let ids: Vec<String> = several.iter().take(10).map(ToString::to_string).collect();
            Err(Failure::input(
                format!("{} jobs of {run} are named {:?}", several.len(), one_line(text)),
                format!("name one by its id: {}", ids.join(", ")),
            ))
        }
    }
}

/// Longest wait for a hint: a table may have thousands of workflows, and is read whole for their ids.
const LONGEST_LISTING: Duration = Duration::from_secs(2);

/// What to do about such an id: the one that was most likely meant, where there is one like it.
pub(crate) async fn workflow_hint(place: &Place, id: &WorkflowId) -> String {
    let all = "`rsqlflow list` lists the workflows, `rsqlflow put FILE` adds one";
    // Where the ids cannot be listed, the mistake is told all the same.
    let listed = match timeout(LONGEST_LISTING, place.store.config().list()).await {
        Ok(Ok(listed)) => listed,
        _ => Vec::new(),
    };
    match did_you_mean(id.as_str(), listed.iter().map(|(id, _)| id.as_str())) {
        Some(meant) => format!("did you mean {:?}? {all}", one_line(meant)),
        None => all.to_owned(),
    }
}
