//! A digest of all that decides what a job runs.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::ResolvedJob;
use crate::{ExecutionId, JobId, WorkflowId};

/// What the digest is of. The order of the fields, and their names, are part of its definition. A field that is added to
/// [`ResolvedJob`] must be left out of its JSON where it is not set, so that older and newer programs agree on jobs that
/// do not use it.
#[derive(Serialize)]
struct Digested<'a> {
    workflow_id: &'a WorkflowId,
    workflow_execution_id: &'a ExecutionId,
    job_id: JobId,
    job: &'a ResolvedJob,
}

impl ResolvedJob {
    /// SHA-256, in hexadecimal, of this job at its place in a run: of script, arguments, environment, secret, target,
    /// times and the rest. The launcher computes it from the run's plan and sends it with the command; the agent computes
    /// it from the job's row, and runs nothing where they differ.
    #[must_use]
    pub fn digest(&self, workflow: &WorkflowId, execution: &ExecutionId, id: JobId) -> String {
        let digested =
            Digested { workflow_id: workflow, workflow_execution_id: execution, job_id: id, job: self };
        // A job has nothing that JSON cannot hold; without JSON the digest is that of nothing, which no job has.
        let json = serde_json::to_vec(&digested).unwrap_or_default();
        Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn digest(job: &Value) -> String {
        let job: ResolvedJob = serde_json::from_value(job.clone()).unwrap();
        job.digest(&WorkflowId::new("w").unwrap(), &ExecutionId::new("e").unwrap(), JobId::new(0, 1))
    }

    fn sql() -> Value {
        json!({ "warehouse": "w", "at": { "workgroup": "g", "database": "d" }, "sha256": "0", "transaction": true, "log_rows": 20 })
    }

    fn job() -> Value {
        json!({
            "job_name": "load", "script": "load.sh", "sql": sql(), "args": ["a"], "env": {"A": "1"}, "secret": "s",
            "target": {"instance_ids": ["i-1"]}, "timeout": 60, "heartbeat": 180, "linger": 7,
            "times": [175000, 5000, 60000, 5000, 540000, 10000],
            "retries": 3, "retry_delay": 1, "retry_backoff": 2.0, "ok_exit_codes": [0], "on_lost": "fail",
            "skip": false, "skip_reason": "r"
        })
    }

    #[test]
    fn every_field_of_a_job_is_in_its_digest() {
        let all = job();
        for (name, value) in all.as_object().unwrap() {
            let other = match value {
                Value::String(_) if name == "on_lost" => json!("rerun"),
                Value::String(text) => json!(format!("{text}x")),
                Value::Bool(flag) => json!(!flag),
                Value::Number(number) => json!(number.as_f64().unwrap() as u64 + 1),
                Value::Array(_) if name == "ok_exit_codes" => json!([1]),
                Value::Array(_) if name == "times" => json!([175000, 5000, 60000, 5000, 540000, 1]),
                Value::Array(_) => json!(["b"]),
                Value::Object(_) if name == "sql" => {
                    let mut other = sql();
                    other["sha256"] = json!("1");
                    other
                }
                Value::Object(_) if name == "env" => json!({"A": "2"}),
                Value::Object(_) if name == "target" => json!({"instance_ids": ["i-2"]}),
                other => panic!("{name}: {other}"),
            };
            let mut changed = all.clone();
            changed[name] = other;
            assert_ne!(digest(&changed), digest(&all), "{name}");
        }
    }

    #[test]
    fn the_place_of_a_job_is_in_its_digest() {
        let job: ResolvedJob = serde_json::from_value(job()).unwrap();
        let of = |workflow: &str, execution: &str, position| {
            job.digest(
                &WorkflowId::new(workflow).unwrap(),
                &ExecutionId::new(execution).unwrap(),
                JobId::new(0, position),
            )
        };
        let all = [of("w", "e", 1), of("v", "e", 1), of("w", "f", 1), of("w", "e", 2)];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
        assert_eq!(all[0].len(), 64);
    }

    /// Agents and functions of this and of later versions must agree on it.
    #[test]
    fn the_digest_of_a_plain_job_stays_what_it_is() {
        let plain = json!({
            "job_name": "load", "script": "load.sh", "timeout": 60, "heartbeat": 180, "retries": 0,
            "retry_delay": 60, "retry_backoff": 2, "ok_exit_codes": [0], "on_lost": "fail"
        });
        let text = r#"{"workflow_id":"w","workflow_execution_id":"e","job_id":"0000#00001","job":{"job_name":"load","script":"load.sh","timeout":60,"heartbeat":180,"retries":0,"retry_delay":60,"retry_backoff":2.0,"ok_exit_codes":[0],"on_lost":"fail","skip":false}}"#;
        let expected: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest(&plain), expected);
    }
}
