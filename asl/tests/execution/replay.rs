//! Random walks: any order of inputs keeps the invariants, and its journal replays to the same execution.

use std::collections::BTreeSet;
use std::sync::Arc;

use asl::{
    Callback, ChildExecution, Definition, Effect, Execution, Input, Pattern, Rejected, Status, TaskId,
    TaskToken,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

fn machine() -> Arc<Definition> {
    let job = json!({"StartAt": "Job", "States": {"Job": {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token", "u.$": "States.UUID()"}},
        "HeartbeatSeconds": 10, "TimeoutSeconds": 60,
        "Retry": [{"ErrorEquals": ["States.Timeout", "E1"], "IntervalSeconds": 1, "MaxAttempts": 2, "JitterStrategy": "FULL"}],
        "Catch": [{"ErrorEquals": ["E2"], "ResultPath": null, "Next": "Noted"}], "End": true},
        "Noted": {"Type": "Pass", "End": true}}});
    let nest = json!({"StartAt": "Nest", "States": {"Nest": {
        "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": "arn", "Input": {}}, "TimeoutSeconds": 50, "End": true}}});
    let direct = json!({"StartAt": "Direct", "States": {
        "Direct": {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:0:function:f", "Next": "Pause"},
        "Pause": {"Type": "Wait", "Seconds": 3, "End": true}}});
    crate::support::definition(&json!({"StartAt": "Both", "TimeoutSeconds": 300, "States": {
        "Both": {"Type": "Parallel", "Branches": [
                {"StartAt": "Jobs", "States": {"Jobs": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "ItemProcessor": job, "End": true}}},
                nest, direct],
            "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}], "Next": "Done"},
        "Done": {"Type": "Succeed"}}}))
}

/// One move of the walk: how many milliseconds pass, what is done, to which of the candidates.
type Move = (u16, u8, u8);

struct Walk {
    execution: Execution,
    now: Timestamp,
    tokens: Vec<TaskToken>,
    open: BTreeSet<TaskId>,
    journal: Vec<(String, Timestamp)>,
    effects: Vec<Effect>,
}

impl Walk {
    fn step(&mut self, input: Input) -> Result<(), Rejected> {
        let text = serde_json::to_string(&input).unwrap();
        let events = self.execution.history().len();
        let ended = self.execution.ended().is_some();
        let step = self.execution.step(input, self.now);
        if step.changed {
            self.journal.push((text, self.now));
        } else {
            assert!(step.effects.is_empty());
            assert_eq!(self.execution.history().len(), events);
        }
        assert!(!ended || step.effects.is_empty(), "effects after the end");
        for effect in &step.effects {
            match effect {
                Effect::StartTask(start) => {
                    assert!(self.open.insert(start.task), "a task id was used twice");
                    if let Some(token) = &start.token {
                        assert!(!self.tokens.contains(token), "a token was used twice");
                        self.tokens.push(token.clone());
                    }
                }
                Effect::CancelTask(start) => assert!(self.open.remove(&start.task)),
                Effect::Ended(_) => assert!(self.execution.ended().is_some()),
            }
        }
        // What is open: what was started, less what was cancelled, less what was answered.
        let open: BTreeSet<TaskId> = self.execution.open_tasks().iter().map(|t| t.start.task).collect();
        assert!(open.is_subset(&self.open));
        self.open = open;
        self.effects.extend(step.effects);
        step.outcome
    }

    fn make(&mut self, (ms, what, which): Move) {
        self.now += SignedDuration::from_millis(i64::from(ms));
        let open = self.execution.open_tasks();
        let task = open.get(usize::from(which) % open.len().max(1)).cloned();
        match (what % 8, task) {
            (0 | 1, _) if !self.tokens.is_empty() => {
                let token = self.tokens[usize::from(which) % self.tokens.len()].clone();
                let awaited = self.execution.awaits(&token);
                let callback = match what / 8 % 4 {
                    0 => Callback::Success { output: json!({"ok": which}) },
                    1 => Callback::Failure { error: Some(format!("E{}", which % 3)), cause: None },
                    _ => Callback::Heartbeat,
                };
                let outcome = self.step(Input::Callback { token, callback });
                assert!(awaited || outcome == Err(Rejected::TaskTimedOut), "an old token was accepted");
            }
            (2, Some(task)) if task.start.resource.pattern != Pattern::RequestResponse => {
                let outcome = self.step(Input::TaskSubmitted { task: task.start.task, response: json!({}) });
                assert!(outcome.is_ok() || task.submitted || !self.open.contains(&task.start.task));
            }
            (3, Some(task)) => {
                let error = Some(format!("E{}", which % 3));
                let _ = self.step(Input::TaskFailed {
                    task: task.start.task,
                    error,
                    cause: Some("c".to_owned()),
                });
            }
            (4 | 5, Some(task)) => match task.start.resource.pattern {
                Pattern::RequestResponse => {
                    let _ = self.step(Input::TaskSucceeded { task: task.start.task, output: json!(which) });
                }
                Pattern::Sync2 => {
                    let child = Box::new(ChildExecution {
                        execution_arn: "child".to_owned(),
                        name: "child".to_owned(),
                        state_machine_arn: "arn".to_owned(),
                        status: if which % 2 == 0 { Status::Succeeded } else { Status::Aborted },
                        start_date: self.now,
                        stop_date: self.now,
                        input: json!({}),
                        output: Some(json!(1)),
                        error: None,
                        cause: None,
                    });
                    let _ = self.step(Input::ChildEnded { task: task.start.task, child });
                }
                _ => {}
            },
            (6, _) if which == 0 => {
                let _ = self.step(Input::Stop { error: None, cause: Some("stop".to_owned()) });
            }
            _ => self.step(Input::Tick).unwrap(),
        }
    }
}

fn check_history(execution: &Execution) {
    let mut time = Timestamp::MIN;
    for (i, event) in execution.history().iter().enumerate() {
        assert_eq!(event.id, i as u64 + 1);
        assert!(event.previous_event_id < event.id);
        assert!(event.timestamp >= time);
        time = event.timestamp;
    }
    let last = execution.history().last().unwrap().kind.type_name();
    assert_eq!(execution.ended().is_some(), last.starts_with("Execution") && last != "ExecutionStarted");
    if execution.ended().is_some() {
        assert!(execution.open_tasks().is_empty() && execution.next_timer().is_none());
    } else {
        assert!(execution.next_timer().is_some(), "nothing will ever happen again");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_walk_keeps_the_invariants_and_replays(moves in prop::collection::vec(any::<Move>().prop_map(|(ms, a, b)| (ms % 9000, a, b)), 0..80)) {
        let definition = machine();
        let input = json!({"items": [1, 2, 3, 4]});
        let mut walk = Walk {
            execution: crate::support::execution(&definition, input.clone()),
            now: crate::support::start_time(),
            tokens: Vec::new(),
            open: BTreeSet::new(),
            journal: Vec::new(),
            effects: Vec::new(),
        };
        walk.step(Input::Start).unwrap();
        for one in moves {
            walk.make(one);
        }
        check_history(&walk.execution);

        let mut again = crate::support::execution(&definition, input);
        let mut effects = Vec::new();
        for (text, now) in &walk.journal {
            effects.extend(again.step(serde_json::from_str(text).unwrap(), *now).effects);
        }
        prop_assert_eq!(again.history(), walk.execution.history());
        prop_assert_eq!(again.ended(), walk.execution.ended());
        prop_assert_eq!(again.open_tasks(), walk.execution.open_tasks());
        prop_assert_eq!(again.next_timer(), walk.execution.next_timer());
        prop_assert_eq!(effects, walk.effects);
    }
}
