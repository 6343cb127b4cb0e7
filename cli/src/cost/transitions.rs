//! Transitions and invocations, counted by walking the state machines' definitions on the path of a run without failures.
//!
//! Counting in the definitions, and not by a formula, cannot diverge from what is deployed. The walk refuses what it does
//! not know, and a test compares it with real histories.

use std::collections::BTreeMap;

use rsqlflow_core::config::ExecutionType;
use rsqlflow_core::plan::{ChunkRef, Plan};
use rsqlflow_core::{Function, MachineKind};
use rsqlflow_lambdas::machines::template;
use serde_json::Value;

/// Upper bound: more states than the master of the largest workflow enters (10,000 stages of six transitions).
const MOST_STEPS: usize = 200_000;

/// A definition that the walk cannot follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state {state:?} of the state machines cannot be counted: {why}")]
pub(crate) struct NotCountable {
    /// The state.
    pub state: String,
    /// What the walk does not know.
    pub why: &'static str,
}

/// The counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// States entered. Each is billed as a transition.
    pub transitions: u64,
    /// Functions that the state machines invoked.
    pub calls: BTreeMap<Function, u64>,
}

impl Tally {
    fn add(&mut self, other: &Self, times: u64) {
        self.transitions += other.transitions * times;
        for (function, calls) in &other.calls {
            *self.calls.entry(*function).or_default() += calls * times;
        }
    }
}

/// Counts one run of a plan in which every job succeeds at its first attempt.
///
/// # Errors
/// A definition cannot be walked.
pub(super) fn count(plan: &Plan) -> Result<Tally, NotCountable> {
    let definitions = Definitions::read()?;
    let mut run = Run { definitions: &definitions, plan, after: None, next: None };
    run.machine(MachineKind::Master)
}

/// The three machines, parsed.
struct Definitions(BTreeMap<MachineKind, Value>);

impl Definitions {
    fn read() -> Result<Self, NotCountable> {
        let parse = |machine: MachineKind| {
            let parsed = serde_json::from_str(template(machine));
            parsed.map(|value| (machine, value)).map_err(|_| refuse("", "it is not JSON"))
        };
        MachineKind::ALL.into_iter().map(parse).collect::<Result<_, _>>().map(Self)
    }
}

/// The chunk that the master has reached.
#[derive(Clone, Copy)]
struct At {
    execution_type: ExecutionType,
    jobs: u64,
}

/// A run in progress.
struct Run<'a> {
    definitions: &'a Definitions,
    plan: &'a Plan,
    after: Option<ChunkRef>,
    next: Option<At>,
}

impl Run<'_> {
    fn machine(&mut self, machine: MachineKind) -> Result<Tally, NotCountable> {
        let definitions = self.definitions;
        match definitions.0.get(&machine) {
            Some(machine) => self.walk(machine),
            None => Err(refuse("", "the state machine is not known")),
        }
    }

    /// Walks from `StartAt` to an end.
    fn walk(&mut self, machine: &Value) -> Result<Tally, NotCountable> {
        let mut tally = Tally::default();
        let mut name = text(machine, "StartAt");
        for _ in 0..MOST_STEPS {
            let state = machine.get("States").and_then(|states| states.get(name));
            let state = state.ok_or_else(|| refuse(name, "it does not exist"))?;
            tally.transitions += 1;
            match text(state, "Type") {
                "Task" => self.task(name, state, &mut tally)?,
                "Map" => {
                    let each =
                        state.get("ItemProcessor").ok_or_else(|| refuse(name, "ItemProcessor is missing"))?;
                    let each = self.walk(each)?;
                    tally.add(&each, self.next.map_or(0, |at| at.jobs));
                }
                "Pass" => {}
                "Succeed" => return Ok(tally),
                "Choice" => {
                    name = self.choose(name, state)?;
                    continue;
                }
                _ => return Err(refuse(name, "its type is not supported")),
            }
            match text(state, "Next") {
                "" => return Ok(tally),
                next => name = next,
            }
        }
        Err(refuse(name, "the walk does not end"))
    }

    fn task(&mut self, name: &str, state: &Value, tally: &mut Tally) -> Result<(), NotCountable> {
        let resource = text(state, "Resource");
        let parameters = state.get("Parameters").unwrap_or(&Value::Null);
        if resource.contains(":states:::lambda:invoke") {
            let placeholder = text(parameters, "FunctionName");
            let is_it = |f: &Function| f.placeholder().is_some_and(|p| placeholder == format!("${{{p}}}"));
            let function = Function::ALL.into_iter().find(is_it);
            let function = function.ok_or_else(|| refuse(name, "the function is not known"))?;
            *tally.calls.entry(function).or_default() += 1;
            if function == Function::MasterIterator {
                self.go_on();
            }
            return Ok(());
        }
        if resource.contains(":states:::states:startExecution") {
            let child = match text(parameters, "StateMachineArn") {
                "${SequentialMachineArn}" => MachineKind::Sequential,
                "${ParallelMachineArn}" => MachineKind::Parallel,
                _ => return Err(refuse(name, "the machine is not known")),
            };
            let child = self.machine(child)?;
            tally.add(&child, 1);
            return Ok(());
        }
        Err(refuse(name, "its resource is not supported"))
    }

    /// Advances as the master iterator does.
    fn go_on(&mut self) {
        let chunk = self.plan.next(self.after);
        self.after = chunk.as_ref().map(|chunk| chunk.at).or(self.after);
        self.next = chunk.map(|chunk| At {
            execution_type: chunk.input().execution_type,
            jobs: u64::try_from(chunk.jobs.len()).unwrap_or(u64::MAX),
        });
    }

    /// On the path without failures, every choice depends on the next chunk.
    fn choose<'m>(&self, name: &str, state: &'m Value) -> Result<&'m str, NotCountable> {
        let next = match self.next {
            Some(At { execution_type: ExecutionType::Sequential, .. }) => "sequential",
            Some(At { execution_type: ExecutionType::Parallel, .. }) => "parallel",
            None => "done",
        };
        for rule in state.get("Choices").and_then(Value::as_array).into_iter().flatten() {
            let equals = rule.get("StringEquals").and_then(Value::as_str);
            match (text(rule, "Variable"), equals) {
                ("$.next", Some(value)) if value == next => return Ok(text(rule, "Next")),
                ("$.next", Some(_)) => {}
                _ => return Err(refuse(name, "it does not depend on the next chunk")),
            }
        }
        match text(state, "Default") {
            "" => Err(refuse(name, "no rule applies")),
            default => Ok(default),
        }
    }
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn refuse(state: &str, why: &'static str) -> NotCountable {
    NotCountable { state: state.to_owned(), why }
}
