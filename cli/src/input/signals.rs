//! Requests to end, however they come: Ctrl-C, SIGTERM of a service manager or `timeout`, SIGHUP of a closed
//! terminal.

use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use futures::stream::{self, Stream, StreamExt};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::failure::exit;
use crate::output::remark;

/// How long a request may wait for the command to answer it. A command that does not, waits for a service that does not
/// answer, or for a write to a full disk, and is ended.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

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

/// A request to end, and how to say that it is being answered.
type Request = (Signal, oneshot::Sender<()>);

/// Receives requests to end from its creation on. A request that [`Signals::next`] does not take within [`ANSWER_WITHIN`]
/// ends the process: whatever the command waits for, a signal is heard.
pub(crate) struct Signals {
    requests: mpsc::Receiver<Request>,
}

impl Signals {
    /// Starts to listen.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("cannot listen for signals");
        let sources = Sources {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hangup: on(SignalKind::hangup())?,
        };
        let (sender, requests) = mpsc::channel(1);
        tokio::spawn(async move {
            let signals = stream::unfold(sources, |mut sources: Sources| async move {
                let signal = sources.next().await;
                Some((signal, sources))
            });
            if !deliver(signals, sender, ANSWER_WITHIN).await {
                remark("the command did not answer the signal, and was ended");
                std::process::exit(i32::from(exit::INTERRUPTED));
            }
        });
        Ok(Self { requests })
    }

    /// Waits for the next request.
    pub(crate) async fn next(&mut self) -> Signal {
        match self.requests.recv().await {
            Some((signal, answered)) => {
                // Nobody waits for the answer any more when the process is about to end.
                let _ = answered.send(());
                signal
            }
            // Only when the runtime ends.
            None => std::future::pending().await,
        }
    }
}

/// Hands signals on, one after the other. `false` once the command did not take one within that time.
async fn deliver(
    signals: impl Stream<Item = Signal>,
    sender: mpsc::Sender<Request>,
    within: Duration,
) -> bool {
    let mut signals = pin!(signals);
    while let Some(signal) = signals.next().await {
        let (answered, answer) = oneshot::channel();
        let _ = sender.try_send((signal, answered));
        if !matches!(timeout(within, answer).await, Ok(Ok(()))) {
            return false;
        }
    }
    true
}

/// What the system tells the process.
struct Sources {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Sources {
    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.hangup.recv() => Signal::Hangup,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_that_the_command_does_not_take_ends_it() {
        let (sender, mut requests) = mpsc::channel::<Request>(1);
        let two = stream::iter([Signal::Terminate, Signal::Hangup]);
        let delivering = deliver(two, sender, Duration::from_millis(50));
        let taking_one = async {
            let (signal, answered) = requests.recv().await.unwrap();
            answered.send(()).unwrap();
            // The second one stays in the channel, as when the command waits for something else.
            signal
        };
        let (is_answered, taken) = tokio::join!(delivering, taking_one);
        assert_eq!((is_answered, taken), (false, Signal::Terminate));
    }
}
