//! The usage of a run.

use std::collections::BTreeMap;

use rsqlflow_core::CANCEL_POLL;
use rsqlflow_core::Function;
use rsqlflow_core::plan::{Plan, Snapshot};
use serde::Serialize;

use super::transitions::{self, NotCountable, Tally};

/// Memory of the functions, as the deployment sets it.
const MEMORY_MB: f64 = 256.0;
/// Size of a row without the job: keys, status, token, times, log stream.
const ROW_OVERHEAD: u64 = 700;
/// So long a launcher waits for the end of a statement.
const LAUNCHER_WAIT_SECONDS: f64 = 10.0;
/// What Lambda and the function write to the log in an invocation, in KB.
const LOG_KB_CALL: f64 = 1.0;
/// Log output of a transition of a Standard state machine that logs every event, without data, in KB.
const LOG_KB_TRANSITION: f64 = 3.0;

/// Assumptions about values that are not in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Assumptions {
    /// Number of runs in a month.
    pub runs_per_month: u32,
    /// Log output of a script, in MB.
    pub log_mb_per_job: f64,
    /// Duration of a script, in minutes.
    pub job_minutes: f64,
    /// Duration of an invocation, in milliseconds.
    pub lambda_ms: f64,
}

/// The usage of one run in which every job succeeds in its first attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Usage {
    /// State transitions. Exact.
    pub transitions: u64,
    /// Lambda invocations of each function. Exact.
    pub calls: BTreeMap<String, u64>,
    /// GB-seconds of these invocations.
    pub gb_seconds: f64,
    /// DynamoDB write request units.
    pub write_units: u64,
    /// DynamoDB read request units.
    pub read_units: u64,
    /// Data sent to CloudWatch Logs, in MB.
    pub log_mb: f64,
    /// SSM commands, exact: one for each script.
    pub commands: u64,
    /// Statements of the Redshift Data API, exact: one for each job with `sql`. They cost nothing beside the warehouse.
    pub statements: u64,
}

impl Usage {
    /// All Lambda invocations.
    #[must_use]
    pub(crate) fn invocations(&self) -> u64 {
        self.calls.values().sum()
    }
}

/// The usage of a run of the plan.
///
/// # Errors
/// A definition of a state machine cannot be walked.
pub(crate) fn of_plan(
    plan: &Plan,
    snapshot: &Snapshot,
    assumed: &Assumptions,
) -> Result<Usage, NotCountable> {
    let mut tally = transitions::count(plan)?;
    // The trigger starts the state machines.
    tally.calls.insert(Function::WorkflowTrigger, 1);
    let count = |is_sql: bool| {
        let jobs = plan.jobs().filter(|(_, job)| !job.skip && job.sql.is_some() == is_sql).count();
        u64::try_from(jobs).unwrap_or(u64::MAX)
    };
    let (commands, statements) = (count(false), count(true));
    // The event of a statement's end, unless its launcher has waited for it. Ticks come whether something runs or not.
    if statements > 0 && assumed.job_minutes * 60.0 > LAUNCHER_WAIT_SECONDS {
        tally.calls.insert(Function::Clock, statements);
    }
    let calls: u64 = tally.calls.values().sum();
    let units = Units::of(plan, snapshot, &tally, assumed);
    Ok(Usage {
        transitions: tally.transitions,
        calls: tally.calls.iter().map(|(function, n)| (function.to_string(), *n)).collect(),
        gb_seconds: gb_seconds(calls, MEMORY_MB, assumed),
        write_units: units.write,
        read_units: units.read,
        log_mb: megabytes(commands + statements, calls, tally.transitions, assumed),
        commands,
        statements,
    })
}

/// GB-seconds of a number of invocations.
pub(super) fn gb_seconds(calls: u64, memory_mb: f64, assumed: &Assumptions) -> f64 {
    calls as f64 * memory_mb / 1_024.0 * assumed.lambda_ms / 1_000.0
}

/// Log output of scripts, functions and state machines.
pub(super) fn megabytes(jobs: u64, calls: u64, transitions: u64, assumed: &Assumptions) -> f64 {
    let machinery = calls as f64 * LOG_KB_CALL + transitions as f64 * LOG_KB_TRANSITION;
    jobs as f64 * assumed.log_mb_per_job + machinery / 1_000.0
}

/// DynamoDB request units, call by call. All reads are strongly consistent, except the reads that look for a cancel.
#[derive(Default)]
struct Units {
    write: u64,
    read: u64,
}

impl Units {
    fn of(plan: &Plan, snapshot: &Snapshot, tally: &Tally, assumed: &Assumptions) -> Self {
        let calls = |function: Function| tally.calls.get(&function).copied().unwrap_or_default();
        let snapshot_bytes = bytes(snapshot);
        let mut units = Self::default();

        // The trigger: the item, whether the run exists, lock, snapshot (written and read), the run's row and its index entry.
        units.read += 1 + reads(bytes(&snapshot.workflow)) + reads(snapshot_bytes);
        let names: Vec<&str> = plan.jobs().map(|(_, job)| job.job_name.as_str()).collect();
        let run_row = ROW_OVERHEAD + bytes(&names);
        units.write += 1 + writes(snapshot_bytes) + writes(run_row) + 1;
        // The end of the run: begin, close and its index entry, lock.
        units.write += writes(run_row) * 2 + 1 + 1;

        // Each of these reads the plan. The first and the last read the run's row too.
        let planners =
            [Function::MasterIterator, Function::SequentialIterator].map(calls).iter().sum::<u64>()
                + calls(Function::ParallelLoadCheck)
                + calls(Function::UpdateAudit);
        units.read += planners * reads(snapshot_bytes);
        let row_reads = calls(Function::MasterIterator) + calls(Function::UpdateAudit);
        units.read += row_reads * reads(run_row);

        let mut rows = 0;
        for (_, job) in plan.jobs() {
            let row = ROW_OVERHEAD + bytes(job);
            rows += row;
            if job.skip {
                units.write += writes(row);
                continue;
            }
            if job.sql.is_some() {
                // Handed out, started, its statement noted, closed; all but the first change an index, and the last two.
                units.write += 4 * writes(row) + 4;
                // Launcher and clock look at the job, the launcher at the run. A tick keeps its task alive.
                units.read +=
                    2 * reads(row) + reads(run_row) + assumed.job_minutes.ceil() as u64 * reads(row);
                continue;
            }
            // Handed out, triggered, its command noted, claimed, closed; the last two change the index too.
            units.write += 5 * writes(row) + 2;
            // The launcher reads the job and the run, and the agent reads the job.
            units.read += 2 * reads(row) + reads(run_row);
            let heartbeat = f64::from(job.heartbeat.get());
            let renewals = (assumed.job_minutes * 60.0 / (heartbeat / 3.0)).floor();
            units.write += renewals as u64 * writes(row);
            // Between renewals, the agent looks for a cancel. That read is eventually consistent and costs half a unit.
            let looks = assumed.job_minutes * 60.0 / CANCEL_POLL.as_secs_f64();
            units.read += (looks * reads(row) as f64 / 2.0).ceil() as u64;
        }
        // Master iterator (after each chunk), load check and closer each read every row by a query, which is billed by the
        // total size.
        let parallel = u64::from(calls(Function::ParallelLoadCheck) > 0);
        units.read += reads(rows) * (2 + parallel);
        units
    }
}

/// Length as JSON, which is close to what DynamoDB counts.
fn bytes(value: &impl Serialize) -> u64 {
    serde_json::to_vec(value).map_or(0, |json| u64::try_from(json.len()).unwrap_or(u64::MAX))
}

/// Write request units of an item (DynamoDB developer guide, "Capacity unit consumption").
fn writes(bytes: u64) -> u64 {
    bytes.div_ceil(1_024).max(1)
}

/// Read request units of a consistent read (same page).
fn reads(bytes: u64) -> u64 {
    bytes.div_ceil(4_096).max(1)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
