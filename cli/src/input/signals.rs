//! Requests to end, however they come: Ctrl-C, SIGTERM of a service manager or `timeout`, SIGHUP of a closed
//! terminal.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The operator, by Ctrl-C.
    Interrupt,
    /// A program, such as a service manager or `timeout`, by SIGTERM: nobody can be asked.
    Terminate,
    /// A terminal that is gone, by SIGHUP: nobody can be asked.
    Hangup,
}

impl Signal {
    /// Why a run was cancelled by it, for the run's row.
    pub(crate) const fn cause(self) -> &'static str {
        match self {
            Self::Interrupt => "cancelled by the operator",
            Self::Terminate => "cancelled because the command that followed the run was ended by SIGTERM",
            Self::Hangup => {
                "cancelled because the terminal of the command that followed the run was closed (SIGHUP)"
            }
        }
    }
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
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.hangup.recv() => Signal::Hangup,
        }
    }
}
