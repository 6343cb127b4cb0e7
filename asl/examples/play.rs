//! Plays a scenario of `tests/referee/` in virtual time. The state machines, the input, and the result of each function
//! call are JSON on standard input. The executions with their histories, and the calls, are JSON on standard output.
//! `tests/referee/support/scenario.py` describes the format.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a tool of tests: a bad scenario should stop it where it is read"
)]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use asl::{
    Callback, ChildExecution, Definition, Effect, Ended, Execution, ExecutionContext, Input, Seed, Service,
    StartTask, TaskId, TaskToken,
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// How long a token waits to be used, in seconds, unless the scenario says otherwise.
const AFTER: f64 = 0.5;

#[derive(Deserialize)]
struct Scenario {
    /// Definitions by ARN.
    machines: BTreeMap<String, Value>,
    main: String,
    name: String,
    input: Value,
    functions: HashMap<String, Value>,
}

enum Event {
    Input(usize, Input),
    /// A token is used for the last time.
    Close(usize, TaskToken, Callback),
}

struct Run {
    execution: Execution,
    arn: String,
    name: String,
    machine: String,
    started: Timestamp,
    parent: Option<(usize, TaskId)>,
}

struct World {
    scenario: Scenario,
    definitions: HashMap<String, Arc<Definition>>,
    runs: Vec<Run>,
    events: BTreeMap<(Timestamp, usize), Event>,
    sequence: usize,
    begun: Timestamp,
    now: Timestamp,
    counts: HashMap<String, usize>,
    calls: Vec<Value>,
    open: usize,
    most_open: usize,
    /// Whether the use of a token was refused.
    refused: bool,
}

fn main() {
    let scenario: Scenario = serde_json::from_reader(std::io::stdin()).unwrap();
    let definitions = scenario
        .machines
        .iter()
        .map(|(arn, value)| {
            let parsed =
                Definition::from_value(value).unwrap_or_else(|problems| panic!("{arn}: {problems:?}"));
            (arn.clone(), Arc::new(parsed))
        })
        .collect();
    let begun = "2026-01-01T00:00:00Z".parse().unwrap();
    let (main, name, input) = (scenario.main.clone(), scenario.name.clone(), scenario.input.clone());
    let mut world = World {
        scenario,
        definitions,
        runs: Vec::new(),
        events: BTreeMap::new(),
        sequence: 0,
        begun,
        now: begun,
        counts: HashMap::new(),
        calls: Vec::new(),
        open: 0,
        most_open: 0,
        refused: false,
    };
    let first = world.start(&main, &name, input, None);
    world.after(0.0, Event::Input(first, Input::Start));
    world.run();
    println!("{}", world.told());
}

impl World {
    fn start(&mut self, machine: &str, name: &str, input: Value, parent: Option<(usize, TaskId)>) -> usize {
        let id = self.runs.len();
        let machine_name = machine.rsplit(':').next().unwrap();
        let arn = format!("{}:{name}", machine.replace(":stateMachine:", ":execution:"));
        let context = ExecutionContext {
            execution_arn: arn.clone(),
            execution_name: name.to_owned(),
            role_arn: "arn:aws:iam::000000000000:role/rsqlflow".to_owned(),
            start_time: self.now,
            input,
            state_machine_arn: machine.to_owned(),
            state_machine_name: machine_name.to_owned(),
        };
        let mut seed = [7; 32];
        seed[0] = u8::try_from(id).unwrap();
        let definition = Arc::clone(&self.definitions[machine]);
        self.runs.push(Run {
            execution: Execution::new(definition, context, Seed::from_bytes(seed)),
            arn,
            name: name.to_owned(),
            machine: machine.to_owned(),
            started: self.now,
            parent,
        });
        id
    }

    fn after(&mut self, seconds: f64, event: Event) {
        self.sequence += 1;
        let due = self.now + SignedDuration::from_secs_f64(seconds);
        self.events.insert((due, self.sequence), event);
    }

    /// Runs until the first execution has ended. Later events of the others are ignored.
    fn run(&mut self) {
        while self.runs[0].execution.ended().is_none() {
            let timers = self.runs.iter().enumerate();
            let timer = timers.filter_map(|(id, run)| run.execution.next_timer().map(|due| (due, id))).min();
            let event = self.events.keys().next().copied();
            match (timer, event) {
                (None, None) => panic!("{} waits for nothing", self.scenario.name),
                (Some((due, id)), event) if event.is_none_or(|(at, _)| due < at) => {
                    self.now = self.now.max(due);
                    self.step(id, Input::Tick);
                }
                (_, Some(key)) => {
                    self.now = self.now.max(key.0);
                    match self.events.remove(&key) {
                        Some(Event::Input(id, input)) => self.step(id, input),
                        Some(Event::Close(id, token, callback)) => {
                            self.open -= 1;
                            self.step(id, Input::Callback { token, callback });
                        }
                        None => {}
                    }
                }
                (Some(_), None) => unreachable!("the guard above takes it"),
            }
        }
    }

    fn step(&mut self, id: usize, input: Input) {
        let is_callback = matches!(input, Input::Callback { .. });
        let step = self.runs[id].execution.step(input, self.now);
        self.refused |= is_callback && step.outcome.is_err();
        for effect in step.effects {
            match effect {
                Effect::StartTask(task) if task.resource.service == Service::StartExecution => {
                    self.start_child(id, &task);
                }
                Effect::StartTask(task) => self.call(id, &task),
                Effect::CancelTask(_) => {}
                Effect::Ended(ended) => self.ended(id, &ended),
            }
        }
    }

    fn start_child(&mut self, id: usize, task: &StartTask) {
        let text = |name: &str| task.parameters[name].as_str().unwrap().to_owned();
        let input = task.parameters["Input"].clone();
        let child = self.start(&text("StateMachineArn"), &text("Name"), input, Some((id, task.task)));
        let response = json!({ "ExecutionArn": self.runs[child].arn, "StartDate": 0 });
        self.after(0.0, Event::Input(id, Input::TaskSubmitted { task: task.task, response }));
        self.after(0.0, Event::Input(child, Input::Start));
    }

    fn ended(&mut self, id: usize, ended: &Ended) {
        let run = &self.runs[id];
        let Some((parent, task)) = run.parent else { return };
        let child = ChildExecution {
            execution_arn: run.arn.clone(),
            name: run.name.clone(),
            state_machine_arn: run.machine.clone(),
            status: ended.status,
            start_date: run.started,
            stop_date: ended.stop_time,
            input: (**run.execution.input()).clone(),
            output: ended.output.as_deref().cloned(),
            error: ended.error.as_deref().map(str::to_owned),
            cause: ended.cause.as_deref().map(str::to_owned),
        };
        self.after(0.0, Event::Input(parent, Input::ChildEnded { task, child: Box::new(child) }));
    }

    fn call(&mut self, id: usize, start: &StartTask) {
        let payload = start.lambda_event().unwrap();
        let arn = start.parameters["FunctionName"].as_str().unwrap();
        let function = arn.rsplit(':').next().unwrap().trim_start_matches("rsqlflow-").to_owned();
        let acts = &self.scenario.functions[&function];
        let (key, acts) = match acts {
            Value::Object(by_position) => {
                let position = payload["position"].to_string();
                let acts = by_position.get(&position).unwrap_or_else(|| &by_position["*"]);
                (format!("{function} {position}"), acts)
            }
            acts => (function.clone(), acts),
        };
        let count = self.counts.entry(key).or_default();
        let acts = acts.as_array().unwrap();
        let act = acts[(*count).min(acts.len() - 1)].clone();
        *count += 1;
        let at = self.now.duration_since(self.begun).as_secs_f64();
        self.calls.push(json!({ "function": function, "payload": payload, "at": at }));
        self.act(id, start, &act);
    }

    fn act(&mut self, id: usize, start: &StartTask, act: &Value) {
        let task = start.task;
        let text = |name: &str| act[name].as_str().map(str::to_owned);
        let failed = |error: Option<String>, cause| Input::TaskFailed { task, error, cause: Some(cause) };
        if let Some(output) = act.get("answer") {
            return self.after(0.0, Event::Input(id, Input::TaskSucceeded { task, output: output.clone() }));
        }
        if let Some(error) = text("raise") {
            let cause = json!({ "errorMessage": act["message"], "errorType": error }).to_string();
            return self.after(0.0, Event::Input(id, failed(Some(error), cause)));
        }
        if let Some(error) = text("refuse") {
            return self
                .after(0.0, Event::Input(id, failed(Some(format!("Lambda.{error}")), "refused".into())));
        }
        self.after(0.0, Event::Input(id, Input::TaskSubmitted { task, response: json!({}) }));
        if act.get("silence").is_some() {
            return;
        }
        let token = start.token.clone().unwrap();
        let mut at = 0.0;
        for _ in 0..act["beats"].as_u64().unwrap_or(0) {
            at += act["every"].as_f64().unwrap();
            let callback = Callback::Heartbeat;
            self.after(at, Event::Input(id, Input::Callback { token: token.clone(), callback }));
        }
        let callback = match act.get("success") {
            Some(output) => Callback::Success { output: output.clone() },
            None => {
                Callback::Failure { error: text("failure"), cause: Some(text("cause").unwrap_or_default()) }
            }
        };
        self.open += 1;
        self.most_open = self.most_open.max(self.open);
        self.after(at + act["after"].as_f64().unwrap_or(AFTER), Event::Close(id, token, callback));
    }

    fn told(&self) -> Value {
        let executions: Map<String, Value> =
            self.runs.iter().map(|run| (run.arn.clone(), told(run))).collect();
        json!({ "executions": executions, "calls": self.calls, "most_open": self.most_open,
            "refused": self.refused })
    }
}

/// An execution as DescribeExecution and GetExecutionHistory tell it.
fn told(run: &Run) -> Value {
    let events: Vec<Value> = run.execution.history().iter().map(|event| event.to_json(true)).collect();
    let ended = run.execution.ended();
    json!({
        "status": run.execution.status(),
        "error": ended.and_then(|ended| ended.error.as_deref()),
        "cause": ended.and_then(|ended| ended.cause.as_deref()),
        "output": ended.and_then(|ended| ended.output.as_deref()).map(Value::to_string),
        "events": events,
    })
}
