//! Follows a run until it ends, and handles the operator's interrupts.

use std::time::Duration;

use anyhow::Context;
use rsqlflow_core::plan::Plan;
use rsqlflow_core::{CANCEL_POLL, ExecutionId, WorkflowStatus};

use crate::backend::Backend;
use crate::failure::{Failure, exit};
use crate::input::confirm::{answer, can_ask};
use crate::input::signals::{Signal, Signals};
use crate::output::Printer;
use crate::runs::job_output;
use crate::runs::live::Live;
use crate::runs::outage::{self, Steady};
use crate::runs::report;
use crate::runs::rows;

/// The operator's decision after an interrupt.
enum Decision {
    Cancel,
    Detach,
    Stay,
}

/// Follows a run, reports it, and sets the exit code by whether it completed. After an interrupt on a terminal, it asks
/// whether to cancel the run or to detach, and a second interrupt detaches. Without a terminal, an interrupt detaches,
/// unless the run executes in this process: then it is cancelled.
///
/// # Errors
/// The tables cannot be read for some time, or the run does not exist.
pub(crate) async fn follow(
    backend: &Backend,
    id: &ExecutionId,
    signals: &mut Signals,
    printer: Printer,
) -> Result<u8, Failure> {
    let mut steady = Steady::following(backend, id);
    let plan = tokio::select! {
        plan = steady.read(|line| printer.notice(line), async || plan_of(backend, id).await) => plan?,
        gone = backend.gone() => return Err(gone),
        // A run in this process is not detached here. The loop below handles the signal and can cancel the run.
        _ = signals.next(), if !backend.is_served_here() => {
            printer.notice(&detached(backend, id));
            return Ok(exit::INTERRUPTED);
        }
    };
    let mut by = Signal::Interrupt;
    let run = {
        let live = Live::new(id, &plan, printer);
        let mut run = std::pin::pin!(outage::until_closed(&backend.store, id, steady, &live));
        loop {
            let signal = tokio::select! {
                run = &mut run => break Some(run?),
                gone = backend.gone() => return Err(gone),
                signal = signals.next() => signal,
            };
            by = signal;
            live.pause();
            let decision = tokio::select! {
                decision = decide(backend, id, signal, printer) => decision,
                _ = signals.next() => {
                    printer.notice("");
                    Decision::Detach
                }
                run = &mut run => break Some(run?),
            };
            match decision {
                Decision::Stay => live.resume(),
                Decision::Detach => {
                    printer.notice(&detached(backend, id));
                    return Ok(exit::INTERRUPTED);
                }
                Decision::Cancel => break None,
            }
        }
    };
    let Some(run) = run else {
        cancel(backend, id, &plan, by, signals, printer).await?;
        return Ok(exit::INTERRUPTED);
    };
    let tails = job_output::tails(&aws_sdk_cloudwatchlogs::Client::new(&backend.reading), &run.jobs).await;
    report::run(printer, &run, &plan, &tails);
    Ok(match run.workflow.execution_status {
        WorkflowStatus::Completed => exit::OK,
        _ => {
            printer.progress(&format!(
                "hint: run `rsqlflow restart {id}` to run the jobs that did not complete"
            ));
            exit::NOT_COMPLETED
        }
    })
}

async fn decide(backend: &Backend, id: &ExecutionId, signal: Signal, printer: Printer) -> Decision {
    if signal != Signal::Interrupt || !can_ask(printer) {
        return if backend.is_served_here() { Decision::Cancel } else { Decision::Detach };
    }
    printer.ask(&format!(
        "\n[c]ancel {id}, [d]etach and leave it {}, or continue watching? (Ctrl-C again detaches) ",
        if backend.is_served_here() { "interrupted" } else { "running" }
    ));
    match answer().await.trim() {
        "c" | "cancel" => Decision::Cancel,
        "d" | "detach" => Decision::Detach,
        _ => Decision::Stay,
    }
}

fn detached(backend: &Backend, id: &ExecutionId) -> String {
    if backend.is_served_here() {
        format!(
            "detached: {id} continues with the next `rsqlflow run` or `rsqlflow local` on this state directory; scripts whose \
             leases expire before that are stopped"
        )
    } else {
        format!(
            "detached: {id} continues\nhint: run `rsqlflow watch {id}` to follow it again, or `rsqlflow cancel {id}` to cancel it"
        )
    }
}

/// The plan of a run.
///
/// # Errors
/// The plan cannot be read.
pub(crate) async fn plan_of(backend: &Backend, id: &ExecutionId) -> Result<Plan, Failure> {
    let Some(snapshot) = backend.store.jobs().get_snapshot(id).await? else {
        return Err(rows::no_such_run(id));
    };
    Plan::from_snapshot(&snapshot)
        .map_err(|problems| Failure::Workflow { what: format!("the plan of {id}"), problems })
}

/// Stops the master execution, as in the console, and waits until every row is closed. `false` if the operator stopped
/// waiting.
///
/// # Errors
/// The execution cannot be stopped, or the tables cannot be read.
pub(crate) async fn cancel(
    backend: &Backend,
    id: &ExecutionId,
    plan: &Plan,
    by: Signal,
    signals: &mut Signals,
    printer: Printer,
) -> Result<bool, Failure> {
    let times = CancelTimes::of(plan);
    printer.notice(&format!("cancelling {id}: {times} (Ctrl-C stops waiting)"));
    let report_detached = || {
        let served = if backend.is_served_here() {
            "; the next `rsqlflow run` or `rsqlflow local` on this state directory closes the run"
        } else {
            ""
        };
        printer.notice(&format!(
            "detached: scripts that still run are stopped within {} s{served}",
            times.heartbeat
        ));
    };
    tokio::select! {
        stopped = stop(backend, id, by) => stopped?,
        _ = signals.next() => {
            printer.notice("detached: the cancel request was not answered");
            return Ok(false);
        }
    }
    // The state that was shown before the cancellation is not shown again.
    let live = Live::new(id, plan, printer.silent());
    tokio::select! {
        run = outage::until_closed(&backend.store, id, Steady::cancelling(backend, id), &live) => {
            report::run(printer, &run?, plan, &[]);
            Ok(true)
        }
        _ = signals.next() => {
            report_detached();
            Ok(false)
        }
        // On a full disk, no row can be closed.
        () = tokio::time::sleep(times.longest()), if backend.is_served_here() => {
            printer.notice(&format!("{id} could not be closed within {} s", times.longest().as_secs()));
            report_detached();
            Ok(false)
        }
    }
}

/// Stops the master execution of a run.
///
/// # Errors
/// The run has no execution, or Step Functions refuses.
pub(crate) async fn stop(backend: &Backend, id: &ExecutionId, by: Signal) -> Result<(), Failure> {
    let row = backend.store.workflows().get(id).await?.ok_or_else(|| rows::no_such_run(id))?;
    let arn = row
        .state_machine_execution_arn
        .with_context(|| format!("the row of {id} does not name its execution"))?;
    let stopped = aws_sdk_sfn::Client::new(&backend.sdk)
        .stop_execution()
        .execution_arn(&arn)
        .error("Cancelled")
        .cause(by.cause())
        .send()
        .await;
    match stopped {
        Ok(_) => Ok(()),
        Err(e) if e.as_service_error().is_some_and(|e| e.is_execution_does_not_exist()) => {
            Err(Failure::environment(
                anyhow::anyhow!("{id} has no execution: its start was interrupted, or it ended long ago"),
                "run `rsqlflow sweep` to close such runs",
            ))
        }
        Err(error) => Err(Failure::of_sdk(&error, format!("cannot stop the execution of {id}"))),
    }
}

/// Seconds within which a working agent is notified of a cancel: it polls at this interval, and each renewal reports it.
pub(crate) fn notified_within(heartbeat: u32) -> u64 {
    u64::from(heartbeat.div_ceil(3)).min(CANCEL_POLL.as_secs())
}

/// How long the cancellation of a run may take.
pub(crate) struct CancelTimes {
    /// The longest heartbeat of its jobs, in seconds.
    pub heartbeat: u32,
    grace: u64,
}

impl CancelTimes {
    /// The longest time until the run is closed.
    fn longest(&self) -> Duration {
        // Three heartbeats until the rows of a job without an agent are closed (docs/once.md), and a margin.
        Duration::from_secs(3 * u64::from(self.heartbeat) + self.grace + 30)
    }

    /// The maximum of all jobs of a plan.
    #[must_use]
    pub(crate) fn of(plan: &Plan) -> Self {
        let heartbeat = plan.jobs().map(|(_, job)| job.heartbeat.get()).max().unwrap_or(0);
        Self { heartbeat, grace: plan.timing.stop_grace.as_secs() }
    }
}

impl std::fmt::Display for CancelTimes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "an agent is notified within {} s and gives its script {} s to end; if its instance is gone, it takes {} s",
            notified_within(self.heartbeat),
            self.grace,
            self.heartbeat
        )
    }
}
