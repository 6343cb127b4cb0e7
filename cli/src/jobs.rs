//! Jobs as operators name them.

use std::collections::BTreeSet;

use rsqlflow_core::plan::Plan;
use rsqlflow_core::{ExecutionId, JobId, of_unknown};

use crate::error::Failure;
use crate::printer::one_line;

/// The job that the operator means: by its id, or by its name where only one has it.
///
/// # Errors
/// Where none or several are meant.
pub(crate) fn find(plan: &Plan, run: &ExecutionId, text: &str) -> Result<JobId, Failure> {
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
