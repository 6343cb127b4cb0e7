//! The guard's side, with the agent's socket as its only resource.
//!
//! No threads, no async runtime, no SDK, so it needs few resources while it waits.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_child_subreaper, set_name};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, setpgid};

use super::agent::{Agent, Try};
use super::children::{self, Ended};
use super::message::{GuardCommand, Report};
use super::spawn::{Spared, spawn};
use super::watch::{Action, Watch};
use crate::clock::BootTime;
use crate::inherited;

/// The argument that starts this side in a separate process.
pub const COMMAND: &str = "guard";

/// [`main`] for a process that was started as a guard, with the agent's socket as stdin. For tests, which have threads and
/// cannot fork.
pub fn from_stdin() -> ExitCode {
    match io::stdin().as_fd().try_clone_to_owned() {
        Ok(agent) => main(agent),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Runs the guard until the agent closes its end or has ended. The caller must own no other descriptor, because all are
/// closed.
///
/// The exit code has no meaning. The agent reads the reports.
pub fn main(agent: OwnedFd) -> ExitCode {
    match leave_the_rest(&agent).and_then(|()| serve(Agent::new(agent))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Closes all resources of the agent.
fn leave_the_rest(agent: &OwnedFd) -> io::Result<()> {
    // The name in ps. Errors are ignored.
    let _ = set_name(c"rsqlflow-guard");
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    drop(null);
    inherited::close_all(Some(agent.as_fd()));
    // Otherwise it would keep a mounted file system busy.
    std::env::set_current_dir("/")?;
    // Signals for the agent's group are handled by the agent.
    setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    Ok(())
}

fn serve(mut agent: Agent) -> io::Result<()> {
    let signals = SigSet::from_iter([Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
    signals.thread_block()?;
    let signal_fd = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let timer = TimerFd::new(ClockId::CLOCK_BOOTTIME, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
    set_child_subreaper(true)?;
    let mut spared = Spared::new();
    // A queued job needs this too: no other guard watches its agent.
    spared.begin();

    while let Some(Try { start, launch, output, kept }) = agent.wait_for_try(&signal_fd)? {
        let Some(watch) = Watch::begin(&start, BootTime::now()) else {
            drop((output, kept));
            agent.tell(Report::Late);
            continue;
        };
        // The lock on its directory marks the group as in use, also after the agent has ended.
        let group = launch.cgroup.as_deref().and_then(|path| File::open(path).ok());
        let held = group.as_ref().is_some_and(|group| group.try_lock_shared().is_ok());
        debug_assert!(held || group.is_none());
        let script = match spawn(launch, output, &start, &mut spared, signals) {
            Ok(pid) => pid,
            Err(error) => {
                drop(kept);
                agent.tell(Report::Unstartable(error.raw_os_error().unwrap_or(Errno::EIO as i32)));
                continue;
            }
        };
        agent.tell(Report::Started(script.as_raw()));
        let leftovers = keep(watch, script, &mut agent, &signal_fd, &timer)?;
        drop((kept, group));
        agent.tell(Report::Gone(leftovers));
    }
    Ok(())
}

/// Watches the script until all its processes have ended. Returns how many outlived it and were ended.
fn keep(
    mut watch: Watch,
    script: Pid,
    agent: &mut Agent,
    signal_fd: &SignalFd,
    timer: &TimerFd,
) -> io::Result<u32> {
    let mut terminated: Vec<Pid> = Vec::new();
    let mut leftovers: Vec<Pid> = Vec::new();
    let mut outlived = false;
    loop {
        // Before the wait: commands may have arrived with the start, without a poll event.
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
            return Ok(u32::try_from(leftovers.len()).unwrap_or(u32::MAX));
        }

        let now = BootTime::now();
        let was_overdue = watch.is_overdue();
        let action = watch.action(now);
        if watch.is_overdue() && !was_overdue {
            // Before the signal, so that it is read before the end that the signal causes.
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
                watch.obey(&GuardCommand::Stop, BootTime::now());
            }
        }
    }
}

/// Waits for a signal, a command, or a time.
fn wait(until: BootTime, agent: &Agent, signal_fd: &SignalFd, timer: &TimerFd) -> io::Result<()> {
    let nanos = until.as_nanos().max(1);
    let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
    let time = TimeSpec::new(seconds, i64::try_from(nanos % 1_000_000_000).unwrap_or(0));
    // An absolute time is not missed if it passes before the poll, or while the machine is suspended.
    timer.set(Expiration::OneShot(time), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
    let mut fds = vec![
        PollFd::new(signal_fd.as_fd(), PollFlags::POLLIN),
        PollFd::new(timer.as_fd(), PollFlags::POLLIN),
    ];
    if !agent.gone {
        fds.push(agent.readable());
    }
    match poll(&mut fds, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
