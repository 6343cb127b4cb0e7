//! Requests to end, however they come: Ctrl-C, SIGTERM of a service manager or `timeout`, SIGHUP of a closed
//! terminal.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens from its making on, so that nothing ends the process unheard.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
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
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
