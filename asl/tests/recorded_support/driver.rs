//! A driver in virtual time: one queue of events over all executions of a case, no clock and no threads.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use asl::{
    Callback, ChildExecution, Definition, Effect, Ended, Execution, ExecutionContext, Input, Pattern, Seed,
    Service, StartTask, Status, TaskId, TaskToken,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::case::{ACCOUNT, Case};
use super::stub::{Answer, answer};

/// How a case's execution ended, and those it started.
pub(super) struct Played {
    pub(crate) ended: Ended,
    pub(crate) execution: Execution,
    /// (machine ARN, final status) of nested executions, in order of their start.
    pub(crate) children: Vec<(String, Status)>,
}

enum Event {
    /// An input for an execution.
    Input(usize, Input),
    /// The n-th callback of the case is due.
    Callback(usize),
}

struct Run {
    execution: Execution,
    name: String,
    machine: String,
    started: Timestamp,
    parent: Option<(usize, TaskId)>,
}

struct World<'a> {
    case: &'a Case,
    functions: BTreeMap<String, Value>,
    machines: BTreeMap<String, Arc<Definition>>,
    runs: Vec<Run>,
    events: BTreeMap<(Timestamp, usize), Event>,
    sequence: usize,
    now: Timestamp,
    calls: HashMap<String, usize>,
    /// Tokens by state, in the order the tries began.
    tokens: HashMap<String, Vec<(usize, TaskToken)>>,
    children: HashMap<(usize, TaskId), usize>,
    next_callback: usize,
}

/// Plays a case to its end. The error is a definition refused.
pub(super) fn play(case: &Case) -> Result<Played, String> {
    let parse = |value: &Value| {
        Definition::from_value(value).map(Arc::new).map_err(|problems| {
            problems.iter().fold("refused:".to_owned(), |text, problem| format!("{text} {problem};"))
        })
    };
    let mut machines = BTreeMap::new();
    for (arn, definition) in case.machines() {
        machines.insert(arn, parse(&definition)?);
    }
    let main = format!("arn:aws:states:{ACCOUNT}:stateMachine:main-machine");
    machines.insert(main.clone(), parse(&case.value["definition"])?);
    let mut world = World {
        case,
        functions: case.functions(),
        machines,
        runs: Vec::new(),
        events: BTreeMap::new(),
        sequence: 0,
        now: "2025-06-01T12:00:00Z".parse().unwrap(),
        calls: HashMap::new(),
        tokens: HashMap::new(),
        children: HashMap::new(),
        next_callback: 0,
    };
    let first = world.start(&main, "run-1", case.value["input"].clone(), None);
    world.after(0, Event::Input(first, Input::Start));
    if let Some(seconds) = case.value["stop"]["after"].as_i64() {
        let text = |member: &str| case.value["stop"][member].as_str().map(str::to_owned);
        world.after(seconds, Event::Input(first, Input::Stop { error: text("error"), cause: text("cause") }));
    }
    world.run();
    let children = world.runs[1..].iter().map(|run| (run.machine.clone(), run.execution.status())).collect();
    let execution = world.runs.remove(0).execution;
    match execution.ended().cloned() {
        Some(ended) => Ok(Played { ended, execution, children }),
        None => Err(format!("still running at {}; open tasks: {:?}", world.now, execution.open_tasks())),
    }
}

impl World<'_> {
    fn start(&mut self, machine: &str, name: &str, input: Value, parent: Option<(usize, TaskId)>) -> usize {
        let id = self.runs.len();
        let machine_name = machine.rsplit(':').next().unwrap();
        let context = ExecutionContext {
            execution_arn: format!("arn:aws:states:{ACCOUNT}:execution:{machine_name}:{name}"),
            execution_name: name.to_owned(),
            role_arn: "arn:aws:iam::000000000000:role/test".to_owned(),
            start_time: self.now,
            input,
            state_machine_arn: machine.to_owned(),
            state_machine_name: machine_name.to_owned(),
        };
        let mut seed = [7; 32];
        seed[0] = id as u8;
        let execution = Execution::new(Arc::clone(&self.machines[machine]), context, Seed::from_bytes(seed));
        self.runs.push(Run {
            execution,
            name: name.to_owned(),
            machine: machine.to_owned(),
            started: self.now,
            parent,
        });
        id
    }

    fn after(&mut self, seconds: i64, event: Event) {
        self.sequence += 1;
        self.events.insert((self.now + SignedDuration::from_secs(seconds), self.sequence), event);
    }

    fn run(&mut self) {
        while self.runs[0].execution.ended().is_none() || !self.events.is_empty() {
            let timer = self
                .runs
                .iter()
                .enumerate()
                .filter_map(|(id, run)| run.execution.next_timer().map(|due| (due, id)))
                .min();
            let event = self.events.keys().next().copied();
            match (timer, event) {
                (None, None) => return,
                (Some((due, id)), event) if event.is_none_or(|(at, _)| due < at) => {
                    self.now = self.now.max(due);
                    self.step(id, Input::Tick);
                }
                (_, Some(key)) => {
                    self.now = self.now.max(key.0);
                    match self.events.remove(&key) {
                        Some(Event::Input(id, input)) => self.step(id, input),
                        Some(Event::Callback(n)) => self.callback(n),
                        None => {}
                    }
                }
                (Some(_), None) => unreachable!("the guard above takes it"),
            }
        }
    }

    fn step(&mut self, id: usize, input: Input) {
        let step = self.runs[id].execution.step(input, self.now);
        self.effects(id, step.effects);
    }

    fn effects(&mut self, id: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::StartTask(start) => self.carry_out(id, &start),
                Effect::CancelTask(start) => {
                    if let Some(child) = self.children.get(&(id, start.task)).copied() {
                        self.after(0, Event::Input(child, Input::Stop { error: None, cause: None }));
                    }
                }
                Effect::Ended(ended) => self.ended(id, &ended),
            }
        }
    }

    fn ended(&mut self, id: usize, ended: &Ended) {
        let run = &self.runs[id];
        let Some((parent, task)) = run.parent else { return };
        let child = ChildExecution {
            execution_arn: execution_arn(run),
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
        self.after(0, Event::Input(parent, Input::ChildEnded { task, child: Box::new(child) }));
    }

    fn carry_out(&mut self, id: usize, start: &Arc<StartTask>) {
        let task = start.task;
        if let Some(token) = &start.token {
            self.tokens.entry(start.state.to_string()).or_default().push((id, token.clone()));
        }
        if start.resource.service == Service::StartExecution {
            return self.start_execution(id, start);
        }
        let stub_name = match start.resource.service {
            Service::LambdaFunction => start.resource.as_str().to_owned(),
            Service::LambdaInvoke => start.parameters["FunctionName"].as_str().unwrap_or_default().to_owned(),
            _ => start.resource.as_str().to_owned(),
        };
        let stub = self.functions.get(&stub_name).or_else(|| self.functions.get(start.resource.as_str()));
        let stub = stub.unwrap_or_else(|| panic!("{}: no stub {stub_name}", self.case.name)).clone();
        let tries = self.calls.entry(stub_name).or_default();
        *tries += 1;
        match answer(&stub, start.lambda_event().unwrap(), *tries - 1) {
            Answer::After(seconds, output) => {
                let input = if start.resource.pattern == Pattern::WaitForTaskToken {
                    Input::TaskSubmitted { task, response: output }
                } else {
                    Input::TaskSucceeded { task, output }
                };
                self.after(seconds, Event::Input(id, input));
            }
            Answer::Fail { error, cause } => {
                let input = Input::TaskFailed { task, error: Some(error), cause: Some(cause) };
                self.after(0, Event::Input(id, input));
            }
            Answer::Taken(response) => {
                self.after(0, Event::Input(id, Input::TaskSubmitted { task, response }));
            }
        }
        if start.token.is_some() {
            self.plan_callback();
        }
    }

    fn start_execution(&mut self, id: usize, start: &Arc<StartTask>) {
        let task = start.task;
        let machine = start.parameters["StateMachineArn"].as_str().unwrap_or_default().to_owned();
        if !self.machines.contains_key(&machine) {
            let error = Some("StepFunctions.StateMachineDoesNotExistException".to_owned());
            let cause = Some(format!("State Machine Does Not Exist: '{machine}'"));
            return self.after(0, Event::Input(id, Input::TaskFailed { task, error, cause }));
        }
        let name = start.parameters["Name"].as_str().map_or_else(|| format!("child-{task}"), str::to_owned);
        let input = start.parameters.get("Input").cloned().unwrap_or_else(|| json!({}));
        let sync = matches!(start.resource.pattern, Pattern::Sync | Pattern::Sync2);
        let child = self.start(&machine, &name, input, sync.then_some((id, task)));
        let response = json!({
            "ExecutionArn": execution_arn(&self.runs[child]),
            "StartDate": self.now.as_millisecond() as f64 / 1000.0,
        });
        let input = if start.resource.pattern == Pattern::RequestResponse {
            Input::TaskSucceeded { task, output: response }
        } else {
            Input::TaskSubmitted { task, response }
        };
        if sync {
            self.children.insert((id, task), child);
        }
        self.after(0, Event::Input(id, input));
        self.after(0, Event::Input(child, Input::Start));
    }

    /// Plans the next callback, if its state has a token.
    fn plan_callback(&mut self) {
        let n = self.next_callback;
        let callback = &self.case.value["callbacks"][n];
        let Some(state) = callback["state"].as_str() else { return };
        if self.tokens.contains_key(state) {
            let after = callback["after"].as_i64().unwrap();
            self.next_callback += 1;
            self.after(after, Event::Callback(n));
        }
    }

    fn callback(&mut self, n: usize) {
        let callback = self.case.value["callbacks"][n].clone();
        let tries = &self.tokens[callback["state"].as_str().unwrap()];
        // Cases of our own may name an earlier try, whose token must be refused.
        let (id, token) = match callback["try"].as_u64() {
            Some(number) => tries[number as usize].clone(),
            None => tries.last().unwrap().clone(),
        };
        let text = |member: &str| callback[member].as_str().map(str::to_owned);
        let what = match callback["send"].as_str().unwrap() {
            "success" => {
                let output = callback["output"].to_string().replace("$token", token.as_str());
                Callback::Success { output: serde_json::from_str(&output).unwrap() }
            }
            "failure" => Callback::Failure { error: text("error"), cause: text("cause") },
            "heartbeat" => Callback::Heartbeat,
            other => panic!("unknown callback: {other}"),
        };
        let refused = callback["refused"].as_str();
        let step = self.runs[id].execution.step(Input::Callback { token, callback: what }, self.now);
        let outcome = step.outcome.err().map(|rejected| format!("{rejected:?}"));
        assert_eq!(outcome.as_deref(), refused, "{}: callback {n}", self.case.name);
        self.effects(id, step.effects);
        self.plan_callback();
    }
}

fn execution_arn(run: &Run) -> String {
    let machine = run.machine.rsplit(':').next().unwrap();
    format!("arn:aws:states:{ACCOUNT}:execution:{machine}:{}", run.name)
}
