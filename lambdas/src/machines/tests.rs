//! What the definitions must hold to, read as JSON, and what the interpreter makes of them.

use std::collections::{BTreeMap, BTreeSet};

use rsqlflow_core::config::MAX_CONCURRENCY;
use rsqlflow_core::plan::CHUNK_JOBS;
use rsqlflow_core::{ErrorName, Timing};
use serde_json::Value;

use super::*;
use crate::master_iterator::TASK_TRIES;

pub(super) fn substitutions() -> Substitutions {
    let machine = |name: &str| format!("arn:aws:states:us-east-1:000000000000:stateMachine:{name}");
    let function = |f: Function| format!("arn:aws:lambda:us-east-1:000000000000:function:p-{f}");
    Substitutions::of("aws", function, &machine("p-sequential"), &machine("p-parallel"))
}

fn parsed(machine: MachineKind) -> Value {
    serde_json::from_str(&definition(machine, &substitutions()).unwrap()).unwrap()
}

/// Every state of a definition, within Maps too.
fn states(machine: MachineKind) -> Vec<(String, Value)> {
    fn collect(machine: &Value, found: &mut Vec<(String, Value)>) {
        for (name, state) in machine["States"].as_object().unwrap() {
            found.push((name.clone(), state.clone()));
            if state["Type"] == "Map" {
                collect(&state["ItemProcessor"], found);
            }
        }
    }
    let mut found = Vec::new();
    collect(&parsed(machine), &mut found);
    found
}

fn all_states() -> Vec<(String, Value)> {
    MachineKind::ALL.into_iter().flat_map(states).collect()
}

fn tasks() -> Vec<(String, Value)> {
    all_states().into_iter().filter(|(_, state)| state["Type"] == "Task").collect()
}

fn retriers(state: &Value) -> Vec<Value> {
    state["Retry"].as_array().cloned().unwrap_or_default()
}

fn names(value: &Value) -> Vec<&str> {
    value["ErrorEquals"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

/// Names that services give, not we.
fn is_of_a_service(name: &str) -> bool {
    ["States.", "Lambda.", "StepFunctions.", "Sandbox.", "Runtime."].iter().any(|p| name.starts_with(p))
}

/// All waits of a retrier, in seconds, when no jitter shortens them.
fn longest_wait(retrier: &Value) -> f64 {
    let number = |name: &str| retrier[name].as_f64().unwrap();
    let delay =
        |k: u64| number("IntervalSeconds") * number("BackoffRate").powi(i32::try_from(k).unwrap().min(99));
    (0..retrier["MaxAttempts"].as_u64().unwrap()).map(|k| delay(k).min(number("MaxDelaySeconds"))).sum()
}

#[test]
fn the_interpreter_takes_them() {
    for machine in MachineKind::ALL {
        let text = definition(machine, &substitutions()).unwrap();
        let problems = asl::Definition::parse(&text).err().unwrap_or_default();
        assert!(problems.is_empty(), "{machine:?}: {problems:#?}");
    }
}

#[test]
fn every_placeholder_has_a_value_and_every_value_a_placeholder() {
    let text: String = MachineKind::ALL.into_iter().map(template).collect();
    for name in substitutions().names() {
        assert!(text.contains(&format!("${{{name}}}")), "{name} stands nowhere");
    }
}

#[test]
fn filling_refuses_what_it_does_not_know() {
    let values = BTreeMap::from([("A".to_owned(), "${B}".to_owned()), ("Q".to_owned(), "\"".to_owned())]);
    assert_eq!(fill("x ${A} $A {A}", &values).unwrap(), "x ${B} $A {A}");
    assert_eq!(fill("${C}", &values), Err(FillError::Unknown("C".into())));
    assert_eq!(fill("a ${A", &values), Err(FillError::Unclosed("A".into())));
    assert_eq!(fill("${Q}", &values), Err(FillError::Unsafe("Q".into())));
}

#[test]
fn error_names_are_the_same_on_both_sides() {
    let mut retried = BTreeSet::new();
    let mut caught = BTreeSet::new();
    let mut thrown = BTreeSet::new();
    for (_, state) in all_states() {
        for retrier in retriers(&state) {
            retried.extend(names(&retrier).into_iter().filter(|n| !is_of_a_service(n)).map(str::to_owned));
        }
        for catcher in state["Catch"].as_array().into_iter().flatten() {
            caught.extend(names(catcher).into_iter().filter(|n| !is_of_a_service(n)).map(str::to_owned));
        }
        thrown.extend(state["Error"].as_str().map(str::to_owned));
    }
    let ours: BTreeSet<String> =
        ErrorName::ALL.into_iter().filter(|n| n.is_retried()).map(|n| n.to_string()).collect();
    assert_eq!(retried, ours, "what the machines retry, and what the functions ask them to");
    for name in caught.iter().chain(&thrown) {
        assert!(name.parse::<ErrorName>().is_ok(), "{name}");
    }
    // The master tells by this name that a child failed for its jobs' sake.
    assert_eq!(thrown, BTreeSet::from([ErrorName::StageFailed.to_string()]));
}

#[test]
fn a_reported_failure_is_never_retried() {
    for (name, state) in tasks() {
        for retrier in retriers(&state) {
            for error in names(&retrier) {
                assert!(!["States.ALL", "States.TaskFailed"].contains(&error), "{name} retries {error}");
                assert!(!error.starts_with("Job"), "{name} retries {error}");
            }
        }
    }
}

#[test]
fn every_task_ends_and_survives_what_passes() {
    const TRANSIENT: [&str; 4] = [
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ];
    for (name, state) in tasks() {
        let resource = state["Resource"].as_str().unwrap();
        let has = |field: &str| !state[field].is_null() || !state[format!("{field}Path")].is_null();
        assert!(has("TimeoutSeconds"), "{name}");
        assert_eq!(has("HeartbeatSeconds"), resource.ends_with(".waitForTaskToken"), "{name}");
        if resource.contains(":lambda:invoke") {
            let passing = retriers(&state).into_iter().find(|r| names(r).contains(&TRANSIENT[0]));
            let passing = passing.unwrap_or_else(|| panic!("{name} gives up at once"));
            assert!(TRANSIENT.iter().all(|error| names(&passing).contains(error)), "{name}");
            assert_eq!(passing["JitterStrategy"], "FULL", "{name}");
            assert!(passing["BackoffRate"].as_f64().unwrap() > 1.0, "{name}");
        }
        for retrier in retriers(&state) {
            assert!(retrier["MaxDelaySeconds"].is_u64(), "{name}");
            assert!(retrier["Comment"].is_string(), "{name}: a retry says how long it may wait");
        }
    }
}

#[test]
fn every_state_says_what_it_is_for() {
    for (name, state) in all_states() {
        assert!(state["Comment"].is_string(), "{name}");
    }
}

#[test]
fn functions_are_called_where_they_belong() {
    let called: BTreeSet<String> = tasks()
        .iter()
        .filter_map(|(_, state)| state["Parameters"]["FunctionName"].as_str().map(str::to_owned))
        .collect();
    let known: BTreeSet<String> = Function::ALL
        .into_iter()
        .filter(|f| f.placeholder().is_some())
        .map(|f| format!("arn:aws:lambda:us-east-1:000000000000:function:p-{f}"))
        .collect();
    assert_eq!(called, known);
}

#[test]
fn waits_are_as_the_comments_say() {
    let task = |name: &str| tasks().into_iter().find(|(n, _)| n == name).unwrap().1;
    let waits = |name: &str| retriers(&task(name)).iter().map(longest_wait).collect::<Vec<_>>();
    assert_eq!(waits("RunJob"), [12.0, 95.0]);
    assert_eq!(waits("RunSequential"), [122.0]);
    assert_eq!(waits("HandOut"), [242.0]);
    let hours = waits("NextChunk")[0] / 3600.0;
    assert!(hours > 33.0 && hours < 34.0, "{hours}");
    let longest_heartbeat = f64::from(Timing::MAX_HEARTBEAT.get()) / 3600.0;
    assert!(hours > longest_heartbeat, "an agent may take its whole lease to show that it is gone");
    assert_eq!(waits("NextChunk"), waits("UpdateAudit"));
    let minutes = waits("LoadCheck")[0] / 60.0;
    assert!(minutes > 26.0 && minutes < 27.0, "{minutes}");
}

#[test]
fn both_machines_try_a_job_alike_and_not_for_ever() {
    let jobs: Vec<Value> =
        tasks().into_iter().filter(|(name, _)| name == "RunJob").map(|(_, state)| state).collect();
    assert_eq!(jobs.len(), 2);
    for part in ["Resource", "Parameters", "TimeoutSecondsPath", "HeartbeatSecondsPath", "Retry"] {
        assert_eq!(jobs[0][part], jobs[1][part], "{part}");
    }
    let retries = |state: &Value| -> Vec<u64> {
        retriers(state).iter().map(|r| r["MaxAttempts"].as_u64().unwrap()).collect()
    };
    let [silent, uncalled] = retries(&jobs[0])[..] else { panic!("two retriers") };
    assert_eq!(1 + silent + uncalled, TASK_TRIES);
    // 8 events of an item that succeeds; before it 4 of each try that was submitted and timed out, 3 of each whose
    // function failed; 4 of what follows a failure.
    let of_jobs = (8 + 4 * silent + 3 * uncalled + 4) * u64::try_from(CHUNK_JOBS).unwrap();
    // 3 of each try of the load check, and 8 more: the execution's start and end, the Map's entry, start, success
    // and exit, the load check's entry and exit.
    let check = tasks().into_iter().find(|(name, _)| name == "LoadCheck").unwrap().1;
    let of_check = 3 * (1 + retries(&check).iter().sum::<u64>()) + 8;
    // Step Functions developer guide, "Quotas": events of a Standard execution.
    assert!(of_jobs + of_check < 25_000, "{of_jobs} + {of_check}");
}

#[test]
fn a_sequential_stage_goes_on_only_past_jobs_that_are_over() {
    let job: Value = serde_json::from_str(template(MachineKind::Sequential)).unwrap();
    let catch = &job["States"]["RunScripts"]["ItemProcessor"]["States"]["RunJob"]["Catch"];
    let over: Vec<&str> =
        ErrorName::ALL.into_iter().filter(|name| name.is_of_job()).map(ErrorName::as_str).collect();
    assert_eq!(names(&catch[0]), over);
    assert_eq!((&catch[0]["Next"], &catch[1]["Next"]), (&Value::from("OnFailure"), &Value::from("StopHere")));
}

#[test]
fn the_machine_waits_no_longer_than_agents_are_told() {
    let job = tasks().into_iter().find(|(name, _)| name == "RunJob").unwrap().1;
    for retrier in retriers(&job) {
        let longest = retrier["MaxDelaySeconds"].as_u64().unwrap();
        assert!(longest <= Timing::default().machine_retry_delay.as_secs());
        if names(&retrier) == ["States.Timeout"] {
            // On one machine there is no Lambda whose errors would pass.
            assert!(longest <= Timing::single_machine().machine_retry_delay.as_secs());
        }
    }
}

#[test]
fn concurrency_is_within_an_inline_map() {
    let maps: Vec<Value> =
        all_states().into_iter().filter(|(_, s)| s["Type"] == "Map").map(|(_, s)| s).collect();
    assert_eq!(maps.len(), 2);
    for map in maps {
        assert_eq!(map["ItemProcessor"]["ProcessorConfig"]["Mode"], "INLINE");
    }
    assert_eq!(MAX_CONCURRENCY, 40, "the limit of an inline Map");
}
