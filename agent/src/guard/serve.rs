//! The guard's side: `rsqlflow-agent guard PROGRAM ARGS…`, with the agent's socket as stdin and the output pipe
//! as stdout. Its environment is the script's under prefixed names, its stderr a file that it keeps open for the agent: the lock of
//! the job's slot, which must not be free while the script still runs.
//!
//! No threads, no async runtime, no SDK: it should be started in a millisecond and cost nothing while it waits.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::unistd::{Pid, dup2_stdout, getpid, getppid};

use super::children::{self, Ended};
use super::message::{Lines, Order, Report, RunAs, Start};
use super::watch::{Action, Watch};
use crate::clock::BootTime;

/// The name that selects this side.
pub const COMMAND: &str = "guard";

/// What stands before each name of the script's environment in the guard's own. The guard may run as root and the
/// script may not, so `LD_PRELOAD` and the like must mean nothing to the guard.
pub(super) const SCRIPT_ENV: &str = "RSQLFLOW_SCRIPT_ENV_";

/// Runs the guard. `args` is what follows [`COMMAND`]: the program and its arguments.
///
/// The exit code tells nothing; who started the guard reads its reports.
pub fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    crate::inherited::keep_from_children();
    let Some(program) = args.next() else { return ExitCode::from(2) };
    match guard(&program, args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn guard(program: &OsString, args: impl Iterator<Item = OsString>) -> io::Result<()> {
    let mut agent = Agent { socket: UnixStream::from(own_stdin()?), lines: Lines::default(), gone: false };
    let signals = SigSet::from_iter([Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
    signals.thread_block()?;
    let signal_fd = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let timer = TimerFd::new(ClockId::CLOCK_BOOTTIME, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
    set_child_subreaper(true)?;

    let Some(start) = agent.wait_for_start()? else { return Ok(()) };
    let Some(watch) = Watch::begin(&start, BootTime::now()) else {
        agent.tell(Report::Late);
        return Ok(());
    };
    // A child inherits the mask. Should SIGTERM come in between, the guard dies and the agent sees to the rest.
    signals.thread_unblock()?;
    let spawned = spawn(program, args, &start);
    signals.thread_block()?;
    let script = match spawned {
        Ok(pid) => pid,
        Err(error) => {
            agent.tell(Report::Unstartable(error.raw_os_error().unwrap_or(Errno::EIO as i32)));
            return Ok(());
        }
    };
    agent.tell(Report::Started(script.as_raw()));
    // From now on the pipe ends when the last process of the script has closed it.
    dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    agent.socket.set_nonblocking(true)?;
    keep(watch, script, &mut agent, &signal_fd, &timer)
}

/// Its own copy of the agent's socket, which no program it starts inherits.
fn own_stdin() -> io::Result<OwnedFd> {
    io::stdin().as_fd().try_clone_to_owned()
}

fn spawn(program: &OsString, args: impl Iterator<Item = OsString>, start: &Start) -> io::Result<Pid> {
    let mut command = Command::new(program);
    // A group of its own, so that one signal reaches all of it.
    command.args(args).process_group(0).stdin(Stdio::null());
    command.env_clear().envs(script_env(std::env::vars_os()));
    command.stderr(Stdio::from(io::stdout().as_fd().try_clone_to_owned()?));
    if let Some(RunAs { user, group }) = start.run_as {
        command.uid(user).gid(group);
    }
    let guard = getpid();
    let die_with_guard = move || {
        // Forgotten when the user changes (prctl(2), PR_SET_PDEATHSIG), which here has been done.
        set_pdeathsig(Signal::SIGKILL)?;
        // The guard may have died before that.
        if getppid() == guard { Ok(()) } else { Err(Errno::ESRCH.into()) }
    };
    #[expect(unsafe_code, reason = "between fork and exec it makes two system calls and allocates nothing")]
    // SAFETY: prctl(2) and getppid(2) may be called there (signal-safety(7)); the guard has one thread.
    unsafe {
        command.pre_exec(die_with_guard);
    }
    let child = command.spawn()?;
    // The script had to be started before: it would inherit that.
    spare_me();
    i32::try_from(child.id()).map(Pid::from_raw).map_err(io::Error::other)
}

/// The script's environment in the guard's own.
fn script_env(own: impl Iterator<Item = (OsString, OsString)>) -> impl Iterator<Item = (OsString, OsString)> {
    own.filter_map(|(name, value)| {
        let name = name.as_bytes().strip_prefix(SCRIPT_ENV.as_bytes())?;
        Some((OsStr::from_bytes(name).to_owned(), value))
    })
}

/// Asks the kernel to kill anything else first when memory runs out. Only root may (proc(5), `oom_score_adj`), and a
/// guard of another user goes without.
fn spare_me() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "-1000");
}

fn keep(
    mut watch: Watch,
    script: Pid,
    agent: &mut Agent,
    signal_fd: &SignalFd,
    timer: &TimerFd,
) -> io::Result<()> {
    let mut terminated: Vec<Pid> = Vec::new();
    let mut leftovers: Vec<Pid> = Vec::new();
    let mut outlived = false;
    loop {
        // First, not after the wait: some may have come together with the start, and no poll would tell of them.
        let was_there = !agent.gone;
        for order in agent.orders() {
            watch.obey(&order, BootTime::now());
        }
        if was_there && agent.gone {
            watch.agent_gone(BootTime::now());
        }

        let reaped = children::reap();
        for ended in reaped.ended {
            match ended {
                Ended::Exited(pid, code) if pid == script => agent.tell(Report::Exited(code)),
                Ended::Signalled(pid, signal) if pid == script => agent.tell(Report::Signalled(signal)),
                Ended::Exited(pid, _) | Ended::Signalled(pid, _) => {
                    terminated.retain(|&known| known != pid);
                    continue;
                }
            }
            outlived = watch.script_ended(BootTime::now());
        }
        if !reaped.any_left {
            agent.tell(Report::Gone(u32::try_from(leftovers.len()).unwrap_or(u32::MAX)));
            return Ok(());
        }

        let now = BootTime::now();
        let was_overdue = watch.is_overdue();
        let action = watch.action(now);
        if watch.is_overdue() && !was_overdue {
            // Before the signal, so that it is read before the end that the signal brings.
            agent.tell(Report::Overdue);
        }
        let mut count = |pid: Pid| {
            if outlived && !leftovers.contains(&pid) {
                leftovers.push(pid);
            }
        };
        match action {
            Action::Nothing => {}
            Action::Terminate => {
                children::signal(Signal::SIGTERM, script, |pid| {
                    let first = !terminated.contains(&pid);
                    if first {
                        terminated.push(pid);
                        count(pid);
                    }
                    first
                });
            }
            Action::Kill => {
                children::signal(Signal::SIGKILL, script, |pid| {
                    count(pid);
                    true
                });
            }
        }

        wait(watch.wake_at(now), agent, signal_fd, timer)?;
        while let Ok(Some(signal)) = signal_fd.read_signal() {
            if signal.ssi_signo != Signal::SIGCHLD as u32 {
                watch.obey(&Order::Stop, BootTime::now());
            }
        }
    }
}

/// Waits for a signal, an order, or the moment.
fn wait(until: BootTime, agent: &Agent, signal_fd: &SignalFd, timer: &TimerFd) -> io::Result<()> {
    let nanos = until.as_nanos().max(1);
    let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
    let time = TimeSpec::new(seconds, i64::try_from(nanos % 1_000_000_000).unwrap_or(0));
    // An absolute moment is not missed when it passes before the poll, nor when the machine sleeps over it.
    timer.set(Expiration::OneShot(time), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
    let mut fds = vec![
        PollFd::new(signal_fd.as_fd(), PollFlags::POLLIN),
        PollFd::new(timer.as_fd(), PollFlags::POLLIN),
    ];
    if !agent.gone {
        fds.push(PollFd::new(agent.socket.as_fd(), PollFlags::POLLIN));
    }
    match poll(&mut fds, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The other end of the socket.
struct Agent {
    socket: UnixStream,
    lines: Lines,
    gone: bool,
}

impl Agent {
    /// Blocks until the first order. `None`: the agent went away, or wants something else.
    fn wait_for_start(&mut self) -> io::Result<Option<Start>> {
        let mut buffer = [0; Lines::LONGEST];
        loop {
            if let Some(line) = self.lines.next_line().map_err(io::Error::other)? {
                return match line.parse().map_err(io::Error::other)? {
                    Order::Start(start) => Ok(Some(start)),
                    _ => Ok(None),
                };
            }
            match self.socket.read(&mut buffer)? {
                0 => return Ok(None),
                count => self.lines.push(buffer.get(..count).unwrap_or_default()),
            }
        }
    }

    /// What has been said since the last time. Nonsense counts as the end: it cannot be relied on any more.
    fn orders(&mut self) -> Vec<Order> {
        let mut buffer = [0; Lines::LONGEST];
        while !self.gone {
            match self.socket.read(&mut buffer) {
                Ok(0) => self.gone = true,
                Ok(count) => self.lines.push(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.gone = true,
            }
        }
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

    /// A report that cannot be delivered has no reader; the socket's end says so by itself.
    fn tell(&mut self, report: Report) {
        let _ = self.socket.write_all(format!("{report}\n").as_bytes());
    }
}
