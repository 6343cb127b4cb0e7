//! `run`: detaches, starts the guard, then runs one job.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::Instrument;

use super::args::Run;
use super::detach::{Side, detach, stay};
use super::{complain, exit, runtime};
use crate::config::{AgentConfig, ConfigError};
use crate::driver::{self, Assignment, Context, Finished, NotRun, deliver};
use crate::guard::{self, Guard, serve};
use crate::inherited;
use crate::logs::clean;

/// How long a process delivers the results of other agents after its own job. The next process delivers the others.
const FLUSH: Duration = Duration::from_secs(30);

pub(super) fn main(run: Run, config: Result<AgentConfig, ConfigError>) -> ExitCode {
    inherited::close_all(None);
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            complain(&error);
            return exit::CONFIG.into();
        }
    };
    // Not checked here: the agent's own user always exists, and `run_as` is checked when the script is started.
    if config.run_as.is_some()
        && let Err(error) = crate::user::User::find(config.run_as.as_deref())
    {
        complain(&error);
        return exit::CONFIG.into();
    }
    match if run.foreground { stay(&config) } else { detach(&config) } {
        Ok(Side::Job(guard)) => in_runtime(run, config, guard),
        // By now, descriptors of the agent are closed.
        Ok(Side::Guard(agent)) => serve::main(agent),
        Ok(Side::Command) => exit::DONE.into(),
        Err(error) => {
            complain(&NotStarted(error));
            exit::NOT_STARTED.into()
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the process for the job could not be started")]
struct NotStarted(#[source] io::Error);

fn in_runtime(run: Run, config: AgentConfig, guard: guard::Process) -> ExitCode {
    match runtime() {
        Ok(runtime) => {
            let code = runtime.block_on(Box::pin(job(run, config, guard)));
            // A name lookup in another thread must not delay the end.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            complain(&NotStarted(error));
            exit::NOT_STARTED.into()
        }
    }
}

async fn job(run: Run, config: AgentConfig, guard: guard::Process) -> ExitCode {
    let mut guard = match Guard::new(guard) {
        Ok(guard) => guard,
        Err(error) => {
            complain(&NotStarted(error));
            return exit::NOT_STARTED.into();
        }
    };
    let (requests, stop) = watch::channel(0);
    let signals = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(terminate), Ok(interrupt)) => listen(terminate, interrupt, requests),
        (Err(error), _) | (_, Err(error)) => {
            complain(&NotStarted(error));
            return exit::NOT_STARTED.into();
        }
    };
    let assignment =
        Assignment { execution: run.execution_id, job: run.job_id, attempt: run.attempt, digest: run.digest };
    let span = tracing::info_span!(
        "job",
        execution = %assignment.execution,
        job = %assignment.job,
        attempt = assignment.attempt,
        pid = std::process::id()
    );
    let work = async {
        let ctx = match Context::load(config).await {
            Ok(ctx) => ctx,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "not run");
                return exit::UNAVAILABLE;
            }
        };
        let mut stopped = stop.clone();
        let mut running = Box::pin(driver::run(&ctx, &assignment, &mut guard, stop));
        // Results of dead agents are delivered at the same time as the job runs, which may take a day.
        let mut flushing = Box::pin(flush(&ctx));
        let mut flushed = false;
        let finished = loop {
            tokio::select! {
                biased;
                finished = &mut running => break finished,
                () = &mut flushing, if !flushed => flushed = true,
            }
        };
        // First, so that it is logged in any case.
        let code = report(finished);
        drop(running);
        guard.collect();
        if !flushed {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|requests| *requests > 0) => {}
                () = &mut flushing => {}
                () = sleep(FLUSH) => {}
            }
        }
        // Last, because nothing depends on it.
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

/// Counts stop signals.
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
    let config = ctx.config.clone();
    let _ = tokio::task::spawn_blocking(move || deliver::end_orphans(&config)).await;
    match deliver::flush(ctx).await {
        Ok(flushed) => {
            for (entry, delivered) in flushed.delivered {
                tracing::info!(execution = %entry.workflow_execution_id, job = %entry.job_id, ?delivered, "delivered the result of another agent");
            }
            for (path, reason) in flushed.unreadable {
                tracing::warn!(path = %path.display(), reason, "a file in the spool is not a result");
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
        Err(error @ (NotRun::NoRow | NotRun::Unguarded | NotRun::Store(_) | NotRun::Tokens(_))) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not run");
            exit::UNAVAILABLE
        }
        Err(not_run) => {
            tracing::info!(reason = %not_run, "not run");
            exit::DONE
        }
    }
}
