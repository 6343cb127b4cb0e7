//! `rsqlflow validate FILE`

use rsqlflow_core::config::Workflow;
use rsqlflow_core::timing::Timing;
use serde_json::json;

use crate::args::Validate;
use crate::failure::{Failure, exit};
use crate::input::file;
use crate::output::{JSON_VERSION, Printer};

/// Validates with the times of a deployment on AWS, which are stricter than those of one machine: a file that is valid
/// here is valid on both.
///
/// # Errors
/// The file has problems.
pub(crate) fn validate(args: &Validate, printer: Printer) -> Result<u8, Failure> {
    let (_, workflow) = file::read_workflow(&args.file, &Timing::default())?;
    if printer.is_json() {
        printer.json(&json!({
            "version": JSON_VERSION,
            "valid": true,
            "workflow_id": workflow.workflow_id,
            "stages": workflow.workflow_stages.len(),
            "jobs": count_jobs(&workflow),
        }));
    } else {
        let (stages, jobs) = (workflow.workflow_stages.len(), count_jobs(&workflow));
        printer.data(&format!(
            "{} is valid: workflow {}, stages: {stages}, jobs: {jobs}",
            args.file.display(),
            workflow.workflow_id
        ));
    }
    Ok(exit::OK)
}

fn count_jobs(workflow: &Workflow) -> usize {
    workflow.workflow_stages.iter().map(|stage| stage.scripts.len()).sum()
}
