//! Draws the lines of the screen below the earlier output.

use std::collections::HashSet;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rsqlflow_core::plan::Plan;
use rsqlflow_core::{ExecutionId, JobId, Timestamp};
use rsqlflow_store::JobSummary;

use super::lines::describe;
use super::screen::{TerminalSize, screen};

/// Bars on a terminal. Failures are printed above them and remain.
pub(super) struct Bars<'p> {
    name: String,
    plan: &'p Plan,
    since: Timestamp,
    size: TerminalSize,
    multi: MultiProgress,
    lines: Vec<ProgressBar>,
    reported: HashSet<(JobId, u32)>,
    is_paused: bool,
}

impl<'p> Bars<'p> {
    pub(super) fn new(id: &ExecutionId, plan: &'p Plan, width: usize, height: usize) -> Self {
        Self {
            name: id.to_string(),
            plan,
            since: jiff::Timestamp::now().into(),
            size: TerminalSize { width, height },
            multi: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            lines: Vec::new(),
            reported: HashSet::new(),
            is_paused: false,
        }
    }

    pub(super) fn update(&mut self, jobs: &[JobSummary]) {
        let bad = jobs.iter().filter(|job| job.state.status.is_closed() && !job.state.status.is_good());
        for job in bad {
            if self.reported.insert((job.job_id, job.state.attempt)) {
                let _ = self.multi.println(coloured(&describe(job)));
            }
        }
        if self.is_paused {
            return;
        }
        // A run that continues after an interruption started before this process.
        let first = jobs.iter().filter_map(|job| job.execution_start_ts).min();
        self.since = first.map_or(self.since, |first| first.min(self.since));
        let now = jiff::Timestamp::now().into();
        let lines = screen(&self.name, self.plan, jobs, (self.since, now), self.size);
        while self.lines.len() > lines.len() {
            if let Some(line) = self.lines.pop() {
                self.multi.remove(&line);
            }
        }
        for (i, text) in lines.into_iter().enumerate() {
            match self.lines.get(i) {
                Some(line) => line.set_message(text),
                None => {
                    let line = self.multi.add(ProgressBar::new_spinner());
                    if let Ok(style) = ProgressStyle::with_template("{msg}") {
                        line.set_style(style);
                    }
                    line.set_message(text);
                    line.tick();
                    self.lines.push(line);
                }
            }
        }
    }

    pub(super) fn say(&self, line: &str) {
        let _ = self.multi.println(line);
    }

    pub(super) fn pause(&mut self) {
        self.is_paused = true;
        // Each line is cleared before it is removed, since a removed line is drawn once more.
        for line in self.lines.drain(..) {
            line.finish_and_clear();
            self.multi.remove(&line);
        }
        let _ = self.multi.clear();
    }

    pub(super) const fn resume(&mut self) {
        self.is_paused = false;
    }
}

impl Drop for Bars<'_> {
    fn drop(&mut self) {
        self.pause();
    }
}

/// The text, without colours if the user switched them off.
fn coloured(text: &str) -> String {
    match anstream::AutoStream::choice(&std::io::stderr()) {
        anstream::ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
        _ => text.to_owned(),
    }
}
