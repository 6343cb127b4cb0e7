//! Plans and rows for unit tests.

use rsqlflow_core::config::Target;
use rsqlflow_core::plan::{DeploymentDefaults, Plan, Snapshot, Trigger};
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{ExecutionId, JobId, Timestamp, Timing};
use rsqlflow_store::JobStanding;
use serde_json::{Value, json};

/// The plan of an item with these stages.
pub(crate) fn plan_of(stages: &Value) -> Plan {
    let defaults = DeploymentDefaults {
        target: Some(Target::InstanceIds(vec!["i-0123456789abcdef0".into()])),
        ..DeploymentDefaults::default()
    };
    let trigger = Trigger {
        execution_id: &ExecutionId::new("e").unwrap(),
        now: Timestamp::from_millis(0),
        parameters: None,
        defaults: &defaults,
        timing: &Timing::default(),
    };
    Snapshot::take(&json!({ "workflow_id": "w", "workflow_stages": stages }), trigger).unwrap().1
}

/// A stage each: type, on_failure, how many jobs.
pub(crate) fn plan(stages: &[(&str, &str, usize)]) -> Plan {
    let stages: Vec<_> = stages
        .iter()
        .map(|(kind, on_failure, jobs)| {
            json!({ "execution_type": kind, "on_failure": on_failure, "scripts": vec!["a.sh"; *jobs] })
        })
        .collect();
    plan_of(&json!(stages))
}

/// A job's row.
pub(crate) fn row(stage: u16, position: u32, status: JobStatus) -> JobStanding {
    let bad = status.is_closed() && !status.is_good();
    JobStanding {
        job_id: JobId::new(stage, position),
        job_name: format!("job-{stage}-{position}"),
        status,
        attempt: 1,
        expires_at: None,
        error_message: bad.then(|| format!("why {position}")),
    }
}
