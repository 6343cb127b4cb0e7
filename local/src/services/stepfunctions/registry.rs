//! Machines, executions and task tokens, to be found by name.
//!
//! Its locks are held for a look-up or an insertion, never while anything waits.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use asl::{Definition, Ended, Status, TaskToken};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::http::AwsError;
use crate::services::stepfunctions::actor::Message;

/// A state machine.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) role_arn: String,
    /// As it was given.
    pub(super) text: String,
    pub(super) definition: Arc<Definition>,
    /// Milliseconds since 1970.
    pub(super) created: i64,
}

/// An execution, as everybody but its actor sees it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) machine: Arc<Machine>,
    pub(super) input: Value,
    pub(super) started: jiff::Timestamp,
    /// Set by the actor, once.
    pub(super) ended: watch::Sender<Option<Ended>>,
    pub(super) mailbox: mpsc::Sender<Message>,
}

impl Entry {
    pub(super) fn status(&self) -> Status {
        self.ended.borrow().as_ref().map_or(Status::Running, |ended| ended.status)
    }

    /// Waits for the end. None if it cannot come any more.
    pub(super) async fn end(&self) -> Option<Ended> {
        let mut ended = self.ended.subscribe();
        ended.wait_for(Option::is_some).await.ok()?.clone()
    }
}

#[derive(Debug, Default)]
pub(super) struct Registry {
    machines: RwLock<BTreeMap<String, Arc<Machine>>>,
    executions: RwLock<Executions>,
    /// Who waits for a token. Tokens stay after their tasks, so that a late caller learns that it is late.
    tokens: Mutex<HashMap<TaskToken, Arc<Entry>>>,
}

#[derive(Debug, Default)]
struct Executions {
    by_arn: HashMap<String, Arc<Entry>>,
    /// Oldest first.
    by_machine: HashMap<String, Vec<Arc<Entry>>>,
}

impl Registry {
    pub(super) fn machine(&self, arn: &str) -> Result<Arc<Machine>, AwsError> {
        let machines = self.machines.read().unwrap_or_else(PoisonError::into_inner);
        machines.get(arn).map(Arc::clone).ok_or_else(|| {
            AwsError::client("StateMachineDoesNotExist", format!("State Machine Does Not Exist: '{arn}'"))
        })
    }

    /// Up to `size` machines in order of their ARNs, from the `skip`th.
    pub(super) fn machines(&self, skip: usize, size: usize) -> Vec<Arc<Machine>> {
        let machines = self.machines.read().unwrap_or_else(PoisonError::into_inner);
        machines.values().skip(skip).take(size).map(Arc::clone).collect()
    }

    /// Adds a machine, or gives back the one that has its ARN.
    pub(super) fn add_machine(&self, machine: Machine) -> Arc<Machine> {
        let mut machines = self.machines.write().unwrap_or_else(PoisonError::into_inner);
        let entry = machines.entry(machine.arn.clone());
        Arc::clone(entry.or_insert_with(|| Arc::new(machine)))
    }

    pub(super) fn execution(&self, arn: &str) -> Result<Arc<Entry>, AwsError> {
        let executions = self.executions.read().unwrap_or_else(PoisonError::into_inner);
        executions.by_arn.get(arn).map(Arc::clone).ok_or_else(|| {
            AwsError::client("ExecutionDoesNotExist", format!("Execution Does Not Exist: '{arn}'"))
        })
    }

    /// Adds what `make` makes, unless the ARN is there: then gives back that execution.
    pub(super) fn add_execution(
        &self,
        arn: &str,
        make: impl FnOnce() -> Arc<Entry>,
    ) -> Result<Arc<Entry>, Arc<Entry>> {
        let mut executions = self.executions.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = executions.by_arn.get(arn) {
            return Err(Arc::clone(there));
        }
        let entry = make();
        executions.by_arn.insert(arn.to_owned(), Arc::clone(&entry));
        executions.by_machine.entry(entry.machine.arn.clone()).or_default().push(Arc::clone(&entry));
        Ok(entry)
    }

    /// Up to `size` executions of a machine that `wanted` takes, newest first, below index `below`; and the index
    /// to go on below.
    pub(super) fn executions(
        &self,
        machine: &str,
        below: Option<usize>,
        size: usize,
        wanted: impl Fn(&Entry) -> bool,
    ) -> (Vec<Arc<Entry>>, Option<usize>) {
        let executions = self.executions.read().unwrap_or_else(PoisonError::into_inner);
        let all = executions.by_machine.get(machine).map(Vec::as_slice).unwrap_or_default();
        let older = all.get(..below.unwrap_or(all.len()).min(all.len())).unwrap_or_default();
        let mut page = Vec::new();
        for (index, entry) in older.iter().enumerate().rev() {
            if page.len() == size {
                return (page, Some(index + 1));
            }
            if wanted(entry) {
                page.push(Arc::clone(entry));
            }
        }
        (page, None)
    }

    pub(super) fn add_token(&self, token: TaskToken, entry: Arc<Entry>) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token, entry);
    }

    pub(super) fn token(&self, token: &TaskToken) -> Option<Arc<Entry>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(token).map(Arc::clone)
    }
}
