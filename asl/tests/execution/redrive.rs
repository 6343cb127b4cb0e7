//! Redrive: what may be redriven, what runs again and what does not.

use crate::support::{Bench, execution, start_time};
use asl::{Callback, EventKind, Input, MAX_EVENTS, NotRedrivable, Rejected, Status};
use jiff::SignedDuration;
use serde_json::{Value, json};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn task(name: &str) -> Value {
    json!({"Type": "Task", "Resource": format!("arn:aws:lambda:eu-west-1:0:function:{name}"), "End": true})
}

fn branch(name: &str) -> Value {
    json!({"StartAt": name, "States": {name: task(name)}})
}

fn machine(state: &Value) -> Value {
    json!({"StartAt": "S", "States": {"S": state}})
}

/// A machine that does the state `S` again and again. A machine must have an end, even if it never comes there.
fn endless(state: &Value) -> Value {
    let rule = json!({"Variable": "$.end", "IsPresent": true, "Next": "End"});
    json!({"StartAt": "Again", "States": {
        "Again": {"Type": "Choice", "Choices": [rule], "Default": "S"}, "S": state, "End": {"Type": "Succeed"}}})
}

fn parallel(branches: &[Value]) -> Value {
    json!({"Type": "Parallel", "Branches": branches, "End": true})
}

impl Bench {
    fn open(&self, state: &str) -> asl::TaskId {
        let open = self.execution.open_tasks();
        open.iter().find(|task| &*task.start.state == state).unwrap().start.task
    }

    fn succeed(&mut self, state: &str, output: Value) {
        let task = self.open(state);
        self.input(Input::TaskSucceeded { task, output }).unwrap();
    }

    fn fail(&mut self, state: &str) {
        let task = self.open(state);
        self.input(Input::TaskFailed { task, error: Some("E".to_owned()), cause: None }).unwrap();
    }

    fn stop(&mut self) {
        self.input(Input::Stop { error: None, cause: None }).unwrap();
        assert_eq!(self.status(), Status::Aborted);
    }

    /// Redrives; the states whose tasks it started at once.
    fn redrive(&mut self) -> Vec<String> {
        let before = self.started.len();
        assert_eq!(self.execution.redrivable(self.now), Ok(()));
        self.input(Input::Redrive).unwrap();
        self.started[before..].iter().map(|start| start.state.to_string()).collect()
    }

    fn refused(&mut self, reason: NotRedrivable) {
        let events = self.execution.history().len();
        assert_eq!(self.execution.redrivable(self.now), Err(reason));
        assert_eq!(self.input(Input::Redrive), Err(Rejected::NotRedrivable(reason)));
        assert_eq!(self.execution.history().len(), events);
    }

    fn exited(&self, state: &str) -> usize {
        let exited =
            |kind: &EventKind| matches!(kind, EventKind::StateExited { name, .. } if &**name == state);
        self.execution.history().iter().filter(|event| exited(&event.kind)).count()
    }

    fn entered(&self, state: &str) -> usize {
        let entered =
            |kind: &EventKind| matches!(kind, EventKind::StateEntered { name, .. } if &**name == state);
        self.execution.history().iter().filter(|event| entered(&event.kind)).count()
    }
}

#[test]
fn what_runs_or_succeeded_is_not_redrivable() {
    let mut bench = Bench::start(&branch("T"), json!({}));
    bench.refused(NotRedrivable::Running);
    bench.succeed("T", json!(1));
    bench.refused(NotRedrivable::Succeeded);
    assert_eq!((bench.execution.redrive_count(), bench.execution.redrive_time()), (0, None));

    let definition = crate::support::definition(&branch("T"));
    let step = execution(&definition, json!({})).step(Input::Redrive, start_time());
    assert_eq!(step.outcome, Err(Rejected::NotStarted));
    assert!(!step.changed);
}

#[test]
fn reasons_read_as_documented() {
    let texts = [
        (NotRedrivable::Running, "Execution is RUNNING and cannot be redriven"),
        (NotRedrivable::Succeeded, "Execution is SUCCEEDED and cannot be redriven"),
        (NotRedrivable::EventLimit, "Execution history event limit exceeded"),
        (NotRedrivable::OpenTooLong, "Execution has exceeded the max execution time"),
        (NotRedrivable::PeriodOver, "Execution redrivable period exceeded"),
    ];
    for (reason, text) in texts {
        assert_eq!(reason.to_string(), text);
        assert_eq!(Rejected::NotRedrivable(reason).to_string(), text);
    }
}

#[test]
fn fourteen_days_after_its_end_it_is_too_late() {
    let mut bench = Bench::start(&branch("T"), json!({}));
    bench.pass(5 * DAY_MS);
    bench.fail("T");
    bench.pass(14 * DAY_MS);
    assert_eq!(bench.execution.redrivable(bench.now), Ok(()));
    bench.pass(1);
    bench.refused(NotRedrivable::PeriodOver);
}

#[test]
fn a_year_after_its_start_it_is_too_late() {
    let mut bench = Bench::start(&branch("T"), json!({}));
    bench.pass(360 * DAY_MS);
    bench.fail("T");
    bench.pass(5 * DAY_MS);
    assert_eq!(bench.execution.redrivable(bench.now), Ok(()));
    bench.pass(1);
    bench.refused(NotRedrivable::OpenTooLong);
}

#[test]
fn the_history_must_have_room() {
    let lap = json!({"Type": "Wait", "Seconds": 1, "Next": "Again"});
    let mut bench = Bench::start(&endless(&lap), json!({}));
    while bench.execution.history().len() < MAX_EVENTS - 4 {
        bench.pass(1000);
    }
    bench.stop();
    assert_eq!(bench.execution.history().len(), MAX_EVENTS - 3);
    bench.redrive();
    assert_eq!((bench.status(), bench.execution.history().len()), (Status::Running, MAX_EVENTS - 2));
    bench.stop();
    assert_eq!(bench.execution.history().len(), MAX_EVENTS - 1);
    bench.refused(NotRedrivable::EventLimit);
}

#[test]
fn an_execution_that_fills_its_history_is_over() {
    let lap = json!({"Type": "Pass", "Next": "Again"});
    let mut bench = Bench::start(&endless(&lap), json!({}));
    assert_eq!((bench.status(), bench.execution.history().len()), (Status::Failed, MAX_EVENTS));
    bench.refused(NotRedrivable::EventLimit);
}

#[test]
fn count_and_time_are_told() {
    let mut bench = Bench::start(&branch("T"), json!({}));
    for count in 1..=3 {
        bench.fail("T");
        bench.pass(1234);
        assert_eq!(bench.redrive(), ["T"]);
        assert_eq!(bench.execution.redrive_count(), count);
        assert_eq!(bench.execution.redrive_time(), Some(bench.now));
        assert_eq!((bench.status(), bench.execution.ended()), (Status::Running, None));
    }
    bench.succeed("T", json!("at last"));
    assert_eq!(bench.output(), Some(json!("at last")));
    assert_eq!(bench.entered("T"), 1);
}

#[test]
fn answers_to_earlier_tries_are_stale() {
    let job = json!({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token"}}, "End": true});
    let mut bench = Bench::start(&machine(&job), json!({}));
    let old = bench.last();
    bench.stop();
    assert_eq!(bench.redrive(), ["S"]);
    let token = old.token.clone().unwrap();
    assert_eq!(bench.callback(&token, Callback::Heartbeat), Err(Rejected::TaskTimedOut));
    let stale = Input::TaskFailed { task: old.task, error: None, cause: None };
    assert_eq!(bench.input(stale), Err(Rejected::StaleTask));
    let token = bench.last().token.clone().unwrap();
    bench.callback(&token, Callback::Success { output: json!(1) }).unwrap();
    assert_eq!(bench.status(), Status::Succeeded);
}

#[test]
fn a_wait_begins_anew_and_the_machine_s_time_with_it() {
    let definition = json!({"TimeoutSeconds": 50, "StartAt": "S", "States": {"S": {"Type": "Wait", "Seconds": 40, "End": true}}});
    let mut bench = Bench::start(&definition, json!({}));
    bench.pass(30_000);
    bench.stop();
    bench.pass(15_000);
    bench.redrive();
    assert_eq!(bench.execution.next_timer(), Some(bench.now + SignedDuration::from_secs(40)));
    bench.pass(39_999);
    assert_eq!(bench.status(), Status::Running);
    bench.pass(1);
    assert_eq!(bench.status(), Status::Succeeded);
}

#[test]
fn a_fatal_error_lets_go_on_what_it_interrupted() {
    // The context object has RedriveTime only after a redrive.
    let needs = json!({"Type": "Pass", "Parameters": {"at.$": "$$.Execution.RedriveTime"}, "End": true});
    let wait = json!({"Type": "Wait", "Seconds": 1, "Next": "Needs"});
    let third = json!({"StartAt": "W", "States": {"W": wait, "Needs": needs}});
    let state = parallel(&[branch("A"), branch("B"), third]);
    let mut bench = Bench::start(&machine(&state), json!({}));
    bench.succeed("A", json!("a"));
    bench.pass(1000);
    assert_eq!((bench.status(), bench.error().as_deref()), (Status::Failed, Some("States.Runtime")));
    assert_eq!(bench.cancelled.len(), 1);
    assert_eq!(bench.redrive(), ["B"]);
    bench.succeed("B", json!("b"));
    assert_eq!(bench.output(), Some(json!(["a", "b", {"at": "2025-06-01T12:00:01.000Z"}])));
    assert_eq!((bench.entered("W"), bench.entered("Needs")), (1, 1));
}

#[test]
fn too_large_a_result_is_made_again_from_all_branches() {
    let mut bench = Bench::start(&machine(&parallel(&[branch("A"), branch("B")])), json!({}));
    let large = Value::String("x".repeat(140_000));
    bench.succeed("A", large.clone());
    bench.succeed("B", large);
    assert_eq!(bench.error().as_deref(), Some("States.DataLimitExceeded"));
    assert_eq!(bench.redrive(), ["A", "B"]);
    bench.succeed("A", json!(1));
    bench.succeed("B", json!(2));
    assert_eq!(bench.output(), Some(json!([1, 2])));
    assert_eq!(bench.types().iter().filter(|t| **t == "ParallelStateStarted").count(), 2);
}

#[test]
fn a_result_that_could_not_be_used_is_kept() {
    let mut state = parallel(&[branch("A"), branch("B")]);
    state["ResultSelector"] = json!({"all.$": "$", "at.$": "$$.Execution.RedriveTime"});
    let mut bench = Bench::start(&machine(&state), json!({}));
    bench.succeed("A", json!(1));
    bench.succeed("B", json!(2));
    assert_eq!(bench.status(), Status::Failed);
    assert_eq!(bench.redrive(), Vec::<String>::new());
    assert_eq!(bench.output(), Some(json!({"all": [1, 2], "at": "2025-06-01T12:00:00.000Z"})));
}

#[test]
fn an_iteration_whose_input_failed_begins() {
    let state = json!({"Type": "Map", "MaxConcurrency": 1, "ItemSelector": {"v.$": "$$.Map.Item.Value", "at.$": "$$.Execution.RedriveTime"},
        "ItemProcessor": branch("T"), "End": true});
    let mut bench = Bench::start(&machine(&state), json!([7, 8]));
    assert_eq!((bench.status(), bench.started.len()), (Status::Failed, 0));
    assert_eq!(bench.redrive(), ["T"]);
    assert_eq!(bench.last().parameters["v"], 7);
    bench.succeed("T", json!(0));
    assert_eq!(bench.last().parameters["v"], 8);
    bench.succeed("T", json!(1));
    assert_eq!(bench.output(), Some(json!([0, 1])));
}

#[test]
fn what_a_catcher_dealt_with_stays_so() {
    let mut state = parallel(&[branch("A"), branch("B")]);
    state["Catch"] = json!([{"ErrorEquals": ["States.ALL"], "Next": "Later"}]);
    let definition = json!({"StartAt": "S", "States": {"S": state, "Later": task("Later")}});
    let mut bench = Bench::start(&definition, json!({}));
    bench.fail("A");
    bench.fail("Later");
    assert_eq!(bench.redrive(), ["Later"]);
    bench.succeed("Later", json!(1));
    assert_eq!(bench.status(), Status::Succeeded);
}

#[test]
fn a_retry_that_was_waiting_does_all_again() {
    let mut state = parallel(&[branch("A"), branch("B")]);
    state["Retry"] = json!([{"ErrorEquals": ["E"], "IntervalSeconds": 60, "MaxAttempts": 1}]);
    let mut bench = Bench::start(&machine(&state), json!({}));
    bench.succeed("A", json!("first"));
    bench.fail("B");
    bench.stop();
    assert_eq!(bench.redrive(), ["A", "B"]);
    bench.succeed("A", json!("second"));
    // The retrier has its attempt again.
    bench.fail("B");
    bench.pass(60_000);
    bench.succeed("A", json!("third"));
    bench.fail("B");
    assert_eq!(bench.status(), Status::Failed);
    assert_eq!(bench.redrive(), ["B"]);
    bench.succeed("B", json!("b"));
    assert_eq!(bench.output(), Some(json!(["third", "b"])));
}

#[test]
fn max_concurrency_holds_for_what_is_brought_back() {
    let state = json!({"Type": "Map", "MaxConcurrency": 1, "ToleratedFailureCount": 2, "ItemProcessor": branch("T"), "End": true});
    let mut bench = Bench::start(&machine(&state), json!([0, 1, 2, 3]));
    for _ in 0..3 {
        bench.fail("T");
    }
    assert_eq!(bench.error().as_deref(), Some("States.ExceedToleratedFailureThreshold"));
    // Stopped before its turn came, an iteration is still to be brought back.
    for _ in 0..2 {
        assert_eq!(bench.redrive(), ["T"]);
        bench.stop();
    }
    bench.redrive();
    for item in 0..4 {
        assert_eq!(bench.execution.open_tasks().len(), 1);
        assert_eq!(*bench.last().parameters, item);
        bench.succeed("T", json!(item * 10));
    }
    assert_eq!(bench.output(), Some(json!([0, 10, 20, 30])));
    let started = bench.types().iter().filter(|t| **t == "MapIterationStarted").count();
    assert_eq!((started, bench.entered("T")), (4, 4));
}

#[test]
fn a_branch_between_states_goes_on_to_the_next() {
    // In each item the first branch fails, at first, while the second is about to enter B. Item 0 is tolerated.
    let fails = json!({"Type": "Pass", "Parameters": {"v.$": "States.ArrayPartition($.list, $$.Execution.RedriveCount)"}, "End": true});
    let steps = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Result": "b", "Next": "C"}, "C": {"Type": "Pass", "End": true}}});
    let both = parallel(&[json!({"StartAt": "F", "States": {"F": fails}}), steps]);
    let item = json!({"StartAt": "P", "States": {"P": both}});
    let state = json!({"Type": "Map", "MaxConcurrency": 1, "ToleratedFailureCount": 1, "ItemProcessor": item, "End": true});
    let mut bench = Bench::start(&machine(&state), json!([{"list": [1]}, {"list": [2]}]));
    assert_eq!(bench.error().as_deref(), Some("States.ExceedToleratedFailureThreshold"));
    assert_eq!((bench.entered("A"), bench.entered("B")), (2, 0));
    bench.redrive();
    assert_eq!(bench.output(), Some(json!([[{"v": [[1]]}, "b"], [{"v": [[2]]}, "b"]])));
    for state in ["F", "A", "B", "C"] {
        assert_eq!((bench.entered(state), bench.exited(state)), (2, 2), "{state}");
    }
}

#[test]
fn a_refused_redrive_is_not_journalled() {
    let mut bench = Bench::start(&branch("T"), json!({}));
    let step = bench.execution.step(Input::Redrive, bench.now + SignedDuration::from_secs(1));
    assert!(!step.changed && step.effects.is_empty() && step.outcome.is_err());
}
