//! The agent's side of the guard.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as BlockingStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::net::UnixStream;

use super::message::{Lines, Order, Report, Start};
use super::serve::{COMMAND, SCRIPT_ENV};

/// What to start: a program, never a line for a shell.
#[derive(Clone)]
pub struct Launch {
    /// The program, as an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: BTreeMap<OsString, OsString>,
    /// Its working directory.
    pub directory: PathBuf,
}

impl fmt::Debug for Launch {
    /// Without the values of the environment, one of which is a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &self.env.keys())
            .field("directory", &self.directory)
            .finish()
    }
}

/// A running guard. Dropping it ends the script: the guard sees its socket close.
#[derive(Debug)]
pub struct Guard {
    process: Child,
    socket: UnixStream,
    /// The same socket, and as little blocking. Tokio's own writes nothing before its reactor has once reported
    /// the socket as writable, and an order must not depend on that.
    direct: BlockingStream,
    lines: Lines,
    /// Orders, or the rest of one, that the socket had no room for.
    unsent: Vec<u8>,
}

impl Guard {
    /// Starts a guard (`agent` is the path of this very binary) and orders it to start the script. `output` is
    /// the write end of a pipe for the script; `kept` is a file that stays open as long as the guard lives.
    ///
    /// # Errors
    /// If the operating system refuses. What becomes of the script is told by [`Self::next_report`].
    pub fn start(
        agent: &std::path::Path,
        launch: &Launch,
        start: &Start,
        output: OwnedFd,
        kept: Option<OwnedFd>,
    ) -> io::Result<Self> {
        let (mut ours, theirs) = BlockingStream::pair()?;
        // Before the guard exists: it waits for nothing that might not come.
        ours.write_all(format!("{}\n", Order::Start(*start)).as_bytes())?;
        ours.set_nonblocking(true)?;
        let direct = ours.try_clone()?;
        let process = Command::new(agent)
            .arg0("rsqlflow-agent")
            .arg(COMMAND)
            .arg(&launch.program)
            .args(&launch.args)
            .env_clear()
            .envs(launch.env.iter().map(|(name, value)| {
                let mut prefixed = OsString::from(SCRIPT_ENV);
                prefixed.push(name);
                (prefixed, value)
            }))
            .current_dir(&launch.directory)
            // A signal for the agent's group is the agent's to handle.
            .process_group(0)
            .stdin(OwnedFd::from(theirs))
            .stdout(output)
            .stderr(kept.map_or_else(Stdio::null, Stdio::from))
            .spawn()?;
        let socket = UnixStream::from_std(ours)?;
        Ok(Self { process, socket, direct, lines: Lines::default(), unsent: Vec::new() })
    }

    /// The next report; `None` once the guard is gone. Sends meanwhile what [`Self::order`] could not. Cancel safe.
    pub async fn next_report(&mut self) -> Option<Report> {
        loop {
            // Nonsense from the guard is as good as none: the socket's end decides.
            if let Ok(Some(line)) = self.lines.next_line() {
                if let Ok(report) = line.parse() {
                    return Some(report);
                }
                continue;
            }
            let wanted = if self.unsent.is_empty() {
                Interest::READABLE
            } else {
                Interest::READABLE | Interest::WRITABLE
            };
            let ready = self.socket.ready(wanted).await.ok()?;
            if ready.is_writable() && !self.unsent.is_empty() {
                match self.socket.try_write(&self.unsent) {
                    Ok(count) => drop(self.unsent.drain(..count)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // Nobody will read it. Kept, it would have this loop find the socket writable for ever, and
                    // never wait for what tells of its end.
                    Err(_) => self.unsent.clear(),
                }
            }
            let mut buffer = [0; 256];
            match self.socket.try_read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.lines.push(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
    }

    /// Gives an order. It is sent at once, or, where the guard has not read the last ones for long, by
    /// [`Self::next_report`] as soon as there is room. Only a guard that is gone does not get it.
    pub fn order(&mut self, order: &Order) {
        self.unsent.extend_from_slice(format!("{order}\n").as_bytes());
        loop {
            match self.direct.write(&self.unsent) {
                Ok(count) => {
                    self.unsent.drain(..count);
                    if self.unsent.is_empty() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // No room; or nobody there, as the next report will say.
                Err(_) => return,
            }
        }
    }

    /// Collects the guard's own exit, once [`Self::next_report`] has answered `None`.
    pub fn collect(mut self) {
        // Its end of the socket closes when it exits or dies, so this does not wait.
        let _ = self.process.wait();
    }

    /// The guard's process id.
    #[must_use]
    pub fn id(&self) -> Pid {
        // The kernel's own type; std shows it unsigned.
        Pid::from_raw(self.process.id().cast_signed())
    }
}
