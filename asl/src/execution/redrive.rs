//! Redrive: an execution that ended without success goes on where it stopped.
//!
//! What a failure or the end takes down is kept as [`Unfinished`] until the failure was dealt with or the execution
//! succeeds. A redrive brings it back from the outermost branch inwards: a state that was not left is done again with
//! the input it was entered with, what succeeded keeps its result, and what never began begins.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html>; order and predecessors of the
//! events follow what others measured on the service.

use std::sync::Arc;

use jiff::Timestamp;

use super::api::{Effect, Rejected, Status};
use super::state::{Branch, BranchId, Execution, Group, MAX_EVENTS, Waiting, Work};
use super::timers::after_seconds;
use crate::history::EventKind;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// How long after its end an execution can be redriven.
const REDRIVABLE_SECONDS: i64 = 14 * DAY_SECONDS;

/// How long after its start an execution can be open, redrives included.
///
/// <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-state-machine-executions>
const MAX_OPEN_SECONDS: i64 = 365 * DAY_SECONDS;

/// Why an execution cannot be redriven. The text is DescribeExecution's `redriveStatusReason`. RedriveExecution
/// answers ExecutionNotRedrivable with `Execution <ARN> invalid for redrive as: <text>` (measured on the service).
///
/// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRedrivable {
    /// It is not over.
    #[error("Execution is RUNNING and cannot be redriven")]
    Running,
    /// It needs no redrive.
    #[error("Execution is SUCCEEDED and cannot be redriven")]
    Succeeded,
    /// Its history has no room for `ExecutionRedriven` and one event more.
    #[error("Execution history event limit exceeded")]
    EventLimit,
    /// It began more than a year ago.
    #[error("Execution has exceeded the max execution time")]
    OpenTooLong,
    /// It ended more than 14 days ago.
    #[error("Execution redrivable period exceeded")]
    PeriodOver,
}

/// What decides whether an execution that is not running can be redriven.
#[derive(Debug, Clone, Copy)]
pub struct Closed {
    /// How it ended.
    pub status: Status,
    /// Events of its history.
    pub events: usize,
    /// When it began.
    pub start_time: Timestamp,
    /// When it ended.
    pub stop_time: Timestamp,
}

impl Closed {
    /// Whether `Input::Redrive` at this time would be accepted: DescribeExecution's `redriveStatus`.
    ///
    /// # Errors
    /// The reason why not.
    pub fn redrivable(&self, now: Timestamp) -> Result<(), NotRedrivable> {
        if self.status == Status::Running {
            Err(NotRedrivable::Running)
        } else if self.status == Status::Succeeded {
            Err(NotRedrivable::Succeeded)
        } else if self.events + 1 >= MAX_EVENTS {
            Err(NotRedrivable::EventLimit)
        } else if now > after_seconds(self.start_time, MAX_OPEN_SECONDS) {
            Err(NotRedrivable::OpenTooLong)
        } else if now > after_seconds(self.stop_time, REDRIVABLE_SECONDS) {
            Err(NotRedrivable::PeriodOver)
        } else {
            Ok(())
        }
    }
}

/// A branch taken down before it came to its end.
#[derive(Debug)]
pub(super) struct Unfinished {
    branch: Branch,
    /// The Map or Parallel it was waiting for. Its children may be unfinished, too.
    group: Option<Group>,
    /// The step it was about to make, if it was between states.
    next: Option<Work>,
}

impl Execution {
    /// How often it was redriven (`$$.Execution.RedriveCount`).
    pub fn redrive_count(&self) -> u32 {
        self.redrives
    }

    /// When it was redriven last (`$$.Execution.RedriveTime`).
    pub fn redrive_time(&self) -> Option<Timestamp> {
        self.redrive_time
    }

    /// Whether `Input::Redrive` at this time would be accepted: DescribeExecution's `redriveStatus`.
    ///
    /// # Errors
    /// The reason why not.
    pub fn redrivable(&self, now: Timestamp) -> Result<(), NotRedrivable> {
        let Some(ended) = &self.ended else { return Err(NotRedrivable::Running) };
        let closed = Closed {
            status: ended.status,
            events: self.history.len(),
            start_time: self.start_time,
            stop_time: ended.stop_time,
        };
        closed.redrivable(now)
    }

    pub(super) fn redrive(&mut self) -> Result<(), Rejected> {
        if !self.started {
            return Err(Rejected::NotStarted);
        }
        // Ended by a timer that was due, it was running when the caller asked, and `Ended` is the last effect.
        if matches!(self.effects.last(), Some(Effect::Ended(_))) {
            return Err(Rejected::NotRedrivable(NotRedrivable::Running));
        }
        self.redrivable(self.now).map_err(Rejected::NotRedrivable)?;
        self.ended = None;
        self.redrives += 1;
        self.redrive_time = Some(self.now);
        if let Some(context) = Arc::make_mut(&mut self.execution_context).as_object_mut() {
            context.insert("RedriveCount".into(), self.redrives.into());
            context.insert("RedriveTime".into(), format!("{:.3}", self.now).into());
        }
        let last = self.history.len() as u64;
        self.event(last, EventKind::ExecutionRedriven { redrive_count: self.redrives });
        self.set_deadline();
        let outermost = self.unfinished.iter().find(|(_, unfinished)| unfinished.branch.parent.is_none());
        if let Some((id, _)) = outermost {
            self.resume(*id);
        }
        Ok(())
    }

    /// Takes a branch down with the group it waits for.
    pub(super) fn take_down(&mut self, id: BranchId) {
        let Some(branch) = self.branches.remove(&id) else { return };
        let group = self.groups.remove(&id);
        let next = self.work.iter().position(|work| work.between_states() == Some(id));
        let next = next.and_then(|at| self.work.remove(at));
        self.unfinished.insert(id, Unfinished { branch, group, next });
    }

    /// Takes every branch down: the execution ended.
    pub(super) fn take_all_down(&mut self) {
        let ids: Vec<BranchId> = self.branches.keys().copied().collect();
        for id in ids {
            self.take_down(id);
        }
    }

    /// Drops the group of a branch for good: a retry does all of it again, or a catcher leads elsewhere.
    pub(super) fn drop_group(&mut self, id: BranchId) {
        if let Some(group) = self.groups.remove(&id) {
            self.forget_children(&group);
        }
    }

    /// Forgets what a redrive would have brought back inside a group.
    pub(super) fn forget_children(&mut self, group: &Group) {
        for child in group.children() {
            if let Some(Unfinished { group: Some(inner), .. }) = self.unfinished.remove(&child) {
                self.forget_children(&inner);
            }
        }
    }

    /// Brings a branch back, and those inside it.
    pub(super) fn resume(&mut self, id: BranchId) {
        let Some(Unfinished { mut branch, group, next }) = self.unfinished.remove(&id) else { return };
        branch.waiting = Waiting::Between;
        branch.retries.fill(0);
        branch.retry_count = 0;
        if let Some(group) = group {
            branch.waiting = Waiting::Group;
            self.branches.insert(id, branch);
            return self.resume_group(id, group);
        }
        self.work.push_back(match (next, &branch.joined) {
            (Some(next), _) => next,
            (None, Some(result)) => Work::Finish { branch: id, result: result.clone() },
            (None, None) => {
                // The state is not entered again; what it does follows its first entry.
                branch.previous = branch.entered_event;
                Work::Execute { branch: id }
            }
        });
        self.branches.insert(id, branch);
    }

    fn resume_group(&mut self, id: BranchId, mut group: Group) {
        if let Some(map) = &mut group.map {
            // Failures that were tolerated are failures, too. MaxConcurrency holds for those brought back as well.
            group.done -= map.failed.len();
            map.again.append(&mut map.failed);
            map.again.append(&mut group.active);
            self.groups.insert(id, group);
            self.work.push_back(Work::Fill { branch: id });
        } else {
            let children: Vec<BranchId> = group.children().collect();
            self.groups.insert(id, group);
            for child in children {
                self.resume(child);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::{Value, json};

    use super::*;
    use crate::{Definition, Effect, ExecutionContext, Input, Seed};

    fn new(machine: &Value) -> Execution {
        let context = ExecutionContext {
            execution_arn: "arn:aws:states:eu-west-1:0:execution:m:e".to_owned(),
            execution_name: "e".to_owned(),
            role_arn: String::new(),
            start_time: Timestamp::UNIX_EPOCH,
            input: json!({"items": [1, 2, 3]}),
            state_machine_arn: String::new(),
            state_machine_name: "m".to_owned(),
        };
        Execution::new(Arc::new(Definition::from_value(machine).unwrap()), context, Seed::from_bytes([1; 32]))
    }

    #[test]
    fn a_tolerated_failure_is_forgotten_with_its_map() {
        let item = json!({"StartAt": "P", "States": {"P": {
            "Type": "Parallel", "Branches": [{"StartAt": "F", "States": {"F": {"Type": "Fail"}}}], "End": true}}});
        let mut execution = new(&json!({"StartAt": "M", "States": {
            "M": {"Type": "Map", "ItemsPath": "$.items", "ToleratedFailureCount": 3, "ItemProcessor": item, "Next": "W"},
            "W": {"Type": "Wait", "Seconds": 1, "End": true}}}));
        execution.step(Input::Start, Timestamp::UNIX_EPOCH).outcome.unwrap();
        assert!(execution.next_timer().is_some(), "in W");
        assert!(execution.unfinished.is_empty());
    }

    /// Failures that were retried, caught or tolerated leave nothing behind, however often they happen.
    #[test]
    fn nothing_is_kept_of_what_was_dealt_with() {
        let task = |name: &str| {
            json!({"StartAt": name, "States": {name: {
                "Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:0:function:f", "End": true}}})
        };
        let map = json!({"StartAt": "M", "States": {"M": {
            "Type": "Map", "ItemsPath": "$.items", "ToleratedFailureCount": 1, "ItemProcessor": task("Item"), "End": true}}});
        let inner = json!({"StartAt": "Inner", "States": {"Inner": {
            "Type": "Parallel", "Branches": [task("A"), map, task("B")],
            "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}], "End": true}}});
        let machine = json!({"StartAt": "Outer", "States": {
            "Outer": {"Type": "Parallel", "Branches": [inner, task("C")], "ResultPath": null,
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": null, "Next": "Again"}], "Next": "Again"},
            "Again": {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": true, "Next": "End"}], "Default": "Outer"},
            "End": {"Type": "Succeed"}}});
        let mut execution = new(&machine);
        let mut now = Timestamp::UNIX_EPOCH;
        let mut starts = Vec::new();
        let mut kept = 0;
        for round in 0..200_usize {
            let answered = (!starts.is_empty()).then(|| starts.swap_remove(round * 7 % starts.len()));
            let input = match answered {
                None if round == 0 => Input::Start,
                None => Input::Tick,
                Some(task) if round % 3 == 0 => Input::TaskSucceeded { task, output: json!(0) },
                Some(task) => Input::TaskFailed { task, error: Some("E".to_owned()), cause: None },
            };
            now += SignedDuration::from_secs(5);
            let step = execution.step(input, now);
            step.outcome.unwrap();
            for effect in step.effects {
                match effect {
                    Effect::StartTask(start) => starts.push(start.task),
                    Effect::CancelTask(start) => starts.retain(|task| *task != start.task),
                    Effect::Ended(_) => panic!("every failure is caught"),
                }
            }
            // One tolerated iteration may be kept while its Map is at work.
            assert!(execution.unfinished.len() <= 1, "{}", execution.unfinished.len());
            assert_eq!(execution.groups.keys().filter(|id| !execution.branches.contains_key(id)).count(), 0);
            kept += execution.unfinished.len();
        }
        assert!(kept > 0 && execution.history.len() > 500);
        // What is at work is kept at the end, and nothing else.
        let at_work = execution.branches.len() + execution.unfinished.len();
        execution.step(Input::Stop { error: None, cause: None }, now).outcome.unwrap();
        assert_eq!(execution.unfinished.len(), at_work);
    }
}
