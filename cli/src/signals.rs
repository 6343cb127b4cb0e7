//! Requests to end, however they come: Ctrl-C, SIGTERM of a service manager or `timeout`, SIGHUP of a closed
//! terminal.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The operator, by Ctrl-C.
    Interrupt,
    /// A program, or a terminal that is gone: nobody can be asked.
    Other,
}

/// Listens from its making on, so that nothing ends the process unheard.
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    /// Starts to listen.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hangup: on(SignalKind::hangup())?,
        })
    }

    /// Waits for the next request.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Other,
            _ = self.hangup.recv() => Signal::Other,
        }
    }
}
