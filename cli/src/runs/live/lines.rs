//! Prints one line for each change.

use std::collections::HashMap;

use rsqlflow_core::JobId;
use rsqlflow_core::plan::Plan;
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_store::JobSummary;

use crate::output::{Printer, duration, job_style, one_line, styled};
use crate::runs::rows::took;

/// With more jobs than this, only failures and the progress of the run are printed.
const MAX_ONE_BY_ONE: usize = 100;

/// Prints each change once, as a line.
pub(super) struct Lines<'p> {
    plan: &'p Plan,
    printer: Printer,
    known: HashMap<JobId, (JobStatus, u32)>,
    stage: Option<u16>,
    reported_closed: usize,
    one_by_one: bool,
    is_small: bool,
}

impl<'p> Lines<'p> {
    pub(super) fn new(plan: &'p Plan, printer: Printer) -> Self {
        // Skipped jobs of a restart are printed only if every job is.
        let to_run = plan.jobs().filter(|(_, job)| !job.skip).count();
        let (one_by_one, is_small) = (to_run <= MAX_ONE_BY_ONE, plan.jobs().count() <= MAX_ONE_BY_ONE);
        Self { plan, printer, known: HashMap::new(), stage: None, reported_closed: 0, one_by_one, is_small }
    }

    pub(super) fn update(&mut self, jobs: &[JobSummary]) {
        for job in jobs {
            if self.stage.is_none_or(|stage| job.job_id.stage > stage) {
                self.print_stage(job.job_id.stage);
            }
            let now = (job.state.status, job.state.attempt);
            if self.known.insert(job.job_id, now) == Some(now) {
                continue;
            }
            let bad = job.state.status.is_closed() && !job.state.status.is_good();
            let is_relevant = matches!(job.state.status, JobStatus::Running | JobStatus::Completed)
                || (self.is_small && job.state.status == JobStatus::Skipped);
            if bad || (self.one_by_one && is_relevant) {
                self.line(&describe(job));
            }
        }
        let closed = jobs.iter().filter(|j| j.state.status.is_closed()).count();
        if !self.one_by_one && closed >= self.reported_closed + MAX_ONE_BY_ONE {
            self.reported_closed = closed;
            self.line(&format!("{closed} of {} jobs are closed", self.plan.jobs().count()));
        }
    }

    fn print_stage(&mut self, number: u16) {
        self.stage = Some(number);
        let Some(stage) = self.plan.stages.get(usize::from(number)) else { return };
        let description = stage.description.as_deref().map(one_line).unwrap_or_default();
        let (count, all) = (stage.jobs.len(), self.plan.stages.len());
        let noun = if count == 1 { "job" } else { "jobs" };
        self.line(&format!(
            "stage {} of {all}  {description}  ({}, {count} {noun})",
            number + 1,
            stage.execution_type
        ));
    }

    fn line(&self, text: &str) {
        let now = jiff::Zoned::now();
        self.printer.progress(&format!("{:02}:{:02}:{:02}  {text}", now.hour(), now.minute(), now.second()));
    }
}

/// A job in a line.
pub(super) fn describe(job: &JobSummary) -> String {
    // Padded before it is styled: escape sequences would count as characters.
    let status = styled(job_style(job.state.status), format!("{:<9}", job.state.status));
    let mut line = format!("  {status}  {}", one_line(&job.job_name));
    match job.state.status {
        JobStatus::Running => {
            if let Some(instance) = &job.instance_id {
                line = format!("{line}  on {instance}");
            }
            if job.state.attempt > 1 {
                line = format!("{line}, attempt {}", job.state.attempt);
            }
        }
        _ => {
            if let Some(took) = took(job) {
                line = format!("{line}  {}", duration(took));
            }
        }
    }
    if let (true, Some(message)) = (!job.state.status.is_good(), &job.state.error_message) {
        line = format!("{line}  {}", one_line(message));
    }
    line
}
