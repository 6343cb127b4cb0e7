//! The connections of the port: their maximum number, and the timeouts of requests.
//!
//! A client that sends half a request and stops must not block others. The head and the body of a request have timeouts.
//! If there are too many connections, the one that has been idle longest is closed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Timeout for the head of a request, after the start of the connection or the last answer.
pub(super) const HEAD: Duration = Duration::from_secs(60);

/// Maximum number of connections. An agent has one for each service.
const MOST: usize = 1_024;

/// The maximum if the limit of open files cannot be read.
const FEW: usize = 128;

/// All connections.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    open: Mutex<Open>,
    /// Notified when a connection ends or becomes idle.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    last: u64,
    states: HashMap<u64, State>,
}

#[derive(Debug)]
struct State {
    /// Since when it is idle. `None` while a request is answered.
    waits_since: Option<Instant>,
    close: CancellationToken,
}

impl Connections {
    /// At most half of the open files of this process. The others are for databases and agents.
    pub(super) fn new() -> Arc<Self> {
        let files = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE);
        let half = files.ok().and_then(|(soft, _)| usize::try_from(soft / 2).ok());
        Self::with(half.unwrap_or(FEW).clamp(1, MOST))
    }

    fn with(most: usize) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::default(), changed: Notify::new() })
    }

    /// Registers a connection. If the maximum is reached, the connection that has been idle longest is closed. If none is
    /// idle, this waits until one is.
    pub(super) async fn enter(self: &Arc<Self>) -> Connection {
        loop {
            let changed = self.changed.notified();
            if let Some(connection) = self.try_enter() {
                return connection;
            }
            changed.await;
        }
    }

    fn try_enter(self: &Arc<Self>) -> Option<Connection> {
        let mut open = self.lock();
        if open.states.len() >= self.most {
            let waiting = open.states.iter().filter_map(|(id, state)| Some((state.waits_since?, *id)));
            let (_, longest) = waiting.min()?;
            if let Some(state) = open.states.remove(&longest) {
                state.close.cancel();
            }
        }
        open.last += 1;
        let id = open.last;
        let close = CancellationToken::new();
        open.states.insert(id, State { waits_since: Some(Instant::now()), close: close.clone() });
        Some(Connection { all: Arc::clone(self), id, close })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A registered connection. Dropping it removes the registration.
#[derive(Debug)]
pub(super) struct Connection {
    all: Arc<Connections>,
    id: u64,
    /// Cancelled when the connection must be closed.
    pub(super) close: CancellationToken,
}

impl Connection {
    /// A request has arrived: the connection is not idle any more.
    pub(super) fn works(&self) {
        self.set(None);
    }

    /// The request was answered: the connection is idle.
    pub(super) fn waits(&self) {
        self.set(Some(Instant::now()));
        self.all.changed.notify_one();
    }

    fn set(&self, waits_since: Option<Instant>) {
        if let Some(state) = self.all.lock().states.get_mut(&self.id) {
            state.waits_since = waits_since;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.lock().states.remove(&self.id);
        self.all.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_longest_waiting_connection_makes_room_and_one_at_work_does_not() {
        let connections = Connections::with(2);
        let (first, second) = (connections.enter().await, connections.enter().await);
        first.works();
        let third = connections.enter().await;
        assert!(!first.close.is_cancelled() && second.close.is_cancelled() && !third.close.is_cancelled());
        third.works();
        assert!(connections.try_enter().is_none(), "both are at work");
        let entering = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { connections.enter().await }
        });
        tokio::task::yield_now().await;
        first.waits();
        let fourth = entering.await.unwrap();
        assert!(first.close.is_cancelled() && !third.close.is_cancelled() && !fourth.close.is_cancelled());
        drop((third, fourth));
        assert!(connections.lock().states.is_empty());
    }
}
