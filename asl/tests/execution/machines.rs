//! The project's own machines, as they are deployed.

use std::fs;
use std::path::Path;

use asl::{Definition, Input, Pattern};
use serde_json::{Value, json};

use crate::support::Bench;

/// A machine with its placeholders filled: a function or machine by its own name.
fn machine(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../statemachines/{name}.asl.json"));
    let mut text = fs::read_to_string(&file).unwrap().replace("${Partition}", "aws");
    while let Some(start) = text.find("${") {
        let end = start + text[start..].find('}').unwrap();
        let filled = text[start + 2..end].to_owned();
        text.replace_range(start..=end, &filled);
    }
    serde_json::from_str(&text).unwrap()
}

#[test]
fn are_free_of_problems() {
    for name in ["master", "sequential", "parallel"] {
        assert_eq!(Definition::from_value(&machine(name)).err(), None, "{name}");
    }
}

#[test]
fn a_parallel_chunk_gives_every_job_its_own_limits_and_token() {
    let items = json!([[7, 0], [8, 1]]);
    let limits = json!([{"h": 180, "t": 90_000}, {"h": 60, "t": 600}]);
    let input = json!({"workflow_execution_id": "e", "stage": 2, "chunk": 0, "on_failure": "finish",
        "items": items, "limits": limits, "max_concurrency": 40});
    let mut bench = Bench::start(&machine("parallel"), input);
    let jobs = bench.started.clone();
    assert_eq!(jobs.len(), 2);
    for (job, (position, heartbeat)) in jobs.iter().zip([(7, 180), (8, 60)]) {
        let payload = job.lambda_event().unwrap();
        assert_eq!(
            (&payload["position"], &payload["workflow_execution_id"]),
            (&json!(position), &json!("e"))
        );
        assert_eq!(payload["task_token"], job.token.as_ref().unwrap().as_str());
        assert_eq!(payload["retry"], 0);
        assert_eq!(
            (job.heartbeat_seconds, job.resource.pattern),
            (Some(heartbeat), Pattern::WaitForTaskToken)
        );
    }
    // One job fails: the other goes on, and the check of the whole chunk follows.
    let failed = Input::TaskFailed { task: jobs[0].task, error: Some("JobFailed".to_owned()), cause: None };
    bench.input(failed).unwrap();
    assert_eq!(bench.execution.open_tasks().len(), 1);
    let token = jobs[1].token.clone().unwrap();
    bench.callback(&token, asl::Callback::Success { output: json!({}) }).unwrap();
    assert_eq!(&*bench.last().state, "LoadCheck");
}
