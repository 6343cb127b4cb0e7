//! Execution of Map and Parallel states.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::evaluate::MapStart;
use super::state::{Branch, BranchId, Execution, Group, MapRun, Waiting, Work};
use crate::definition::StateId;
use crate::history::EventKind;
use crate::payload::Payload;
use crate::scope::MapItem;

/// Maximum of concurrent iterations of an inline Map, whatever MaxConcurrency says.
///
/// <https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html>
const MAX_INLINE_CONCURRENCY: usize = 40;

impl Execution {
    /// Starts the branches of a Parallel state.
    pub(super) fn start_parallel(&mut self, id: BranchId, branches: &[StateId], input: &Payload) {
        let started_event = self.branch_event(id, EventKind::ParallelStateStarted);
        let mut active = BTreeMap::new();
        for (index, state) in branches.iter().enumerate() {
            let item = self.branches.get(&id).and_then(|branch| branch.map_item.clone());
            let Some(child) = self.start_child(id, index, *state, input, item, started_event) else { return };
            active.insert(index, child);
        }
        let group = Group {
            active,
            results: vec![None; branches.len()],
            done: 0,
            started_event,
            last_event: started_event,
            map: None,
        };
        self.put_group(id, group);
    }

    /// Starts a Map state.
    pub(super) fn start_map(&mut self, id: BranchId, start: StateId, map: MapStart) {
        let Some(name) = self.branches.get(&id).map(|branch| Arc::clone(&self.state_of(branch.state).name))
        else {
            return;
        };
        let length = map.items.as_array().map_or(0, Vec::len);
        let started_event = self.branch_event(id, EventKind::MapStateStarted { length });
        let limit = match usize::try_from(map.max_concurrency) {
            Ok(0) | Err(_) => MAX_INLINE_CONCURRENCY,
            Ok(limit) => limit.min(MAX_INLINE_CONCURRENCY),
        };
        let run = MapRun { name, start, items: map.items, input: map.input, next: 0, limit };
        let group = Group {
            active: BTreeMap::new(),
            results: vec![None; length],
            done: 0,
            started_event,
            last_event: started_event,
            map: Some(run),
        };
        self.put_group(id, group);
        self.work.push_back(Work::Fill { branch: id });
    }

    fn put_group(&mut self, id: BranchId, group: Group) {
        if let Some(branch) = self.branches.get_mut(&id) {
            branch.waiting = Waiting::Group;
            self.groups.insert(id, group);
        }
    }

    fn start_child(
        &mut self,
        parent: BranchId,
        index: usize,
        state: StateId,
        input: &Payload,
        map_item: Option<Arc<MapItem>>,
        previous: u64,
    ) -> Option<BranchId> {
        let variables = Arc::clone(&self.branches.get(&parent)?.variables);
        let child = self.new_branch(Branch {
            parent: Some((parent, index)),
            state,
            raw: input.clone(),
            variables,
            map_item,
            entered_event: 0,
            entered_time: self.now,
            previous,
            retries: Vec::new(),
            retry_count: 0,
            waiting: Waiting::Between,
        });
        self.work.push_back(Work::Enter { branch: child, state, input: input.clone() });
        Some(child)
    }

    /// Starts iterations of the branch's Map until its limit is reached. Ends the Map if no iteration is left.
    pub(super) fn fill(&mut self, id: BranchId) {
        loop {
            let Some(group) = self.groups.get_mut(&id) else { return };
            let Some(map) = &mut group.map else { return };
            if group.done == group.results.len() {
                return self.finish_group(id);
            }
            if group.active.len() >= map.limit {
                return;
            }
            if map.next >= group.results.len() {
                return;
            }
            let index = map.next;
            map.next += 1;
            let (name, state, started_event) = (Arc::clone(&map.name), map.start, group.started_event);
            let value = map.items.get(index).cloned().unwrap_or(Value::Null);
            let map_input = map.input.clone();
            let event = self.event(started_event, EventKind::MapIterationStarted { name, index });
            let item = Arc::new(MapItem { index, value });
            match self.item_input(id, &map_input, &item) {
                Ok(input) => {
                    let child = self.start_child(id, index, state, &input, Some(item), event);
                    if let (Some(child), Some(group)) = (child, self.groups.get_mut(&id)) {
                        group.active.insert(index, child);
                    }
                }
                Err(error) => {
                    let failure = self.evaluation_failure(id, error);
                    return self.end_failed(failure.error, failure.cause);
                }
            }
        }
    }

    /// A branch reached its end.
    pub(super) fn complete(&mut self, id: BranchId, output: Payload) {
        let Some(branch) = self.branches.get(&id) else { return };
        let Some((parent, index)) = branch.parent else {
            return self.succeed(output);
        };
        let mut last = branch.previous;
        self.branches.remove(&id);
        let Some(group) = self.groups.get_mut(&parent) else { return };
        group.active.remove(&index);
        if let Some(map) = &group.map {
            let name = Arc::clone(&map.name);
            last = self.event(last, EventKind::MapIterationSucceeded { name, index });
        }
        self.child_done(parent, index, output, last);
    }

    /// Stores a child's result and continues with the others.
    pub(super) fn child_done(&mut self, parent: BranchId, index: usize, result: Payload, last_event: u64) {
        let Some(group) = self.groups.get_mut(&parent) else { return };
        if let Some(slot) = group.results.get_mut(index) {
            *slot = Some(result);
        }
        group.done += 1;
        group.last_event = last_event;
        if group.map.is_some() {
            self.work.push_back(Work::Fill { branch: parent });
        } else if group.done == group.results.len() {
            self.finish_group(parent);
        }
    }

    fn finish_group(&mut self, id: BranchId) {
        let Some(group) = self.groups.remove(&id) else { return };
        let kind = match group.map {
            Some(_) => EventKind::MapStateSucceeded,
            None => EventKind::ParallelStateSucceeded,
        };
        self.event(group.last_event, kind);
        let results = group.results.into_iter().map(|r| r.map_or(Value::Null, Payload::into_value)).collect();
        let results = Payload::from(Value::Array(results));
        if let Some(branch) = self.branches.get_mut(&id) {
            // The service ignores the Succeeded event: Exited follows the last child's event as well.
            branch.previous = group.last_event;
        }
        self.finish(id, results);
    }
}
