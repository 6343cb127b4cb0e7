//! The text of the bars, line by line, cut to the width of the terminal.

use rsqlflow_core::plan::Plan;
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{JobId, Timestamp};
use rsqlflow_store::JobSummary;

use crate::output::{duration, one_line};

/// Maximum of rows for running jobs, whatever the height of the terminal.
const MOST_ROWS: usize = 20;
/// Lines that are reserved: the two bars, "and 7 more", some failures above them.
const OTHER_LINES: usize = 8;

/// The size of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TerminalSize {
    /// Columns.
    pub(super) width: usize,
    /// Lines. With 0, there is one line with counts.
    pub(super) height: usize,
}

/// The current lines: the workflow, its stage, and each running job, the longest first.
pub(super) fn screen(
    name: &str,
    plan: &Plan,
    jobs: &[JobSummary],
    (since, now): (Timestamp, Timestamp),
    size: TerminalSize,
) -> Vec<String> {
    let fit = |line: String| fit(&line, size.width);
    let whole = Count::of(jobs.iter(), plan.jobs().count());
    let elapsed = duration(now.millis_since(since));
    if size.height == 0 {
        return vec![fit(format!("{whole}  {elapsed}  {name}"))];
    }
    let bar_width = (size.width / 4).clamp(8, 30);
    let mut lines = vec![fit(format!("{} {whole}  {elapsed}  {name}", whole.bar(bar_width)))];
    if let Some(stage) = current_stage(plan, jobs)
        && let Some(planned) = plan.stages.get(usize::from(stage))
    {
        let of_stage: Vec<&JobSummary> = jobs.iter().filter(|job| job.job_id.stage == stage).collect();
        let count = Count::of(of_stage.iter().copied(), planned.jobs.len());
        let description = planned.description.as_deref().map(one_line).unwrap_or_default();
        let began = of_stage.iter().filter_map(|job| job.execution_start_ts).min();
        let elapsed = began.map(|began| duration(now.millis_since(began))).unwrap_or_default();
        lines.push(fit(format!(
            "{} {count}  {elapsed}  stage {} of {}  {description}",
            count.bar(bar_width),
            stage + 1,
            plan.stages.len()
        )));
    }
    let mut running: Vec<&JobSummary> =
        jobs.iter().filter(|job| job.state.status == JobStatus::Running).collect();
    running.sort_by_key(|job| (job.execution_start_ts, job.job_id));
    let rows = size.height.saturating_sub(OTHER_LINES).clamp(1, MOST_ROWS);
    for job in running.iter().take(rows) {
        let elapsed = job.execution_start_ts.map(|start| duration(now.millis_since(start)));
        let attempt = match job.state.attempt {
            0 | 1 => String::new(),
            attempt => format!("  attempt {attempt}"),
        };
        lines.push(fit(format!(
            "  {:>11}  {}  {}{attempt}",
            elapsed.unwrap_or_default(),
            one_line(&job.job_name),
            job.instance_id.as_deref().unwrap_or_default()
        )));
    }
    if running.len() > rows {
        lines.push(fit(format!("  and {} more", running.len() - rows)));
    }
    lines
}

/// The stage whose jobs were created last.
fn current_stage(plan: &Plan, jobs: &[JobSummary]) -> Option<u16> {
    let handed_out = jobs.iter().rev().find(|job| job.state.status != JobStatus::Skipped);
    let first: Option<JobId> = plan.jobs().next().map(|(id, _)| id);
    handed_out.map(|job| job.job_id).or(first).map(|id| id.stage)
}

struct Count {
    closed: usize,
    bad: usize,
    all: usize,
}

impl Count {
    fn of<'j>(jobs: impl Iterator<Item = &'j JobSummary>, all: usize) -> Self {
        let (mut closed, mut bad) = (0, 0);
        for job in jobs.filter(|job| job.state.status.is_closed()) {
            closed += 1;
            bad += usize::from(!job.state.status.is_good());
        }
        Self { closed, bad, all }
    }

    fn bar(&self, width: usize) -> String {
        let done = (width * self.closed.min(self.all)).checked_div(self.all).unwrap_or(width);
        format!("[{}{}]", "#".repeat(done), ".".repeat(width - done))
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.closed, self.all)?;
        match self.bad {
            0 => Ok(()),
            bad => write!(f, ", {bad} not completed"),
        }
    }
}

/// The width less one column: some terminals break the line after the last column.
fn fit(line: &str, width: usize) -> String {
    console::truncate_str(line.trim_end(), width.saturating_sub(1), "…").into_owned()
}

#[cfg(test)]
mod tests {
    use rsqlflow_core::ExecutionId;
    use rsqlflow_core::config::Target;
    use rsqlflow_core::plan::{DeploymentDefaults, Snapshot, Trigger};
    use rsqlflow_core::timing::Timing;
    use serde_json::json;

    use super::*;

    fn plan(jobs: usize) -> Plan {
        let item = json!({ "workflow_id": "w", "workflow_stages": [
            { "stage_description": "Tables", "scripts": ["first.sh"] },
            { "stage_description": "Loads", "execution_type": "parallel", "scripts": vec!["load.sh"; jobs] } ] });
        let target = Some(Target::InstanceIds(vec!["i-0123456789abcdef0".into()]));
        let trigger = Trigger {
            execution_id: &ExecutionId::new("r").unwrap(),
            now: Timestamp::from_millis(0),
            parameters: None,
            defaults: &DeploymentDefaults { target, ..DeploymentDefaults::default() },
            timing: &Timing::default(),
        };
        Snapshot::take(&item, trigger).unwrap().1
    }

    fn job(stage: u16, position: u32, status: JobStatus, start: i64) -> JobSummary {
        serde_json::from_value(json!({
            "job_id": JobId::new(stage, position), "job_name": format!("load-{position}.sh"),
            "execution_status": status, "attempt": 1, "beat": 0, "instance_id": "i-1",
            "execution_start_ts": Timestamp::from_millis(start),
        }))
        .unwrap()
    }

    fn shown(plan: &Plan, jobs: &[JobSummary], width: usize, height: usize) -> Vec<String> {
        let moment = (Timestamp::from_millis(0), Timestamp::from_millis(125_000));
        screen("r", plan, jobs, moment, TerminalSize { width, height })
    }

    #[test]
    fn bars_counts_and_the_longest_job_first() {
        use JobStatus::{Completed, Failed, Pending, Running};
        let jobs = [
            job(0, 0, Completed, 0),
            job(1, 0, Running, 115_000),
            job(1, 1, Running, 60_000),
            job(1, 2, Failed, 60_000),
            job(1, 3, Pending, 0),
        ];
        assert_eq!(
            shown(&plan(4), &jobs, 80, 24),
            [
                "[########............] 2/5, 1 not completed  2 min 05 s  r",
                "[#####...............] 1/4, 1 not completed  2 min 05 s  stage 2 of 2  Loads",
                "   1 min 05 s  load-1.sh  i-1",
                "       10.0 s  load-0.sh  i-1",
            ]
        );
        assert_eq!(shown(&plan(4), &jobs, 40, 0), ["2/5, 1 not completed  2 min 05 s  r"]);
    }

    #[test]
    fn ten_thousand_jobs_take_as_many_lines_as_there_are() {
        let jobs: Vec<JobSummary> = (0..9_999).map(|p| job(1, p, JobStatus::Running, i64::from(p))).collect();
        for (width, height, lines) in [(80, 12, 7), (50, 24, 19), (200, 200, 23)] {
            let shown = shown(&plan(9_999), &jobs, width, height);
            assert_eq!(shown.len(), lines, "{width} {height}");
            assert!(shown.iter().all(|line| console::measure_text_width(line) < width), "{shown:?}");
        }
        assert!(shown(&plan(9_999), &jobs, 80, 24).last().unwrap().ends_with("and 9983 more"));
    }

    #[test]
    fn before_the_first_job_there_is_a_stage_already() {
        let lines = shown(&plan(1), &[], 60, 24);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].contains("stage 1 of 2"), "{lines:?}");
    }
}
