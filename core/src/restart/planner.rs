//! The decision.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::correspond::{Counterpart, counterparts};
use super::{Carried, Mark, Why};
use crate::config::{OnFailure, Workflow};
use crate::plan::{DeploymentDefaults, Plan, Snapshot};
use crate::protocol::JobStatus;
use crate::{ExecutionId, JobId, Problems, Timing};

/// The run that ended.
#[derive(Clone, Debug)]
pub struct Before<'a> {
    /// What it was to do.
    pub snapshot: &'a Snapshot,
    /// The states of its jobs. Jobs that were not created are not in it.
    pub statuses: &'a BTreeMap<JobId, JobStatus>,
    /// What operators said of its jobs, in the order of time.
    pub marks: &'a [Mark],
}

/// Which jobs a restart is to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// Those that are not done: failed, timed out, lost, cancelled, not started.
    #[default]
    Unfinished,
    /// All of a stage, from 0, and of those after it; but not what is marked.
    From(u16),
    /// Exactly these, done or not, by their ids in the run that ended.
    Jobs(BTreeSet<JobId>),
}

/// Which config a restart runs, where it changed meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigChoice {
    /// That of the run that ended.
    Snapshot,
    /// That of the config table.
    Current,
}

/// The config of now, for a restart that is to run it.
#[derive(Clone, Copy, Debug)]
pub struct Current<'a> {
    /// The config table's item.
    pub workflow: &'a Value,
    /// The deployment's defaults.
    pub defaults: &'a DeploymentDefaults,
    /// The deployment's times.
    pub timing: &'a Timing,
}

/// Why there is nothing to restart so.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RestartError {
    /// Every job is done.
    #[error(
        "every job of {0} is done, so there is nothing to run again: name a stage to restart from, or a job, to \
         run what completed once more"
    )]
    NothingToDo(ExecutionId),
    /// The stage is not there.
    #[error("there is no stage {stage}: the workflow has {stages}")]
    NoSuchStage {
        /// The stage, from 1.
        stage: u32,
        /// How many there are.
        stages: usize,
    },
    /// The job is not there, or not any more.
    #[error("the workflow has no job {0} to restart")]
    NoSuchJob(JobId),
    /// The job's flag, or its stage's, says `n`.
    #[error("{name} ({job}) is switched off by its execution_flag")]
    SwitchedOff {
        /// Which.
        job: JobId,
        /// Its name.
        name: String,
    },
    /// Jobs before the stage to restart from are not done.
    #[error(
        "{count} job(s) before that stage did not complete, first {name} ({job}): mark them, or restart without a \
         stage, which runs them too"
    )]
    NotDoneBefore {
        /// How many.
        count: usize,
        /// The first.
        job: JobId,
        /// Its name.
        name: String,
    },
    /// The config of now cannot be run.
    #[error("the config of now cannot be run:\n{0}")]
    Invalid(Problems),
}

impl From<Problems> for RestartError {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

/// Plans the new run. Its parameters keep the values of the first run, and its date and moment are the first run's;
/// a parameter that only the config of now has gets that config's value.
///
/// # Errors
/// [`RestartError`] with a hint.
pub fn restart(
    before: &Before<'_>,
    id: ExecutionId,
    selection: &Selection,
    current: Option<Current<'_>>,
) -> Result<(Snapshot, Plan), RestartError> {
    let old = Plan::from_snapshot(before.snapshot)?;
    // The run that ended, had it run the config of now: its values are in both plans' arguments.
    let (base, counterparts) = match current {
        None => (before.snapshot.clone(), None),
        Some(current) => {
            let base = with_config(before.snapshot, current)?;
            let found = counterparts(&old, &Plan::from_snapshot(&base)?);
            (base, Some(found))
        }
    };
    let mut snapshot = Snapshot { carried: Carried::default(), ..base.restart(id) };
    let plan = Plan::from_snapshot(&snapshot)?;
    let counterpart = |job: JobId| match &counterparts {
        None => Some(Counterpart { job, changed: false }),
        Some(found) => found.get(&job).copied(),
    };
    snapshot.carried = carried(before, &plan, selection, &counterpart)?;
    snapshot.check_size()?;
    let plan = Plan::from_snapshot(&snapshot)?;
    if plan.jobs().all(|(_, job)| job.skip) {
        return Err(RestartError::NothingToDo(before.snapshot.workflow_execution_id.clone()));
    }
    Ok((snapshot, plan))
}

fn with_config(old: &Snapshot, current: Current<'_>) -> Result<Snapshot, RestartError> {
    let workflow = Workflow::from_json(current.workflow, current.timing)?;
    let mut parameters = workflow.parameters;
    for (name, value) in &mut parameters {
        if let Some(first) = old.parameters.get(name) {
            value.clone_from(first);
        }
    }
    Ok(Snapshot {
        workflow: current.workflow.clone(),
        parameters,
        defaults: current.defaults.clone(),
        timing: current.timing.clone(),
        carried: Carried::default(),
        ..old.clone()
    })
}

/// What of `plan`, in which nothing is carried over yet, is not to run.
fn carried(
    before: &Before<'_>,
    plan: &Plan,
    selection: &Selection,
    counterpart: &dyn Fn(JobId) -> Option<Counterpart>,
) -> Result<Carried, RestartError> {
    let mut asked = match selection {
        Selection::Jobs(jobs) => jobs.clone(),
        _ => BTreeSet::new(),
    };
    if let Selection::From(stage) = selection
        && usize::from(*stage) >= plan.stages.len()
    {
        return Err(RestartError::NoSuchStage { stage: u32::from(*stage) + 1, stages: plan.stages.len() });
    }
    let mut not_done: Vec<(JobId, &str)> = Vec::new();
    let mut carried = Vec::new();
    for (id, job) in plan.jobs() {
        let old = counterpart(id);
        let is_asked = old.is_some_and(|old| asked.remove(&old.job));
        if job.skip {
            if is_asked {
                return Err(RestartError::SwitchedOff { job: id, name: job.job_name.clone() });
            }
            continue;
        }
        let done = old.filter(|old| !old.changed).and_then(|old| done(before, old.job));
        let why = match selection {
            Selection::Unfinished => done,
            Selection::Jobs(_) if is_asked => None,
            Selection::Jobs(_) => Some(done.unwrap_or(Why::NotAsked)),
            Selection::From(stage) if id.stage >= *stage => {
                done.filter(|why| matches!(why, Why::Marked { .. }))
            }
            Selection::From(_) if done.is_some() => done,
            Selection::From(_) => {
                let stage = plan.stages.get(usize::from(id.stage));
                // There the workflow continues without it.
                if stage.is_none_or(|stage| stage.on_failure != OnFailure::Continue) {
                    not_done.push((id, &job.job_name));
                }
                Some(Why::NotAsked)
            }
        };
        carried.extend(why.map(|why| (id, why)));
    }
    if let Some(job) = asked.into_iter().next() {
        return Err(RestartError::NoSuchJob(job));
    }
    if let Some((job, name)) = not_done.first() {
        return Err(RestartError::NotDoneBefore {
            count: not_done.len(),
            job: *job,
            name: (*name).to_owned(),
        });
    }
    Ok(carried.into_iter().collect())
}

/// Why a job of the earlier run does not run again. A mark takes precedence over the row.
fn done(before: &Before<'_>, job: JobId) -> Option<Why> {
    let execution = before.snapshot.workflow_execution_id.clone();
    if let Some(mark) = before.marks.iter().rev().find(|mark| mark.job_id == job) {
        return Some(Why::Marked {
            execution,
            status: mark.mark,
            by: mark.marked_by.clone(),
            reason: mark.reason.clone(),
        });
    }
    match before.statuses.get(&job) {
        Some(JobStatus::Completed) => Some(Why::Completed { execution }),
        // Rows of carried jobs may not exist, if the run ended before it reached them.
        Some(JobStatus::Skipped) | None => {
            before.snapshot.carried.why(job).filter(|why| why.is_done()).cloned()
        }
        Some(_) => None,
    }
}
