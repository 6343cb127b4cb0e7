//! `run`: detach, then run one job.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::Instrument;

use super::args::Run;
use super::{complain, exit, log, runtime};
use crate::config::{AgentConfig, ConfigError};
use crate::driver::{self, Assignment, Context, Finished, NotRun, deliver};
use crate::inherited;
use crate::logs::clean;

/// What the detached process says once it stands on its own.
const READY: &[u8] = b"ready\n";

/// How long a process whose own job is done goes on with what others left. The next one takes the rest.
const FLUSH: Duration = Duration::from_secs(30);

pub(super) fn main(run: Run, config: Result<AgentConfig, ConfigError>, file: Option<&Path>) -> ExitCode {
    inherited::keep_from_children();
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            complain(&error);
            return exit::CONFIG.into();
        }
    };
    if let Err(error) = crate::user::User::find(config.run_as.as_deref()) {
        complain(&error);
        return exit::CONFIG.into();
    }
    if run.foreground {
        log::start(config.log_level, None);
        return in_runtime(run, config);
    }
    let done = if run.detached { stand_alone(&config) } else { detach(&run, &config, file) };
    match done {
        Ok(()) if run.detached => in_runtime(run, config),
        Ok(()) => exit::DONE.into(),
        Err(error) => {
            complain(&NotStarted(error));
            exit::NOT_STARTED.into()
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the process that was to run the job could not be started")]
struct NotStarted(#[source] io::Error);

/// Starts this binary again and waits until it has left our session. Only then may we exit: SSM ends what is left
/// of a command's process group.
fn detach(run: &Run, config: &AgentConfig, file: Option<&Path>) -> io::Result<()> {
    let (mut ready, theirs) = io::pipe()?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("rsqlflow-agent")
        .arg("run")
        .args(["--execution-id", run.execution_id.as_str()])
        .args(["--job-id", &run.job_id.to_string()])
        .args(["--attempt", &run.attempt.to_string()])
        .arg("--detached");
    if let Some(file) = file {
        command.arg("--config").arg(std::path::absolute(file)?);
    }
    // What it says before it has its own log, and a panic at any time.
    let errors = log::open(&config.log_dir).map_or_else(|_| Stdio::null(), Stdio::from);
    command.current_dir("/").stdin(Stdio::null()).stdout(theirs).stderr(errors);
    let child = command.spawn()?;
    // The pipe's other end, which would keep it open.
    drop(command);
    let mut said = Vec::new();
    ready.read_to_end(&mut said)?;
    if said == READY {
        tracing::debug!(pid = child.id(), "detached");
        Ok(())
    } else {
        Err(io::Error::other(format!("it ended at once; see {}", log::path(&config.log_dir).display())))
    }
}

/// Leaves the session, and tells the one who waits for that.
fn stand_alone(config: &AgentConfig) -> io::Result<()> {
    nix::unistd::setsid()?;
    match log::open(&config.log_dir) {
        Ok(file) => log::start(config.log_level, Some(file)),
        // A full disk costs the log and not the job.
        Err(_) => log::start(config.log_level, None),
    }
    io::stdout().write_all(READY)?;
    nix::unistd::dup2_stdout(std::fs::File::options().write(true).open("/dev/null")?)?;
    Ok(())
}

fn in_runtime(run: Run, config: AgentConfig) -> ExitCode {
    match runtime() {
        Ok(runtime) => {
            let code = runtime.block_on(Box::pin(job(run, config)));
            // A name that is still being resolved in a thread of its own must not keep us.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            complain(&NotStarted(error));
            exit::NOT_STARTED.into()
        }
    }
}

async fn job(run: Run, config: AgentConfig) -> ExitCode {
    let (requests, stop) = watch::channel(0);
    let signals = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(terminate), Ok(interrupt)) => listen(terminate, interrupt, requests),
        (Err(error), _) | (_, Err(error)) => {
            complain(&NotStarted(error));
            return exit::NOT_STARTED.into();
        }
    };
    let assignment = Assignment { execution: run.execution_id, job: run.job_id, attempt: run.attempt };
    let span = tracing::info_span!(
        "job",
        execution = %assignment.execution,
        job = %assignment.job,
        attempt = assignment.attempt,
        pid = std::process::id()
    );
    let work = async {
        let ctx = Context::load(config).await;
        let mut stopped = stop.clone();
        let mut running = Box::pin(driver::run(&ctx, &assignment, stop));
        // What dead agents left is delivered beside the job, which may take a day.
        let mut flushing = Box::pin(flush(&ctx));
        let mut flushed = false;
        let finished = loop {
            tokio::select! {
                biased;
                finished = &mut running => break finished,
                () = &mut flushing, if !flushed => flushed = true,
            }
        };
        // First, so that it is in the log whatever comes of the rest.
        let code = report(finished);
        if !flushed {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|requests| *requests > 0) => {}
                () = &mut flushing => {}
                () = sleep(FLUSH) => {}
            }
        }
        // Last: nobody waits for it.
        if *stopped.borrow() == 0 {
            clean_logs(&ctx.config);
        }
        code
    };
    tokio::pin!(signals);
    let work = Box::pin(work.instrument(span));
    tokio::select! {
        code = work => code.into(),
        never = signals => match never {},
    }
}

/// Counts requests to stop.
async fn listen(
    mut terminate: Signal,
    mut interrupt: Signal,
    requests: watch::Sender<u32>,
) -> std::convert::Infallible {
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        requests.send_modify(|count| *count += 1);
    }
}

async fn flush(ctx: &Context) {
    match deliver::flush(ctx).await {
        Ok(flushed) => {
            for (entry, delivered) in flushed.delivered {
                tracing::info!(execution = %entry.workflow_execution_id, job = %entry.job_id, ?delivered, "delivered what another agent had left");
            }
            for (path, reason) in flushed.unreadable {
                tracing::warn!(path = %path.display(), reason, "this file in the spool is no result");
            }
        }
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the spool cannot be read"),
    }
}

fn clean_logs(config: &AgentConfig) {
    if let Some(cleaned) = clean::clean(&config.log_dir, config.log_retention, SystemTime::now())
        && cleaned.logs > 0
    {
        tracing::info!(logs = cleaned.logs, bytes = cleaned.bytes, "removed old local logs");
    }
}

fn report(finished: Result<Finished, NotRun>) -> exit::Exit {
    match finished {
        Ok(Finished::Reported(outcome, delivered)) => {
            let message = outcome.error_message.as_deref().unwrap_or_default();
            tracing::info!(status = %outcome.status, ?delivered, message, "done");
            exit::DONE
        }
        Ok(Finished::Fenced) => exit::DONE,
        Ok(Finished::Undelivered(outcome, error)) => {
            tracing::error!(status = %outcome.status, error = &error as &dyn std::error::Error, "the result could not be delivered");
            exit::UNDELIVERED
        }
        Err(error @ (NotRun::NoRow | NotRun::Store(_) | NotRun::Tokens(_))) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not run");
            exit::UNAVAILABLE
        }
        Err(not_run) => {
            tracing::info!(reason = %not_run, "not run");
            exit::DONE
        }
    }
}
