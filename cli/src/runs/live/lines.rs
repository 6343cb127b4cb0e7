//! Tells what changes, a line each.

use std::collections::HashMap;

use rsqlflow_core::JobId;
use rsqlflow_core::plan::Plan;
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_store::JobSummary;

use crate::output::{Printer, duration, job_style, one_line, styled};
use crate::runs::rows::took;

/// More jobs than this are not told one by one: only what goes wrong, and how far the run is.
const MOST_TOLD: usize = 100;

/// Prints each change once, as a line.
pub(super) struct Lines<'p> {
    plan: &'p Plan,
    printer: Printer,
    known: HashMap<JobId, (JobStatus, u32)>,
    stage: Option<u16>,
    told_closed: usize,
    one_by_one: bool,
    is_small: bool,
}

impl<'p> Lines<'p> {
    pub(super) fn new(plan: &'p Plan, printer: Printer) -> Self {
        // What a restart skips is told only where everything is.
        let to_run = plan.jobs().filter(|(_, job)| !job.skip).count();
        let (one_by_one, is_small) = (to_run <= MOST_TOLD, plan.jobs().count() <= MOST_TOLD);
        Self { plan, printer, known: HashMap::new(), stage: None, told_closed: 0, one_by_one, is_small }
    }

    pub(super) fn tell(&mut self, jobs: &[JobSummary]) {
        for job in jobs {
            if self.stage.is_none_or(|stage| job.job_id.stage > stage) {
                self.tell_stage(job.job_id.stage);
            }
            let now = (job.state.status, job.state.attempt);
            if self.known.insert(job.job_id, now) == Some(now) {
                continue;
            }
            let bad = job.state.status.is_closed() && !job.state.status.is_good();
            let worth_telling = matches!(job.state.status, JobStatus::Running | JobStatus::Completed)
                || (self.is_small && job.state.status == JobStatus::Skipped);
            if bad || (self.one_by_one && worth_telling) {
                self.line(&describe(job));
            }
        }
        let closed = jobs.iter().filter(|j| j.state.status.is_closed()).count();
        if !self.one_by_one && closed >= self.told_closed + MOST_TOLD {
            self.told_closed = closed;
            self.line(&format!("{closed} of {} jobs are closed", self.plan.jobs().count()));
        }
    }

    fn tell_stage(&mut self, number: u16) {
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
    // Padded before it is styled: escape sequences have a length, and no width.
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
