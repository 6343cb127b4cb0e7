//! The guard's side: with the agent's socket and nothing else of it.
//!
//! No threads, no async runtime, no SDK: it is what an agent is before it has any of these, and costs nothing while it
//! waits.

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
use super::message::{Order, Report};
use super::spawn::{Spared, spawn};
use super::watch::{Action, Watch};
use crate::clock::BootTime;
use crate::inherited;

/// The name that selects this side in a process of its own.
pub const COMMAND: &str = "guard";

/// [`main`] for a process that was started as a guard, with the agent's socket as stdin. That is for those who have
/// threads already and so cannot split: tests.
pub fn from_stdin() -> ExitCode {
    match io::stdin().as_fd().try_clone_to_owned() {
        Ok(agent) => main(agent),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Runs the guard, until the agent closes its end or is gone. Whoever calls it owns no other descriptor any more: all
/// are closed.
///
/// The exit code tells nothing; the agent reads the reports.
pub fn main(agent: OwnedFd) -> ExitCode {
    match leave_the_rest(&agent).and_then(|()| serve(Agent::new(agent))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Lets go of all that is the agent's, and of nothing that the guard needs.
fn leave_the_rest(agent: &OwnedFd) -> io::Result<()> {
    // What ps shows. A name is worth no error.
    let _ = set_name(c"rsqlflow-guard");
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    drop(null);
    inherited::close_all(Some(agent.as_fd()));
    // Otherwise it would hold on to whatever is mounted there.
    std::env::set_current_dir("/")?;
    // A signal for the agent's group is the agent's to handle.
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
    // Also while the job queues: there is no other guard.
    spared.begin();

    while let Some(Try { start, launch, output, kept }) = agent.wait_for_try(&signal_fd)? {
        let Some(watch) = Watch::begin(&start, BootTime::now()) else {
            drop((output, kept));
            agent.tell(Report::Late);
            continue;
        };
        // The lock on its directory says that the group is in use, also when the agent is gone.
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

/// Keeps the script until all its processes are gone, and answers how many outlived it and had to be ended.
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
            return Ok(u32::try_from(leftovers.len()).unwrap_or(u32::MAX));
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
        fds.push(agent.readable());
    }
    match poll(&mut fds, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
