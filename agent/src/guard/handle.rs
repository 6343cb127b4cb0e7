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
use super::message::{GuardCommand, Header, Lines, Report, Start};
use super::wire;

/// The guard of this agent. Dropping it ends the script, because the guard's socket is closed.
pub struct Guard {
    process: Pid,
    socket: UnixStream,
    lines: Lines,
    /// Data that did not fit into the socket.
    unsent: Vec<u8>,
    /// Descriptors that are sent with the next bytes.
    descriptors: Vec<OwnedFd>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It waits for a try.
    Idle,
    /// It has a try that has not ended.
    Busy,
    /// It has ended.
    Gone,
}

/// Why a try cannot be given to the guard.
#[derive(Debug, thiserror::Error)]
pub enum NoTry {
    /// The guard was killed.
    #[error("the guard was killed, so no script can be started")]
    Gone,
    /// The last try has not ended.
    #[error("the guard still has another script")]
    Busy,
    /// The data cannot be prepared or sent.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl fmt::Debug for Guard {
    /// Without the data, which may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("process", &self.process)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Guard {
    /// From a process that serves the other end of the socket. Must be called in a runtime.
    ///
    /// # Errors
    /// The runtime cannot watch the socket.
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

    /// Whether the guard waits for a try, as far as the socket shows.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.state != State::Gone && !wire::is_closed(&self.socket)
    }

    /// Tells the guard to start a script. `output` is the write end of a pipe. `kept` is a file that stays open while any of its
    /// processes runs. Data that does not fit into the socket is sent by [`Self::next_report`].
    ///
    /// # Errors
    /// [`NoTry`]. [`Self::next_report`] reports the progress of the script.
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

    /// The next report. `None` after the guard has ended. Also sends pending data. Cancel safe.
    pub async fn next_report(&mut self) -> Option<Report> {
        loop {
            // Invalid data from the guard counts as its end. The end of the socket decides.
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
                    // The guard would wait for the rest of a partly sent message.
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

    /// Sends a command. It is sent at once, or by [`Self::next_report`] if the socket is full. It is lost only if the guard has
    /// ended.
    pub fn order(&mut self, order: &GuardCommand) {
        self.unsent.extend_from_slice(format!("{order}\n").as_bytes());
        // The guard has ended, as the next report will show.
        let _ = self.send_what_fits();
    }

    /// Not through tokio, which writes only after its reactor has reported the socket as writable. A command must not depend
    /// on that.
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
        // They were sent with the first byte. An open copy here would keep the output open.
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

    /// Kills the guard. Its children then belong to this process, if it is a subreaper. Must not be called after all children
    /// were reaped, because the id may be reused.
    pub fn kill(&mut self) {
        self.lose();
        let _ = kill(self.process, Signal::SIGKILL);
    }

    /// Ends a guard without a script, and reaps it. A guard with a script ends by itself when its socket closes.
    pub fn collect(self) {
        drop(self.socket);
        let wait = match self.state {
            State::Idle => {
                // It would end by itself, unless it is stopped (SIGSTOP).
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
