//! Starts the script.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, execve, getpid, getppid};

use super::confine::Confinement;
use super::launch::Launch;
use super::message::Start;

/// Starts the script. It writes to `output`, of which no copy stays open here: the pipe ends when the last process of the
/// script has closed it.
pub(super) fn spawn(
    launch: Launch,
    output: OwnedFd,
    start: &Start,
    spared: &mut Spared,
    blocked: SigSet,
) -> io::Result<Pid> {
    let program = Program::new(&launch)?;
    let confinement = Confinement::prepare(&launch, start.run_as)?;
    let mut command = Command::new(&launch.program);
    // A separate group, so that one signal reaches all its processes.
    command.current_dir(launch.directory).process_group(0).stdin(Stdio::null());
    command.stderr(output.try_clone()?).stdout(output);
    let guard = getpid();
    let begin = move || {
        // Blocked signals are inherited. The guard itself reads its signals explicitly.
        blocked.thread_unblock()?;
        confinement.apply()?;
        // Cleared when the user changes (prctl(2), PR_SET_PDEATHSIG), which has already happened here.
        set_pdeathsig(Signal::SIGKILL)?;
        // The guard may have ended before that.
        if getppid() != guard {
            return Err(Errno::ESRCH.into());
        }
        Err(program.execute())
    };
    #[expect(unsafe_code, reason = "the guard has one thread, so its copy may do all that the guard may")]
    // SAFETY: no other thread can have held a lock, such as the allocator's, when the process was split (fork(2)).
    unsafe {
        command.pre_exec(begin);
    }
    // The script would inherit it.
    spared.end();
    let child = command.spawn();
    spared.begin();
    let child = child?;
    i32::try_from(child.id()).map(Pid::from_raw).map_err(io::Error::other)
}

/// A program for execve(2). The standard library uses execvp(3), which passes a file that the kernel cannot run, such as a
/// program for another processor, to `/bin/sh`.
struct Program {
    path: CString,
    args: Vec<CString>,
    env: Vec<CString>,
}

impl Program {
    fn new(launch: &Launch) -> io::Result<Self> {
        let path = CString::new(launch.program.as_os_str().as_bytes())?;
        let mut args = vec![path.clone()];
        for arg in &launch.args {
            args.push(CString::new(arg.as_bytes())?);
        }
        let env = launch
            .env
            .iter()
            .map(|(name, value)| CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()));
        Ok(Self { path, args, env: env.collect::<Result<_, _>>()? })
    }

    /// Returns only with an error.
    fn execute(&self) -> io::Error {
        match execve(&self.path, &self.args, &self.env) {
            Ok(never) => match never {},
            Err(error) => error.into(),
        }
    }
}

/// Protects the guard from the kernel's out-of-memory killer. Only root may do that (proc(5), `oom_score_adj`); the guard of
/// another user has no protection.
pub(super) struct Spared {
    /// The previous value, if it is known and can be changed.
    usual: Option<String>,
    now: bool,
}

impl Spared {
    const PATH: &str = "/proc/self/oom_score_adj";

    pub(super) fn new() -> Self {
        Self { usual: fs::read_to_string(Self::PATH).ok(), now: false }
    }

    pub(super) fn begin(&mut self) {
        self.now = self.usual.is_some() && fs::write(Self::PATH, "-1000").is_ok();
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.now)
            && let Some(usual) = &self.usual
        {
            // Reducing a privilege needs no privilege.
            let _ = fs::write(Self::PATH, usual.trim());
        }
    }
}
