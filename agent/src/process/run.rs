//! One try of one script, through its guard.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::exit::{Exit, NeverStarted, StopReason, TryEnd};
use crate::guard::{Guard, GuardCommand, Launch, NoTry, Report, Start, children};
use crate::lease::Deadline;

/// Commands of the lease's keeper for the running try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The lease was renewed.
    Extend(Deadline),
    /// The script must be stopped.
    Stop(StopReason),
}

/// Data of one try.
#[derive(Debug)]
pub struct Supervisor<'a> {
    /// The guard.
    pub guard: &'a mut Guard,
    /// The script.
    pub launch: &'a Launch,
    /// Deadline, grace period and so on.
    pub start: Start,
    /// The job's `timeout`.
    pub timeout: Duration,
    /// A file that stays open until the script has ended.
    pub kept: Option<BorrowedFd<'a>>,
}

/// How long the pipe may stay open after all descendants have ended: another process keeps it open.
const DRAIN: Duration = Duration::from_secs(1);

/// How long processes may take to end after SIGKILL. After that they are blocked in the kernel, for example by a disk or
/// network file system that does not answer, and the try ends without them.
const STUCK: Duration = Duration::from_secs(15);

/// Bytes read from the pipe in one call: the capacity of a pipe (pipe(7)).
const PIPE: usize = 64 * 1024;

impl<'a> Supervisor<'a> {
    /// Runs the script until it ends. `output` gets its bytes as they arrive, standard output and error in one stream.
    pub async fn run(
        self,
        control: &mut mpsc::UnboundedReceiver<Control>,
        output: &mut (dyn FnMut(&[u8]) + '_),
    ) -> TryEnd {
        // The time limit from a stop request, or from the script's own end, until all processes have ended.
        let stop_bound = self.start.linger + self.start.grace + STUCK;
        let timeout = sleep(self.timeout);
        let mut run = match self.begin() {
            Ok(run) => run,
            Err(error) => {
                return TryEnd {
                    exit: Exit::NeverStarted(NeverStarted::Refused(error.to_string())),
                    stopped: None,
                    asked: None,
                    leftovers: 0,
                    output_ended: true,
                };
            }
        };
        tokio::pin!(timeout);
        let (mut timed_out, mut kept) = (false, true);
        let mut buffer = vec![0; PIPE];
        while !run.is_over() {
            let bound = run.bound;
            tokio::select! {
                // A stop request has priority over output.
                biased;
                order = control.recv(), if kept => match order {
                    Some(Control::Extend(deadline)) => run.guard.order(&GuardCommand::Extend(deadline)),
                    Some(Control::Stop(reason)) => run.stop(reason, stop_bound),
                    // The keeper of the lease has ended. The guard's deadline still applies.
                    None => {
                        kept = false;
                        if !run.asked.contains(&StopReason::Fenced) {
                            run.stop(StopReason::Fenced, stop_bound);
                        }
                    }
                },
                report = run.guard.next_report(), if !run.guard_done => {
                    run.reported(report, stop_bound).await;
                }
                () = &mut timeout, if !timed_out => {
                    timed_out = true;
                    if run.exit.is_none() {
                        run.stop(StopReason::TimedOut, stop_bound);
                    }
                }
                () = sleep_until(bound.unwrap_or_else(far_away)), if bound.is_some() => run.out_of_time().await,
                read = run.pipe.read(&mut buffer), if !run.output_ended => match read {
                    Ok(0) | Err(_) => run.output_ended = true,
                    Ok(count) => output(buffer.get(..count).unwrap_or_default()),
                },
            }
        }
        run.finish()
    }

    fn begin(self) -> Result<Run<'a>, NoTry> {
        // If the guard is killed, its children become children of this process.
        nix::sys::prctl::set_child_subreaper(true).map_err(io::Error::from)?;
        let (read, write) = io::pipe()?;
        let pipe = pipe::Receiver::from_owned_fd(OwnedFd::from(read))?;
        let kept = self.kept.map(|file| file.as_fd().try_clone_to_owned()).transpose()?;
        self.guard.start(self.launch, &self.start, OwnedFd::from(write), kept)?;
        Ok(Run {
            guard: self.guard,
            guard_done: false,
            script: None,
            pipe,
            output_ended: false,
            exit: None,
            leftovers: None,
            stopped: None,
            asked: Vec::new(),
            bound: None,
            given_up: false,
        })
    }
}

fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(86_400)
}

struct Run<'a> {
    guard: &'a mut Guard,
    /// Whether it reported the end, or has ended itself.
    guard_done: bool,
    script: Option<Pid>,
    pipe: pipe::Receiver,
    output_ended: bool,
    exit: Option<Exit>,
    /// Known after all processes have ended.
    leftovers: Option<u32>,
    stopped: Option<StopReason>,
    /// Every stop request, also after the script's own end.
    asked: Vec<StopReason>,
    bound: Option<Instant>,
    given_up: bool,
}

impl Run<'_> {
    fn is_over(&self) -> bool {
        self.given_up || (self.guard_done && self.output_ended)
    }

    async fn reported(&mut self, report: Option<Report>, bound: Duration) {
        let last = report.is_none_or(|report| report.is_last());
        match report {
            Some(Report::Started(pid)) => self.script = Some(Pid::from_raw(pid)),
            Some(Report::Late) => self.ended(Exit::NeverStarted(NeverStarted::Late), bound),
            Some(Report::Unstartable(errno)) => {
                self.ended(Exit::NeverStarted(NeverStarted::Unstartable(errno)), bound);
            }
            Some(Report::Overdue) => self.stopped = Some(StopReason::Fenced),
            Some(Report::Exited(code)) => self.ended(Exit::Code(code), bound),
            Some(Report::Signalled(signal)) => self.ended(Exit::Signal(signal), bound),
            Some(Report::Gone(leftovers)) => self.leftovers = Some(leftovers),
            // The guard was killed. Its children now belong to this process.
            None => self.take_over().await,
        }
        if last {
            self.guard_done = true;
            self.bound = Some(Instant::now() + DRAIN);
        }
    }

    /// The guard, or the output, did not end in time.
    async fn out_of_time(&mut self) {
        if self.guard_done {
            self.given_up = true;
            return;
        }
        // A stopped or stuck guard would continue with its script although the row says that it ended.
        tracing::warn!("the guard does not end and is killed");
        self.take_over().await;
        self.guard_done = !self.given_up;
        self.bound = Some(Instant::now() + DRAIN);
    }

    /// Ends the guard's children, and the guard if it is still running.
    async fn take_over(&mut self) {
        let (ended, all_gone) = end_all_children(self.script, self.guard).await;
        self.leftovers = Some(ended);
        if !all_gone {
            // With a result, others could start the job again while these processes run.
            tracing::error!("processes of the script cannot be killed; nothing is reported");
            self.stopped = Some(StopReason::Fenced);
            self.given_up = true;
        }
    }

    fn ended(&mut self, exit: Exit, bound: Duration) {
        self.exit.get_or_insert(exit);
        self.bound.get_or_insert(Instant::now() + bound);
    }

    fn stop(&mut self, reason: StopReason, bound: Duration) {
        // A repeated request kills at once. A first request of another kind does not.
        let again = self.asked.contains(&reason);
        self.asked.push(reason);
        if self.exit.is_none() {
            // The first reason counts, but a fenced try must report nothing.
            if reason == StopReason::Fenced {
                self.stopped = Some(reason);
            }
            self.stopped.get_or_insert(reason);
        }
        self.guard.order(if again { &GuardCommand::Kill } else { &GuardCommand::Stop });
        self.bound.get_or_insert(Instant::now() + bound);
    }

    fn finish(self) -> TryEnd {
        let fenced = self.asked.contains(&StopReason::Fenced).then_some(StopReason::Fenced);
        TryEnd {
            exit: self.exit.unwrap_or(Exit::Unknown),
            stopped: self.stopped,
            asked: fenced.or(self.asked.last().copied()),
            leftovers: self.leftovers.unwrap_or(0),
            output_ended: self.output_ended,
        }
    }
}

/// Kills every child of this process until none is left. Returns their number without the guard, and whether all have ended.
/// An agent has only children of its job. The guard is killed first: it is a subreaper, so its children belong to it until it
/// has ended.
async fn end_all_children(script: Option<Pid>, guard: &mut Guard) -> (u32, bool) {
    let started = Instant::now();
    let group = script.unwrap_or(Pid::from_raw(i32::MAX));
    let mut seen: Vec<Pid> = Vec::new();
    // It was not reaped, so its id was not reused.
    guard.kill();
    let all_gone = loop {
        children::signal(Signal::SIGKILL, group, |pid| {
            if pid != guard.id() && !seen.contains(&pid) {
                seen.push(pid);
            }
            true
        });
        if !children::reap().any_left {
            break true;
        }
        if started.elapsed() >= STUCK {
            break false;
        }
        sleep(Duration::from_millis(5)).await;
    };
    (u32::try_from(seen.len()).unwrap_or(u32::MAX), all_gone)
}
