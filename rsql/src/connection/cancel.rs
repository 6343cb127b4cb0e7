//! Stopping a running statement from another thread.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use postgres_protocol::message::frontend;

use super::stream::Stream;
use super::{ConnectError, Target};

/// What a cancel request needs.
/// <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS>
#[derive(Debug, Clone)]
pub struct CancelKey {
    pub(super) target: Target,
    pub(super) process: i32,
    pub(super) secret: i32,
}

impl CancelKey {
    /// The key of a session that another process opened at `target`.
    #[must_use]
    pub fn new(target: Target, process: i32, secret: i32) -> Self {
        Self { target, process, secret }
    }

    /// The number of the server's process.
    #[must_use]
    pub fn process(&self) -> i32 {
        self.process
    }

    /// The number that proves the right to cancel.
    #[must_use]
    pub fn secret(&self) -> i32 {
        self.secret
    }

    /// Asks the server, on a connection of its own, to stop the statement.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub fn cancel(&self) -> Result<(), ConnectError> {
        let mut stream = Stream::open(&self.target)?;
        let mut request = BytesMut::new();
        frontend::cancel_request(self.process, self.secret, &mut request);
        let place = || format!("{} port {}", self.target.host, self.target.port);
        stream
            .write_all(&request)
            .and_then(|()| stream.flush())
            .map_err(|source| ConnectError::Refused { place: place(), source })
    }
}

/// Shared between the session and the signal thread: the statement to stop, if one runs.
#[derive(Clone, Default)]
pub(crate) struct Canceller(Arc<Mutex<Option<CancelKey>>>);

impl Canceller {
    /// A statement starts (or, with `None`, has ended).
    pub(crate) fn set(&self, key: Option<CancelKey>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = key;
    }

    /// The running statement's key, for a process that is about to end. Without one no statement starts any more:
    /// the session waits in [`Canceller::set`], because one that is sent now would outlive us on the server.
    pub(crate) fn stop(&self) -> Option<CancelKey> {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = running.clone();
        if key.is_none() {
            std::mem::forget(running);
        }
        key
    }
}
