//! Signals that ask the command to stop: Ctrl-C, SIGTERM of a service manager or `timeout`, SIGHUP of a closed terminal.

use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use futures::stream::{self, Stream, StreamExt};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::failure::exit;
use crate::output::remark;

/// How long a signal may wait until the command handles it. A command that does not handle it waits for a service that
/// does not answer, or for a write to a full disk. It is then ended.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C (SIGINT), by the operator.
    Interrupt,
    /// SIGTERM, by a program such as a service manager or `timeout`. No question is possible.
    Terminate,
    /// SIGHUP, because the terminal was closed. No question is possible.
    Hangup,
}

impl Signal {
    /// The reason of a cancellation by this signal, for the run's row.
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

/// A signal, with the sender of its acknowledgement.
type Request = (Signal, oneshot::Sender<()>);

/// Receives signals from its creation on. A signal that [`Signals::next`] does not take within [`ANSWER_WITHIN`] ends the
/// process, whatever the command waits for.
pub(crate) struct Signals {
    requests: mpsc::Receiver<Request>,
}

impl Signals {
    /// Starts to receive signals.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("cannot register signal handlers");
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
                remark("the command did not handle the signal and was stopped");
                std::process::exit(i32::from(exit::INTERRUPTED));
            }
        });
        Ok(Self { requests })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) -> Signal {
        match self.requests.recv().await {
            Some((signal, answered)) => {
                // At the end of the process, the acknowledgement has no receiver.
                let _ = answered.send(());
                signal
            }
            // Happens only when the runtime ends.
            None => std::future::pending().await,
        }
    }
}

/// Passes signals on, one after the other. `false` if the command did not take one in time.
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

/// Receives the signals of the system.
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
            // The second signal stays in the channel, as when the command waits for something else.
            signal
        };
        let (is_answered, taken) = tokio::join!(delivering, taking_one);
        assert_eq!((is_answered, taken), (false, Signal::Terminate));
    }
}
