//! Commands that were sent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::http::AwsError;
use crate::services::ssm::invocation::Invocation;

/// Invocations that are remembered. The service keeps them for 30 days; here the oldest make room.
const REMEMBERED: usize = 20_000;

/// Invocations by command and instance.
#[derive(Debug, Default)]
pub(super) struct Commands {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    invocations: HashMap<(String, String), Arc<Invocation>>,
    order: VecDeque<(String, String)>,
}

impl Commands {
    pub(super) fn add(&self, invocation: Arc<Invocation>) -> Result<(), AwsError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(AwsError::internal("the endpoint is shutting down"));
        }
        if state.order.len() == REMEMBERED
            && let Some(oldest) = state.order.pop_front()
        {
            state.invocations.remove(&oldest);
        }
        let key = invocation.key();
        state.order.push_back(key.clone());
        state.invocations.insert(key, invocation);
        Ok(())
    }

    pub(super) fn get(&self, command: &str, instance: &str) -> Option<Arc<Invocation>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.invocations.get(&(command.to_owned(), instance.to_owned())).map(Arc::clone)
    }

    /// Takes no more.
    pub(super) fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
    }
}
