//! The agent from the guard's side: the other end of a socket.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;

use super::launch::Launch;
use super::message::{GuardCommand, Header, Lines, Report, Start};
use super::wire;

/// A try of the job that the agent requests.
pub(super) struct Try {
    pub(super) start: Start,
    pub(super) launch: Launch,
    /// Destination of the script's output.
    pub(super) output: OwnedFd,
    /// A file to keep open until all processes of the script have ended.
    pub(super) kept: Option<OwnedFd>,
}

/// The other end of the socket.
pub(super) struct Agent {
    socket: OwnedFd,
    lines: Lines,
    /// Descriptors whose message has not been read yet.
    descriptors: VecDeque<OwnedFd>,
    /// Whether the agent closed its end, or sent invalid data. Then it is not reliable any more.
    pub(super) gone: bool,
}

impl Agent {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self { socket, lines: Lines::default(), descriptors: VecDeque::new(), gone: false }
    }

    /// What to poll.
    pub(super) fn readable(&self) -> PollFd<'_> {
        PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)
    }

    /// Waits for a try. `None`: the agent has ended, or a signal stops the guard.
    pub(super) fn wait_for_try(&mut self, signals: &SignalFd) -> io::Result<Option<Try>> {
        let mut header = None;
        loop {
            self.receive();
            while header.is_none()
                && let Some(line) = self.lines.next_line().map_err(io::Error::other)?
            {
                header = match line.parse::<Header>() {
                    Ok(header) => Some(header),
                    // A command for the last script, which ended in the meantime, is ignored.
                    Err(_) if line.parse::<GuardCommand>().is_ok() => None,
                    Err(nonsense) => return Err(io::Error::other(nonsense)),
                };
            }
            // Checked first: nothing is started for an agent that ended after its last message.
            if self.gone {
                return Ok(None);
            }
            if let Some(header) = &header
                && let Some(body) = self.lines.take(header.body)
            {
                return self.take(header, &body).map(Some);
            }
            let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN), self.readable()];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            while let Ok(Some(signal)) = signals.read_signal() {
                if signal.ssi_signo != Signal::SIGCHLD as u32 {
                    return Ok(None);
                }
            }
        }
    }

    fn take(&mut self, header: &Header, body: &[u8]) -> io::Result<Try> {
        let missing = |what| io::Error::other(format!("a try without {what}"));
        let launch = Launch::decode(body).ok_or_else(|| missing("a program"))?;
        let output = self.descriptors.pop_front().ok_or_else(|| missing("its output"))?;
        let kept = if header.kept {
            Some(self.descriptors.pop_front().ok_or_else(|| missing("the file to keep"))?)
        } else {
            None
        };
        Ok(Try { start: header.start, launch, output, kept })
    }

    /// The commands for the running script since the last call. Invalid data counts as the end.
    pub(super) fn orders(&mut self) -> Vec<GuardCommand> {
        self.receive();
        let mut orders = Vec::new();
        loop {
            match self.lines.next_line().map(|line| line.map(|line| line.parse())) {
                Ok(Some(Ok(order))) => orders.push(order),
                Ok(None) => return orders,
                Ok(Some(Err(_))) | Err(_) => {
                    self.gone = true;
                    return orders;
                }
            }
        }
    }

    /// Reads all available data.
    fn receive(&mut self) {
        // Most messages are one line. A try has some kilobytes.
        let mut buffer = [0; 4096];
        while !self.gone {
            match wire::receive(&self.socket, &mut buffer, &mut self.descriptors) {
                Ok(0) => self.gone = true,
                Ok(count) => {
                    self.lines.push(buffer.get(..count).unwrap_or_default());
                    if count < buffer.len() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.gone = true,
            }
        }
    }

    /// A report that cannot be sent has no reader. The end of the socket is detected separately.
    pub(super) fn tell(&self, report: Report) {
        let _ = wire::send(&self.socket, format!("{report}\n").as_bytes(), &[]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::net::UnixStream;
    use std::path::PathBuf;
    use std::time::Duration;

    use nix::sys::signal::SigSet;

    use super::*;
    use crate::clock::BootTime;
    use crate::lease::Deadline;

    #[test]
    fn an_agent_that_is_dead_by_now_has_nothing_started() {
        let now = BootTime::now();
        let start = Start {
            deadline: Deadline { term_at: now, kill_at: now },
            grace: Duration::ZERO,
            linger: Duration::ZERO,
            run_as: None,
        };
        let message = |padding: usize| {
            let launch = Launch {
                program: PathBuf::from("/bin/true"),
                args: Vec::new(),
                env: BTreeMap::from([("A".into(), "x".repeat(padding).into())]),
                directory: PathBuf::from("/"),
                ..Launch::default()
            };
            let body = launch.encode().unwrap();
            let header = Header { start, body: body.len(), kept: false };
            [format!("{header}\n").into_bytes(), body].concat()
        };
        // Of just the size of the buffer, so that what is read next is the end.
        let padding = (0..5000).find(|&padding| message(padding).len() == 4096).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (_read, write) = io::pipe().unwrap();
        assert_eq!(wire::send(&ours, &message(padding), &[OwnedFd::from(write)]).unwrap(), 4096);
        drop(ours);
        let mut agent = Agent::new(OwnedFd::from(theirs));
        let signals = SignalFd::new(&SigSet::empty()).unwrap();
        assert!(agent.wait_for_try(&signals).unwrap().is_none());
    }
}
