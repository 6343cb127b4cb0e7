//! The agent's side of the guard.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::net::UnixStream;

use super::begin::Process;
use super::launch::Launch;
use super::message::{Header, Lines, Order, Report, Start};
use super::wire;

/// The guard of this agent. Dropping it ends the script: the guard sees its socket close.
pub struct Guard {
    process: Pid,
    socket: UnixStream,
    lines: Lines,
    /// What the socket had no room for.
    unsent: Vec<u8>,
    /// Descriptors that go with the next bytes.
    descriptors: Vec<OwnedFd>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It waits for a try.
    Idle,
    /// It was given one, and has not told its end.
    Busy,
    /// It is not there any more.
    Gone,
}

/// Why a try cannot be given to a guard.
#[derive(Debug, thiserror::Error)]
pub enum NoTry {
    /// Somebody killed it.
    #[error("the guard is no longer there, and without one no script is started")]
    Gone,
    /// It has not told the end of the last one.
    #[error("the guard still has another script")]
    Busy,
    /// What it takes cannot be had, or what to start cannot be sent.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl fmt::Debug for Guard {
    /// Without what is to be sent, where a password may be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("process", &self.process)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Guard {
    /// Of a process that serves at the other end of the socket; in a runtime.
    ///
    /// # Errors
    /// If the runtime cannot watch the socket.
    pub fn new(process: Process) -> io::Result<Self> {
        process.socket.set_nonblocking(true)?;
        Ok(Self {
            process: process.id,
            socket: UnixStream::from_std(process.socket)?,
            lines: Lines::default(),
            unsent: Vec::new(),
            descriptors: Vec::new(),
            state: State::Idle,
        })
    }

    /// Whether the guard still waits for a try, as far as its socket tells.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.state != State::Gone && !wire::is_closed(&self.socket)
    }

    /// Orders the guard to start a script. `output` is the write end of a pipe for it; `kept` is a file that stays open
    /// as long as any of its processes is there. What does not fit the socket at once is sent by [`Self::next_report`].
    ///
    /// # Errors
    /// [`NoTry`]. What becomes of the script is told by [`Self::next_report`].
    pub fn start(
        &mut self,
        launch: &Launch,
        start: &Start,
        output: OwnedFd,
        kept: Option<OwnedFd>,
    ) -> Result<(), NoTry> {
        match self.state {
            State::Idle => {}
            State::Busy => return Err(NoTry::Busy),
            State::Gone => return Err(NoTry::Gone),
        }
        let body = launch.encode()?;
        let header = Header { start: *start, body: body.len(), kept: kept.is_some() };
        self.unsent.extend_from_slice(format!("{header}\n").as_bytes());
        self.unsent.extend(body);
        self.descriptors.extend([output].into_iter().chain(kept));
        if let Err(error) = self.send_what_fits() {
            self.lose();
            return Err(if is_end(&error) { NoTry::Gone } else { NoTry::Io(error) });
        }
        self.state = State::Busy;
        Ok(())
    }

    /// The next report; `None` once the guard is gone. Sends meanwhile what there was no room for. Cancel safe.
    pub async fn next_report(&mut self) -> Option<Report> {
        loop {
            // Nonsense from the guard is as good as none: the socket's end decides.
            if let Ok(Some(line)) = self.lines.next_line() {
                if let Ok(report) = line.parse::<Report>() {
                    if report.is_last() {
                        self.state = State::Idle;
                    }
                    return Some(report);
                }
                continue;
            }
            let wanted = if self.unsent.is_empty() {
                Interest::READABLE
            } else {
                Interest::READABLE | Interest::WRITABLE
            };
            let Ok(ready) = self.socket.ready(wanted).await else {
                self.lose();
                return None;
            };
            if ready.is_writable() && !self.unsent.is_empty() {
                let (socket, unsent, descriptors) = (&self.socket, &self.unsent, &self.descriptors);
                match socket.try_io(Interest::WRITABLE, || wire::send(socket, unsent, descriptors)) {
                    Ok(count) => self.sent(count),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // Nobody will read it. Kept, it would have this loop find the socket writable for ever, and
                    // never wait for what tells of its end.
                    Err(error) if is_end(&error) => self.forget_unsent(),
                    // With half of what it was sent the guard would wait for the rest.
                    Err(_) => {
                        self.lose();
                        return None;
                    }
                }
            }
            let mut buffer = [0; 256];
            match self.socket.try_read(&mut buffer) {
                Ok(count @ 1..) => self.lines.push(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => {
                    self.lose();
                    return None;
                }
            }
        }
    }

    /// Gives an order. It is sent at once, or, where the guard has not read the last ones for long, by
    /// [`Self::next_report`] as soon as there is room. Only a guard that is gone does not get it.
    pub fn order(&mut self, order: &Order) {
        self.unsent.extend_from_slice(format!("{order}\n").as_bytes());
        // Nobody there, as the next report will say.
        let _ = self.send_what_fits();
    }

    /// Not through tokio, which writes nothing before its reactor has once reported the socket as writable: an order
    /// must not depend on that.
    fn send_what_fits(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match wire::send(&self.socket, &self.unsent, &self.descriptors) {
                Ok(count) => self.sent(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn sent(&mut self, count: usize) {
        self.unsent.drain(..count);
        // They went with the first byte. As long as one is open here, the output would not end.
        self.descriptors.clear();
    }

    fn forget_unsent(&mut self) {
        self.unsent.clear();
        self.descriptors.clear();
    }

    fn lose(&mut self) {
        self.state = State::Gone;
        self.forget_unsent();
    }

    /// Kills the guard. What it kept then belongs to this process, if that is a subreaper. Not to be called once all
    /// children of this process were collected: its id may be another's by then.
    pub fn kill(&mut self) {
        self.lose();
        let _ = kill(self.process, Signal::SIGKILL);
    }

    /// Ends a guard that has no script any more, and collects it. One that has is left to itself: it sees its socket
    /// close.
    pub fn collect(self) {
        drop(self.socket);
        let wait = match self.state {
            State::Idle => {
                // It would end by itself, but not if somebody has stopped it.
                let _ = kill(self.process, Signal::SIGKILL);
                None
            }
            State::Busy | State::Gone => Some(WaitPidFlag::WNOHANG),
        };
        let _ = waitpid(self.process, wait);
    }

    /// The guard's process id.
    #[must_use]
    pub const fn id(&self) -> Pid {
        self.process
    }
}

/// Whether the guard has closed its end.
fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}
