//! The agent's side of the guard.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tokio::net::UnixStream;

use super::message::{Lines, Order, Report, Start};
use super::serve::COMMAND;

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
    lines: Lines,
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
        let (mut ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        // Before the guard exists: it waits for nothing that might not come.
        ours.write_all(format!("{}\n", Order::Start(*start)).as_bytes())?;
        ours.set_nonblocking(true)?;
        let process = Command::new(agent)
            .arg0("rsqlflow-agent")
            .arg(COMMAND)
            .arg(&launch.program)
            .args(&launch.args)
            .env_clear()
            .envs(&launch.env)
            .current_dir(&launch.directory)
            // A signal for the agent's group is the agent's to handle.
            .process_group(0)
            .stdin(OwnedFd::from(theirs))
            .stdout(output)
            .stderr(kept.map_or_else(Stdio::null, Stdio::from))
            .spawn()?;
        Ok(Self { process, socket: UnixStream::from_std(ours)?, lines: Lines::default() })
    }

    /// The next report; `None` once the guard is gone. Cancel safe.
    pub async fn next_report(&mut self) -> Option<Report> {
        loop {
            // Nonsense from the guard is as good as none: the socket's end decides.
            if let Ok(Some(line)) = self.lines.next_line() {
                if let Ok(report) = line.parse() {
                    return Some(report);
                }
                continue;
            }
            self.socket.readable().await.ok()?;
            let mut buffer = [0; 256];
            match self.socket.try_read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.lines.push(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
    }

    /// Gives an order. A guard that cannot take it is gone or about to end its script anyway.
    pub fn order(&self, order: &Order) {
        // Orders are few and short, so a socket's buffer holds them all; a part of one is never sent.
        let _ = self.socket.try_write(format!("{order}\n").as_bytes());
    }

    /// Collects the guard's own exit, once [`Self::next_report`] has answered `None`.
    pub fn collect(mut self) {
        // Its end of the socket closes when it exits or dies, so this does not wait.
        let _ = self.process.wait();
    }

    /// The guard's process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}
