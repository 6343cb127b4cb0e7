//! The data of an execution.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api::{Effect, Ended, ExecutionContext, StartTask, Status, TaskId, TaskToken};
use super::failure::Failure;
use super::timers::{TimerKey, Timers};
use crate::definition::{Definition, State, StateId};
use crate::history::{EventKind, HistoryEvent};
use crate::payload::Payload;
use crate::random::{Random, Seed};
use crate::scope::{Context, MapItem, Scope, Variables};

/// Maximum size of a payload in bytes: a state's input or output, a task's request or answer.
///
/// <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-task-executions>
pub const MAX_PAYLOAD_BYTES: usize = 262_144;

/// Maximum number of events of a history. An execution that needs more fails.
///
/// <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-state-machine-executions>
pub const MAX_EVENTS: usize = 25_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct BranchId(pub(super) u64);

/// A branch: the execution's own, a Parallel's branch, or a Map's iteration.
#[derive(Debug)]
pub(super) struct Branch {
    /// The parent branch, and the index in it.
    pub(super) parent: Option<(BranchId, usize)>,
    pub(super) state: StateId,
    /// The state's input, before InputPath.
    pub(super) raw: Payload,
    pub(super) variables: Variables,
    pub(super) map_item: Option<Arc<MapItem>>,
    pub(super) entered_event: u64,
    pub(super) entered_time: Timestamp,
    /// The event that precedes the next event of this branch.
    pub(super) previous: u64,
    /// Retries of the state, by retrier.
    pub(super) retries: Vec<u32>,
    pub(super) retry_count: u32,
    pub(super) waiting: Waiting,
}

/// What a branch waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Between states: about to enter one.
    Between,
    Wake(TimerKey),
    Retry(TimerKey),
    Task(TaskId),
    Group,
}

/// A running Map or Parallel state, stored under its branch.
#[derive(Debug)]
pub(super) struct Group {
    /// Running children, by index. After a final failure, those that the failure ended.
    pub(super) active: BTreeMap<usize, BranchId>,
    pub(super) results: Vec<Option<Payload>>,
    pub(super) done: usize,
    pub(super) started_event: u64,
    /// The last event of the child that finished last.
    pub(super) last_event: u64,
    /// Set for a Map.
    pub(super) map: Option<MapRun>,
}

/// The remaining iterations of a running Map.
#[derive(Debug)]
pub(super) struct MapRun {
    pub(super) name: Arc<str>,
    pub(super) start: StateId,
    pub(super) items: Payload,
    /// The input after InputPath, `$` of ItemSelector.
    pub(super) input: Payload,
    pub(super) next: usize,
    pub(super) limit: usize,
}

/// A running try of a Task state.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) start: Arc<StartTask>,
    pub(super) branch: BranchId,
    pub(super) submitted: bool,
    pub(super) timeout: Option<TimerKey>,
    pub(super) heartbeat: Option<TimerKey>,
}

/// Steps to execute now. A queue instead of recursion, so that a loop of states uses no stack.
#[derive(Debug)]
pub(super) enum Work {
    Enter {
        branch: BranchId,
        state: StateId,
        input: Payload,
    },
    Complete {
        branch: BranchId,
        output: Payload,
    },
    Fail {
        branch: BranchId,
        failure: Failure,
    },
    /// Start iterations of the branch's Map, up to its limit.
    Fill {
        branch: BranchId,
    },
}

impl Work {
    /// The branch, if this step moves it to another state or to its end.
    pub(super) fn between_states(&self) -> Option<BranchId> {
        match self {
            Self::Enter { branch, .. } | Self::Complete { branch, .. } => Some(*branch),
            _ => None,
        }
    }
}

/// An open try, for a driver that continues after a crash.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenTask {
    /// The try as it was in the effect.
    pub start: Arc<StartTask>,
    /// Whether `TaskSubmitted` was accepted: the request was made, and an external event is awaited.
    pub submitted: bool,
}

/// One execution of a state machine. `Debug` shows its progress, but not its data.
pub struct Execution {
    pub(super) definition: Arc<Definition>,
    pub(super) input: Payload,
    pub(super) role_arn: Arc<str>,
    pub(super) region: Arc<str>,
    pub(super) execution_context: Arc<Value>,
    machine_context: Arc<Value>,
    pub(super) random: Random,
    pub(super) now: Timestamp,
    pub(super) started: bool,
    pub(super) ended: Option<Ended>,
    pub(super) history: Vec<HistoryEvent>,
    pub(super) branches: HashMap<BranchId, Branch>,
    next_branch: u64,
    pub(super) groups: HashMap<BranchId, Group>,
    pub(super) tasks: HashMap<TaskId, Task>,
    next_task: u64,
    /// Every token that was created, to distinguish an old token from an unknown one.
    pub(super) tokens: HashMap<TaskToken, TaskId>,
    pub(super) timers: Timers,
    pub(super) work: VecDeque<Work>,
    pub(super) effects: Vec<Effect>,
    pub(super) changed: bool,
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("status", &self.status())
            .field("events", &self.history.len())
            .field("open_tasks", &self.tasks.len())
            .finish_non_exhaustive()
    }
}

impl Execution {
    /// An execution that has not started. `Input::Start` starts it.
    pub fn new(definition: Arc<Definition>, context: ExecutionContext, seed: Seed) -> Self {
        let execution_context = Arc::new(json!({
            "Id": context.execution_arn,
            "Input": context.input,
            "StartTime": format!("{:.3}", context.start_time),
            "Name": context.execution_name,
            "RoleArn": context.role_arn,
            "RedriveCount": 0,
        }));
        let machine_context =
            Arc::new(json!({"Id": context.state_machine_arn, "Name": context.state_machine_name}));
        let region = context.execution_arn.split(':').nth(3).unwrap_or_default();
        Self {
            definition,
            region: Arc::from(region),
            input: context.input.into(),
            role_arn: Arc::from(context.role_arn),
            execution_context,
            machine_context,
            random: Random::new(seed),
            now: context.start_time,
            started: false,
            ended: None,
            history: Vec::new(),
            branches: HashMap::new(),
            next_branch: 0,
            groups: HashMap::new(),
            tasks: HashMap::new(),
            next_task: 0,
            tokens: HashMap::new(),
            timers: Timers::default(),
            work: VecDeque::new(),
            effects: Vec::new(),
            changed: false,
        }
    }

    /// Its status.
    pub fn status(&self) -> Status {
        self.ended.as_ref().map_or(Status::Running, |ended| ended.status)
    }

    /// Its end, after it has ended.
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// Its events so far; the event with id n is at n − 1.
    pub fn history(&self) -> &[HistoryEvent] {
        &self.history
    }

    /// Its input.
    pub fn input(&self) -> &Payload {
        &self.input
    }

    /// Its state machine.
    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    /// When the next `Tick` is due, if a timer is set.
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// Open tries, in the order of their start.
    pub fn open_tasks(&self) -> Vec<OpenTask> {
        let mut tasks: Vec<OpenTask> = self
            .tasks
            .values()
            .map(|task| OpenTask { start: Arc::clone(&task.start), submitted: task.submitted })
            .collect();
        tasks.sort_by_key(|task| task.start.task);
        tasks
    }

    /// Whether a token belongs to an open try.
    pub fn awaits(&self, token: &TaskToken) -> bool {
        self.tokens.get(token).is_some_and(|task| self.tasks.contains_key(task))
    }

    pub(super) fn state_of(&self, id: StateId) -> &State {
        // Ids come from the definition itself.
        &self.definition.states[id.0]
    }

    pub(super) fn new_branch(&mut self, branch: Branch) -> BranchId {
        self.next_branch += 1;
        let id = BranchId(self.next_branch);
        self.branches.insert(id, branch);
        id
    }

    pub(super) fn new_task_id(&mut self) -> TaskId {
        self.next_task += 1;
        TaskId(self.next_task)
    }

    /// Appends an event. At the limit of events, the execution fails and nothing more is appended.
    pub(super) fn event(&mut self, previous: u64, kind: EventKind) -> u64 {
        if self.ended.is_some() {
            return 0;
        }
        if self.history.len() + 1 >= MAX_EVENTS {
            let cause = format!("The execution reached the maximum number of history events ({MAX_EVENTS}).");
            self.end_failed(Some(Arc::from(crate::error::names::RUNTIME)), Some(Arc::from(cause)));
            return 0;
        }
        self.append(previous, kind)
    }

    fn append(&mut self, previous: u64, kind: EventKind) -> u64 {
        let id = self.history.len() as u64 + 1;
        self.history.push(HistoryEvent { id, previous_event_id: previous, timestamp: self.now, kind });
        self.changed = true;
        id
    }

    /// Appends an event of a branch, and records it as the branch's last.
    pub(super) fn branch_event(&mut self, id: BranchId, kind: EventKind) -> u64 {
        let previous = self.branches.get(&id).map_or(0, |branch| branch.previous);
        let event = self.event(previous, kind);
        if let Some(branch) = self.branches.get_mut(&id) {
            branch.previous = event;
        }
        event
    }

    /// Ends the execution: cancels what is open and appends the last event.
    pub(super) fn end(&mut self, ended: Ended) {
        if self.ended.is_some() {
            return;
        }
        let (error, cause) = (ended.error.clone(), ended.cause.clone());
        let kind = match (ended.status, &ended.output) {
            (Status::Succeeded, Some(output)) => {
                EventKind::ExecutionSucceeded { output: Arc::clone(output.text()) }
            }
            // The event has an error name here. DescribeExecution has none.
            (Status::TimedOut, _) => {
                EventKind::ExecutionTimedOut { error: Some(Arc::from(crate::error::names::TIMEOUT)), cause }
            }
            (Status::Aborted, _) => EventKind::ExecutionAborted { error, cause },
            _ => EventKind::ExecutionFailed { error, cause },
        };
        // An end from outside follows no event (measured on the service for the timeout).
        let outside = matches!(ended.status, Status::TimedOut | Status::Aborted);
        let previous = if outside { 0 } else { self.history.len() as u64 };
        self.append(previous, kind);
        for open in self.open_tasks() {
            self.effects.push(Effect::CancelTask(open.start));
        }
        self.tasks.clear();
        self.branches.clear();
        self.groups.clear();
        self.timers.clear();
        self.work.clear();
        self.effects.push(Effect::Ended(ended.clone()));
        self.ended = Some(ended);
    }

    /// Removes a branch, with its group and its next step.
    pub(super) fn take_down(&mut self, id: BranchId) {
        self.branches.remove(&id);
        self.groups.remove(&id);
        self.work.retain(|work| work.between_states() != Some(id));
    }

    pub(super) fn end_failed(&mut self, error: Option<Arc<str>>, cause: Option<Arc<str>>) {
        self.end(Ended { status: Status::Failed, output: None, error, cause, stop_time: self.now });
    }

    /// The scope of the branch's state. `$` is the state's input before InputPath.
    pub(super) fn scope(&self, branch: &Branch) -> Scope<'_> {
        let state = self.state_of(branch.state);
        Scope {
            input: branch.raw.clone(),
            context: Context {
                execution: Arc::clone(&self.execution_context),
                machine: Arc::clone(&self.machine_context),
                state_name: Arc::clone(&state.name),
                entered_time: format!("{:.3}", branch.entered_time),
                retry_count: state.kind.can_retry().then_some(branch.retry_count),
                map_item: branch.map_item.clone(),
                token: None,
            },
            variables: Arc::clone(&branch.variables),
            random: &self.random,
        }
    }
}
