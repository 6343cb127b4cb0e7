//! Starting the script.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getpid, getppid};

use super::launch::Launch;
use super::message::{RunAs, Start};

/// Starts the script. It writes to `output`, of which nothing stays open here: the pipe ends when the last process of
/// the script has closed it.
pub(super) fn spawn(
    launch: Launch,
    output: OwnedFd,
    start: &Start,
    spared: &mut Spared,
    blocked: SigSet,
) -> io::Result<Pid> {
    let Launch { program, args, env, directory } = launch;
    let mut command = Command::new(program);
    // A group of its own, so that one signal reaches all of it.
    command.args(args).env_clear().envs(env).current_dir(directory).process_group(0).stdin(Stdio::null());
    command.stderr(output.try_clone()?).stdout(output);
    if let Some(RunAs { user, group }) = start.run_as {
        command.uid(user).gid(group);
    }
    let guard = getpid();
    let die_with_guard = move || {
        // Inherited like all that is blocked; the guard itself takes signals only where it reads them.
        blocked.thread_unblock()?;
        // Forgotten when the user changes (prctl(2), PR_SET_PDEATHSIG), which here has been done.
        set_pdeathsig(Signal::SIGKILL)?;
        // The guard may have died before that.
        if getppid() == guard { Ok(()) } else { Err(Errno::ESRCH.into()) }
    };
    #[expect(unsafe_code, reason = "between fork and exec it makes three system calls and allocates nothing")]
    // SAFETY: pthread_sigmask(3), prctl(2) and getppid(2) may be called there (signal-safety(7)); the guard has one
    // thread.
    unsafe {
        command.pre_exec(die_with_guard);
    }
    // The script would inherit it.
    spared.end();
    let child = command.spawn();
    spared.begin();
    let child = child?;
    i32::try_from(child.id()).map(Pid::from_raw).map_err(io::Error::other)
}

/// Whether the kernel is asked to kill anything else first when memory runs out. Only root may ask for that (proc(5),
/// `oom_score_adj`), and a guard of another user goes without.
pub(super) struct Spared {
    /// What it was before, if that is known and may be changed.
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
            // To give up a privilege needs none.
            let _ = fs::write(Self::PATH, usual.trim());
        }
    }
}
