//! Time, tokens, limits: what the recorded cases do not show in detail.

use std::sync::Arc;

use crate::support::Bench;
use asl::{Callback, Definition, EventKind, Input, MAX_EVENTS, Rejected, StateKind, Status, TaskToken};
use serde_json::{Value, json};

fn success(output: Value) -> Callback {
    Callback::Success { output }
}

fn token_machine(fields: &Value) -> Value {
    let mut task = json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token", "n.$": "$$.State.RetryCount"}},
        "End": true
    });
    for (name, value) in fields.as_object().unwrap() {
        task[name] = value.clone();
    }
    json!({"StartAt": "T", "States": {"T": task}})
}

#[test]
fn retry_delays_grow_and_are_capped() {
    let retry = json!([{"ErrorEquals": ["E"], "IntervalSeconds": 3, "BackoffRate": 2, "MaxDelaySeconds": 10, "MaxAttempts": 4}]);
    let mut bench = Bench::start(&token_machine(&json!({"Retry": retry})), json!({}));
    for (tries, delay) in [3000, 6000, 10_000, 10_000].into_iter().enumerate() {
        let task = bench.last().task;
        assert_eq!(bench.last().retry_count as usize, tries);
        assert_eq!(bench.last().parameters["Payload"]["n"], tries);
        bench.input(Input::TaskFailed { task, error: Some("E".to_owned()), cause: None }).unwrap();
        bench.pass(delay - 1);
        assert_eq!(bench.started.len(), tries + 1);
        bench.pass(1);
        assert_eq!(bench.started.len(), tries + 2);
    }
    let task = bench.last().task;
    bench.input(Input::TaskFailed { task, error: Some("E".to_owned()), cause: None }).unwrap();
    assert_eq!(bench.status(), Status::Failed);
}

#[test]
fn full_jitter_draws_below_the_delay() {
    let retry = json!([{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "MaxAttempts": 99, "BackoffRate": 1, "JitterStrategy": "FULL"}]);
    let mut bench = Bench::start(&token_machine(&json!({"Retry": retry})), json!({}));
    let mut delays = Vec::new();
    for _ in 0..50 {
        let task = bench.last().task;
        bench.input(Input::TaskFailed { task, error: None, cause: None }).unwrap();
        let due = bench.execution.next_timer().unwrap();
        delays.push((due - bench.now).total(jiff::Unit::Millisecond).unwrap() as i64);
        bench.pass(10_000);
    }
    assert!(delays.iter().all(|d| (0..=10_000).contains(d)));
    assert!(delays.iter().min().unwrap() < &3000 && delays.iter().max().unwrap() > &7000, "{delays:?}");
}

#[test]
fn heartbeats_move_their_deadline_but_not_the_timeout() {
    let mut bench =
        Bench::start(&token_machine(&json!({"HeartbeatSeconds": 10, "TimeoutSeconds": 25})), json!({}));
    let token = bench.last().token.clone().unwrap();
    for _ in 0..2 {
        bench.pass(9_999);
        bench.callback(&token, Callback::Heartbeat).unwrap();
    }
    bench.pass(5_001);
    assert_eq!(bench.status(), Status::Running);
    bench.pass(1);
    assert_eq!(bench.error().as_deref(), Some("States.Timeout"));
    assert_eq!(bench.cancelled, [bench.last().task]);
    assert_eq!(bench.callback(&token, Callback::Heartbeat), Err(Rejected::TaskTimedOut));
}

#[test]
fn a_callback_at_the_deadline_is_too_late() {
    let mut bench = Bench::start(&token_machine(&json!({"HeartbeatSeconds": 10})), json!({}));
    let token = bench.last().token.clone().unwrap();
    bench.now += jiff::SignedDuration::from_secs(10);
    // No Tick before: the step fires what is due first.
    assert_eq!(bench.callback(&token, success(json!(1))), Err(Rejected::TaskTimedOut));
    assert_eq!(bench.error().as_deref(), Some("States.Timeout"));
}

#[test]
fn a_callback_may_overtake_the_request_s_answer() {
    let mut bench = Bench::start(&token_machine(&json!({})), json!({}));
    let start = bench.last();
    bench.callback(start.token.as_ref().unwrap(), success(json!("quick"))).unwrap();
    assert_eq!(bench.output(), Some(json!("quick")));
    let late = Input::TaskSubmitted { task: start.task, response: json!({}) };
    assert_eq!(bench.input(late), Err(Rejected::Ended));
}

#[test]
fn answers_of_the_wrong_kind_change_nothing() {
    let mut bench = Bench::start(&token_machine(&json!({})), json!({}));
    let task = bench.last().task;
    let step = bench.execution.step(Input::TaskSucceeded { task, output: json!(1) }, bench.now);
    assert_eq!(step.outcome, Err(Rejected::UnexpectedAnswer));
    assert!(!step.changed && step.effects.is_empty());
    let unknown = TaskToken::new("nobody's");
    assert_eq!(bench.callback(&unknown, Callback::Heartbeat), Err(Rejected::TaskDoesNotExist));
    assert_eq!(bench.input(Input::Start), Err(Rejected::AlreadyStarted));
    bench.input(Input::Stop { error: None, cause: None }).unwrap();
    assert_eq!((bench.status(), bench.cancelled.as_slice()), (Status::Aborted, [task].as_slice()));
    assert_eq!(bench.input(Input::Stop { error: None, cause: None }), Err(Rejected::Ended));
}

#[test]
fn tokens_are_long_unlike_and_not_shown() {
    let machine = json!({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": token_machine(&json!({}))}}});
    let bench = Bench::start(&machine, json!([1, 2, 3]));
    let tokens: Vec<&str> = bench.started.iter().map(|s| s.token.as_ref().unwrap().as_str()).collect();
    assert!(tokens.iter().all(|t| t.len() > 80 && t.len() <= 1024));
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2]);
    let last = bench.last();
    let shown =
        format!("{last:?} {:?} {:?} {:?}", last.parameters, bench.execution, bench.execution.history());
    assert!(tokens.iter().all(|token| !shown.contains(token)), "{shown}");
}

#[test]
fn the_machine_s_timeout_ends_everything() {
    let mut machine = token_machine(&json!({}));
    machine["TimeoutSeconds"] = json!(30);
    let mut bench = Bench::start(&machine, json!({}));
    bench.pass(30_000);
    assert_eq!(bench.status(), Status::TimedOut);
    assert_eq!(bench.types().last(), Some(&"ExecutionTimedOut"));
    assert_eq!(bench.cancelled.len(), 1);
    assert_eq!(bench.execution.next_timer(), None);
    assert!(bench.execution.open_tasks().is_empty());
}

/// A machine that goes through a state again and again.
fn looping(state: &Value) -> Value {
    json!({"StartAt": "Loop", "States": {
        "Loop": state,
        "Again": {"Type": "Choice", "Choices": [{"Variable": "$.stop", "IsPresent": true, "Next": "Done"}], "Default": "Loop"},
        "Done": {"Type": "Succeed"}}})
}

#[test]
fn a_loop_without_end_fails_at_the_limit_of_events() {
    let machine = looping(&json!({"Type": "Pass", "Next": "Again"}));
    let bench = Bench::start(&machine, json!({}));
    assert_eq!(bench.status(), Status::Failed);
    assert_eq!(bench.execution.history().len(), MAX_EVENTS);
    assert_eq!(
        bench.cause().as_deref(),
        Some("The execution reached the maximum number of history events (25000).")
    );
}

#[test]
fn outputs_cannot_nest_without_end() {
    let machine = looping(&json!({"Type": "Pass", "Parameters": {"x.$": "$"}, "Next": "Again"}));
    let bench = Bench::start(&machine, json!({}));
    assert!(bench.cause().unwrap().ends_with("The output is nested deeper than 100 levels."));
    let mut machine =
        looping(&json!({"Type": "Pass", "Assign": {"x.$": "States.Array($x)"}, "Next": "Again"}));
    machine["States"]["First"] = json!({"Type": "Pass", "Assign": {"x": 0}, "Next": "Loop"});
    machine["StartAt"] = json!("First");
    assert_eq!(Bench::start(&machine, json!({})).error().as_deref(), Some("States.Runtime"));
}

#[test]
fn a_state_s_own_output_beyond_the_limit_is_not_caught() {
    let grow = json!({"Type": "Pass", "Parameters": {"a.$": "$.a", "b.$": "$.a"}, "End": true});
    let machine = json!({"StartAt": "P", "States": {
        "P": {"Type": "Parallel", "Branches": [{"StartAt": "Grow", "States": {"Grow": grow}}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}], "End": true},
        "Done": {"Type": "Succeed"}}});
    let bench = Bench::start(&machine, json!({"a": "x".repeat(140_000)}));
    assert_eq!(bench.error().as_deref(), Some("States.DataLimitExceeded"));
    assert_eq!(
        bench.cause().as_deref(),
        Some(
            "The state/task 'Grow' returned a result with a size exceeding the maximum number of bytes service limit."
        )
    );
}

#[test]
fn lambda_events_are_what_lambda_gets() {
    for (payload, event) in [
        (json!(null), Some(json!({}))),
        (json!("{\"a\":1}"), Some(json!({"a": 1}))),
        (json!([1]), Some(json!([1]))),
        (json!("not json"), None),
    ] {
        let machine = json!({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f", "Payload.$": "$"}, "End": true}}});
        let bench = Bench::start(&machine, payload);
        assert_eq!(bench.last().lambda_event().ok(), event);
    }
}

#[test]
fn waits_end_on_time() {
    let machine = json!({"StartAt": "W", "States": {
        "W": {"Type": "Wait", "TimestampPath": "$.at", "Next": "S"},
        "S": {"Type": "Wait", "SecondsPath": "$.s", "End": true}}});
    let mut bench = Bench::start(&machine, json!({"at": "2025-06-01T14:00:01+02:00", "s": 2}));
    bench.pass(2_999);
    assert_eq!(bench.status(), Status::Running);
    bench.pass(1);
    assert_eq!(bench.status(), Status::Succeeded);
}

#[test]
fn variables_of_a_branch_stay_inside() {
    let inner = json!({"StartAt": "I", "States": {
        "I": {"Type": "Pass", "Assign": {"y.$": "$x", "x": "inner"}, "Next": "J"},
        "J": {"Type": "Pass", "Parameters": {"x.$": "$x", "y.$": "$y"}, "End": true}}});
    let machine = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Assign": {"x": "outer"}, "Next": "P"},
        "P": {"Type": "Parallel", "Branches": [inner], "Assign": {"r.$": "$[0].y"}, "Next": "Z"},
        "Z": {"Type": "Pass", "Parameters": {"in.$": "$", "x.$": "$x", "r.$": "$r"}, "End": true}}});
    let bench = Bench::start(&machine, json!({}));
    assert_eq!(
        bench.output(),
        Some(json!({"in": [{"x": "inner", "y": "outer"}], "x": "outer", "r": "outer"}))
    );
}

#[test]
fn catchers_see_the_raw_input_and_may_assign() {
    let machine = json!({"StartAt": "P", "States": {
        "P": {"Type": "Parallel", "InputPath": "$.in", "Branches": [{"StartAt": "F", "States": {
                "F": {"Type": "Fail", "ErrorPath": "States.Format('E{}', $.n)", "CausePath": "$$.State.Name"}}}],
            "Catch": [{"ErrorEquals": ["E7"], "ResultPath": "$.e", "Assign": {"why.$": "$.Cause"}, "Next": "Z"}], "End": true},
        "Z": {"Type": "Pass", "Parameters": {"all.$": "$", "why.$": "$why"}, "End": true}}});
    let bench = Bench::start(&machine, json!({"in": {"n": 7}}));
    assert_eq!(
        bench.output(),
        Some(json!({"all": {"in": {"n": 7}, "e": {"Error": "E7", "Cause": "F"}}, "why": "F"}))
    );
}

#[test]
fn events_look_like_the_api_s() {
    let bench = Bench::start(&token_machine(&json!({"TimeoutSeconds": 9})), json!({"a": 1}));
    let event = bench.execution.history()[0].to_json(true);
    assert_eq!(
        event,
        json!({"timestamp": 1_748_779_200.0, "type": "ExecutionStarted", "id": 1, "previousEventId": 0,
            "executionStartedEventDetails": {"input": "{\"a\":1}", "inputDetails": {"truncated": false},
                "roleArn": "arn:aws:iam::000000000000:role/r"}})
    );
    let event = bench.execution.history()[2].to_json(false);
    let details = event["taskScheduledEventDetails"].as_object().unwrap();
    let names: Vec<&str> = details.keys().map(String::as_str).collect();
    assert_eq!(names, ["resourceType", "resource", "region", "parameters", "timeoutInSeconds"]);
    let event = bench.execution.history()[1].to_json(false);
    assert_eq!(event["stateEnteredEventDetails"], json!({"name": "T"}));
}

#[test]
fn a_payload_that_is_passed_on_has_one_text_in_all_events() {
    let branch =
        |name: &str| json!({"StartAt": name, "States": {name: {"Type": "Pass", "Result": 1, "End": true}}});
    let machine = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "P"},
        "P": {"Type": "Parallel", "Branches": [branch("B"), branch("C")], "ResultPath": null, "End": true},
    }});
    let bench = Bench::start(&machine, json!({"large": "x".repeat(1000)}));
    let texts: Vec<&Arc<str>> = bench
        .execution
        .history()
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::ExecutionStarted { input, .. } | EventKind::StateEntered { input, .. } => Some(input),
            EventKind::ExecutionSucceeded { output } => Some(output),
            EventKind::StateExited { state, output, .. } => {
                (*state != StateKind::Pass || &**output != "1").then_some(output)
            }
            _ => None,
        })
        .collect();
    // The execution's, A's two, P's two, that of each branch.
    assert_eq!(texts.len(), 8);
    assert!(texts.iter().all(|text| Arc::ptr_eq(text, texts[0])));
}

#[test]
fn a_caught_timeout_has_an_empty_cause() {
    let catch = json!([{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.caught", "Next": "Done"}]);
    let mut value = token_machine(&json!({"TimeoutSeconds": 1, "Catch": catch}));
    value["States"]["Done"] = json!({"Type": "Pass", "End": true});
    let mut bench = Bench::start(&value, json!({}));
    bench.pass(1_000);
    assert_eq!(bench.output(), Some(json!({"caught": {"Error": "States.Timeout", "Cause": ""}})));
}

#[test]
fn a_path_whose_parent_is_missing_names_the_parent() {
    let cause = |path: &str| {
        let state = json!({"Type": "Pass", "InputPath": path, "End": true});
        let bench =
            Bench::start(&json!({"StartAt": "P", "States": {"P": state}}), json!({"a": {"list": [1]}}));
        bench.cause().unwrap()
    };
    assert!(cause("$.no.such").contains("Missing property in path $['no']"), "{}", cause("$.no.such"));
    assert!(cause("$.a.no.such").contains("Missing property in path $['a']['no']"));
    // Only the last step is missing.
    assert!(cause("$.no").contains("No results for path: $['no']"), "{}", cause("$.no"));
}

#[test]
fn an_inline_map_takes_no_tolerance() {
    for field in [
        "ToleratedFailureCount",
        "ToleratedFailureCountPath",
        "ToleratedFailurePercentage",
        "ToleratedFailurePercentagePath",
    ] {
        let processor = json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}});
        let value = match field.ends_with("Path") {
            true => json!("$.x"),
            false => json!(1),
        };
        let map = json!({"Type": "Map", "ItemProcessor": processor, "End": true, field: value});
        let problems = Definition::from_value(&json!({"StartAt": "M", "States": {"M": map}})).unwrap_err();
        assert!(problems.iter().any(|problem| problem.to_string().contains(field)), "{field}: {problems:?}");
    }
}
