//! The work per input must not grow with the number of branches that wait.

use std::time::Instant;

use crate::support::Bench;
use asl::{Callback, Execution, Input, Status};
use serde_json::{Value, json};

fn chunk() -> Value {
    let job = json!({"StartAt": "Job", "States": {"Job": {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token", "p.$": "$.p", "e.$": "$$.Execution.Input.id"}},
        "HeartbeatSecondsPath": "$.limit.h", "TimeoutSecondsPath": "$.limit.t",
        "ResultSelector": {}, "End": true}}});
    json!({"StartAt": "Jobs", "States": {"Jobs": {
        "Type": "Map", "ItemsPath": "$.items", "MaxConcurrencyPath": "$.max",
        "ItemSelector": {"p.$": "$$.Map.Item.Value[0]", "limit.$": "States.ArrayGetItem($.limits, $$.Map.Item.Value[1])"},
        "ItemProcessor": job, "ResultSelector": {}, "End": true}}})
}

#[test]
fn a_chunk_of_500_jobs() {
    let items: Vec<Value> = (0..500).map(|p| json!([p, 0])).collect();
    let input = json!({"id": "e", "items": items, "max": 40, "limits": [{"h": 180, "t": 90_000}]});
    let begun = Instant::now();
    let mut bench = Bench::start(&chunk(), input);
    assert_eq!(bench.started.len(), 40);
    let mut answered = 0;
    while answered < bench.started.len() {
        let start = bench.started[answered].clone();
        answered += 1;
        assert_eq!(start.parameters["Payload"]["p"], answered - 1);
        bench.input(Input::TaskSubmitted { task: start.task, response: json!({}) }).unwrap();
        let token = start.token.clone().unwrap();
        bench.callback(&token, Callback::Heartbeat).unwrap();
        bench.callback(&token, Callback::Success { output: json!({}) }).unwrap();
        assert!(bench.execution.open_tasks().len() <= 40);
    }
    assert_eq!((answered, bench.status()), (500, Status::Succeeded));
    // 8 events for each job and 6 around them.
    assert_eq!(bench.execution.history().len(), 500 * 8 + 6);
    println!("500 jobs: {:?}", begun.elapsed());
}

#[test]
fn executions_can_move_between_threads() {
    fn send<T: Send>() {}
    send::<Execution>();
}
