//! Which job of a changed config is which of the old one.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::JobId;
use crate::plan::{Plan, ResolvedJob};

/// A job's counterpart in the run that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counterpart {
    pub(super) job: JobId,
    /// Script, arguments, environment or SQL are others now: what the old one did says nothing of this one.
    pub(super) changed: bool,
}

/// What a job does: two of the same are interchangeable, whatever their timeouts are.
type Work<'p> = (&'p str, &'p str, Option<&'p str>, &'p [String], Vec<(&'p str, &'p str)>);

fn work(job: &ResolvedJob) -> Work<'_> {
    let env = job.env.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let sql = job.sql.as_ref().map(|sql| sql.sha256.as_str());
    (&job.job_name, &job.script, sql, &job.args, env)
}

/// Each job of `new` with its counterpart in `old`, both resolved with the same values: first those that do the
/// same, in plan order, then of the rest those that have the same name.
pub(super) fn counterparts(old: &Plan, new: &Plan) -> BTreeMap<JobId, Counterpart> {
    let mut found = BTreeMap::new();
    let mut same: HashMap<Work<'_>, VecDeque<JobId>> = HashMap::new();
    for (id, job) in old.jobs() {
        same.entry(work(job)).or_default().push_back(id);
    }
    for (id, job) in new.jobs() {
        if let Some(job) = same.get_mut(&work(job)).and_then(VecDeque::pop_front) {
            found.insert(id, Counterpart { job, changed: false });
        }
    }
    let left: std::collections::BTreeSet<JobId> = same.into_values().flatten().collect();
    let mut named: HashMap<&str, VecDeque<JobId>> = HashMap::new();
    for (id, job) in old.jobs().filter(|(id, _)| left.contains(id)) {
        named.entry(&job.job_name).or_default().push_back(id);
    }
    for (id, job) in new.jobs() {
        if !found.contains_key(&id)
            && let Some(job) = named.get_mut(job.job_name.as_str()).and_then(VecDeque::pop_front)
        {
            found.insert(id, Counterpart { job, changed: true });
        }
    }
    found
}
