//! Random machines with random failures, redriven until they succeed: the output is that of an execution that never
//! failed, no task is done twice, and the journal replays.

use std::collections::BTreeMap;
use std::sync::Arc;

use asl::{Definition, Effect, Execution, Input, StartTask, Status};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{definition, execution, start_time};

/// A state of a random machine. What follows one another has the same `$`: an object with the trail `p`.
#[derive(Debug, Clone)]
enum Shape {
    Task { retries: u8 },
    Wait(u8),
    Pass,
    Choice,
    Parallel(Vec<Vec<Shape>>),
    Map { items: u8, limit: u8, body: Vec<Shape> },
}

fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    let leaf = prop_oneof![
        4 => (0..3u8).prop_map(|retries| Shape::Task { retries }),
        1 => (1..20u8).prop_map(Shape::Wait),
        1 => Just(Shape::Pass),
        1 => Just(Shape::Choice),
    ];
    let state = leaf.prop_recursive(3, 16, 3, |inner| {
        let line = prop::collection::vec(inner, 1..3);
        prop_oneof![
            prop::collection::vec(line.clone(), 1..4).prop_map(Shape::Parallel),
            (0..4u8, 0..3u8, line).prop_map(|(items, limit, body)| Shape::Map { items, limit, body }),
        ]
    });
    prop::collection::vec(state, 1..4)
}

/// States need names of their own, in all of a machine.
struct Machine {
    states: usize,
}

impl Machine {
    fn line(&mut self, shapes: &[Shape]) -> Value {
        let names: Vec<String> = (0..shapes.len()).map(|i| format!("s{}", self.states + i)).collect();
        self.states += shapes.len();
        let mut states = Map::new();
        for (i, shape) in shapes.iter().enumerate() {
            let next = names.get(i + 1);
            let mut state = self.state(shape, &names[i], next, &mut states);
            if shape_ends(shape) {
                match next {
                    Some(next) => state["Next"] = next.as_str().into(),
                    None => state["End"] = true.into(),
                }
            }
            states.insert(names[i].clone(), state);
        }
        json!({"StartAt": names[0], "States": states})
    }

    fn state(
        &mut self,
        shape: &Shape,
        name: &str,
        next: Option<&String>,
        states: &mut Map<String, Value>,
    ) -> Value {
        match shape {
            // What the task does is in its result, and what came before it is in its request.
            Shape::Task { retries } => {
                json!({"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:0:function:f",
                "Parameters": {"n": name, "p.$": "$.p"}, "ResultPath": format!("$.{name}"), "TimeoutSeconds": 30,
                "Retry": [{"ErrorEquals": ["E", "States.Timeout"], "IntervalSeconds": 2, "MaxAttempts": retries}]})
            }
            Shape::Wait(seconds) => json!({"Type": "Wait", "Seconds": seconds}),
            Shape::Pass => json!({"Type": "Pass", "Result": name, "ResultPath": format!("$.{name}")}),
            Shape::Choice => {
                let after = format!("{name}after");
                let mut state = json!({"Type": "Pass"});
                match next {
                    Some(next) => state["Next"] = next.as_str().into(),
                    None => state["End"] = true.into(),
                }
                states.insert(after.clone(), state);
                json!({"Type": "Choice", "Choices": [{"Variable": "$.p", "IsPresent": true, "Next": after}]})
            }
            Shape::Parallel(branches) => {
                let branches: Vec<Value> = branches.iter().map(|branch| self.line(branch)).collect();
                json!({"Type": "Parallel", "Branches": branches, "ResultPath": format!("$.{name}")})
            }
            Shape::Map { items, limit, body } => {
                let items: Vec<u8> = (0..*items).collect();
                let body = self.line(body);
                json!({"Type": "Map", "ItemsPath": format!("$$.Execution.Input.lists[{}]", items.len()), "MaxConcurrency": limit,
                    "ItemSelector": {"p.$": "States.Format('{}/{}', $.p, $$.Map.Item.Index)"},
                    "ItemProcessor": body, "ResultPath": format!("$.{name}")})
            }
        }
    }
}

fn shape_ends(shape: &Shape) -> bool {
    !matches!(shape, Shape::Choice)
}

fn input() -> Value {
    json!({"p": "", "lists": [[], [0], [0, 1], [0, 1, 2]]})
}

/// One decision of whoever is outside: how many milliseconds pass, what is done, to which task.
type Move = (u16, u8, u8);

struct Walk {
    execution: Execution,
    now: Timestamp,
    journal: Vec<(String, Timestamp)>,
    effects: Vec<Effect>,
    /// How often each piece of work was done.
    done: BTreeMap<String, usize>,
}

impl Walk {
    fn new(definition: &Arc<Definition>) -> Self {
        let mut walk = Self {
            execution: execution(definition, input()),
            now: start_time(),
            journal: Vec::new(),
            effects: Vec::new(),
            done: BTreeMap::new(),
        };
        walk.step(Input::Start);
        walk
    }

    fn step(&mut self, input: Input) {
        let text = serde_json::to_string(&input).unwrap();
        let step = self.execution.step(input, self.now);
        step.outcome.unwrap();
        if step.changed {
            self.journal.push((text, self.now));
        }
        self.effects.extend(step.effects);
    }

    /// Lets time pass and timers fire, which may end the task that was to be answered.
    fn pass(&mut self, ms: u16) {
        let until = self.now + SignedDuration::from_millis(i64::from(ms));
        while let Some(due) = self.execution.next_timer().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.step(Input::Tick);
        }
        self.now = until;
    }

    fn task(&self, which: u8) -> Option<Arc<StartTask>> {
        let open = self.execution.open_tasks();
        open.get(usize::from(which) % open.len().max(1)).map(|task| Arc::clone(&task.start))
    }

    fn make(&mut self, (ms, what, which): Move) {
        self.pass(ms);
        if self.execution.ended().is_some() {
            if self.execution.status() != Status::Succeeded {
                self.step(Input::Redrive);
            }
            return;
        }
        match (what % 16, self.task(which)) {
            (0, _) => self.step(Input::Stop { error: None, cause: None }),
            (1..=5, Some(start)) => {
                let error = Some("E".to_owned());
                self.step(Input::TaskFailed { task: start.task, error, cause: None });
            }
            (6..=12, Some(start)) => self.succeed(&start),
            _ => {}
        }
    }

    fn succeed(&mut self, start: &StartTask) {
        let work = start.parameters.to_string();
        let output = json!(format!("done: {work}"));
        *self.done.entry(work).or_default() += 1;
        self.step(Input::TaskSucceeded { task: start.task, output });
    }

    fn events(&self, suffix: &str) -> usize {
        self.execution.history().iter().filter(|event| event.kind.type_name().ends_with(suffix)).count()
    }

    /// Nothing fails any more, unless the machine cannot succeed at all: then it ends as it must.
    fn finish(&mut self) {
        while self.execution.ended().is_none() {
            if let Some(start) = self.task(0) {
                self.succeed(&start);
            } else {
                let due = self.execution.next_timer().unwrap();
                self.now = self.now.max(due);
                self.step(Input::Tick);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_redriven_execution_ends_as_one_that_never_failed(
        shapes in shapes(),
        timeout in prop::option::of(20..400u16),
        moves in prop::collection::vec(any::<Move>().prop_map(|(ms, a, b)| (ms % 6000, a, b)), 0..100),
    ) {
        let mut machine = Machine { states: 0 }.line(&shapes);
        // However long it takes, the one that never fails must not time out.
        let mut smooth = Walk::new(&definition(&machine));
        smooth.finish();
        // Deep machines may outgrow the limit of a payload. Those fail on every way.
        prop_assume!(smooth.execution.status() == Status::Succeeded);

        if let Some(seconds) = timeout {
            machine["TimeoutSeconds"] = seconds.into();
        }
        let definition = definition(&machine);
        let mut walk = Walk::new(&definition);
        for one in moves {
            walk.make(one);
        }
        walk.finish();
        while walk.execution.status() != Status::Succeeded {
            walk.step(Input::Redrive);
            walk.finish();
        }
        let output = |walk: &Walk| walk.execution.ended().unwrap().output.as_deref().cloned();
        prop_assert_eq!(output(&walk), output(&smooth));
        // Every piece of work once, whatever failed around it.
        prop_assert_eq!(&walk.done, &smooth.done);
        prop_assert!(walk.done.values().all(|times| *times == 1));
        // No state is entered twice, or left twice.
        for suffix in ["StateEntered", "StateExited", "IterationStarted", "IterationSucceeded"] {
            prop_assert_eq!(walk.events(suffix), smooth.events(suffix), "{}", suffix);
        }

        let mut again = execution(&definition, input());
        let mut effects = Vec::new();
        for (text, now) in &walk.journal {
            effects.extend(again.step(serde_json::from_str(text).unwrap(), *now).effects);
        }
        prop_assert_eq!(again.history(), walk.execution.history());
        prop_assert_eq!(again.ended(), walk.execution.ended());
        prop_assert_eq!(again.redrive_time(), walk.execution.redrive_time());
        prop_assert_eq!(effects, walk.effects);
    }
}
