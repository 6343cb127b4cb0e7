//! Follows a run to its end, and what happens when the operator wants to go.

use std::time::Duration;

use anyhow::Context;
use rsqlflow_core::plan::Plan;
use rsqlflow_core::{CANCEL_POLL, ExecutionId, WorkflowStatus};

use crate::failure::{Failure, exit};
use crate::input::confirm::{answer, can_ask};
use crate::input::signals::{Signal, Signals};
use crate::output::Printer;
use crate::place::Place;
use crate::runs::job_output;
use crate::runs::live::Live;
use crate::runs::outage::{self, Steady};
use crate::runs::report;
use crate::runs::rows;

/// What the operator wants who interrupts.
enum Decision {
    Cancel,
    Detach,
    Stay,
}

/// Follows a run, reports it, and says by the exit code whether it completed. Interrupted on a terminal it asks
/// whether to cancel the run or to leave it, and a second interrupt leaves at once. Elsewhere an interrupt leaves the
/// run alone, unless it runs in this process: then it is cancelled.
///
/// # Errors
/// Where the tables cannot be read for long, or there is no such run.
pub(crate) async fn follow(
    place: &Place,
    id: &ExecutionId,
    signals: &mut Signals,
    printer: Printer,
) -> Result<u8, Failure> {
    let mut steady = Steady::following(place, id);
    let plan = tokio::select! {
        plan = steady.read(|line| printer.notice(line), async || plan_of(place, id).await) => plan?,
        gone = place.gone() => return Err(gone),
        // What this process serves is not waited for, and the signal is heard below, where the run can be cancelled.
        _ = signals.next(), if !place.is_served_here() => {
            printer.notice(&left(place, id));
            return Ok(exit::INTERRUPTED);
        }
    };
    let mut by = Signal::Interrupt;
    let run = {
        let live = Live::new(id, &plan, printer);
        let mut run = std::pin::pin!(outage::until_closed(&place.store, id, steady, &live));
        loop {
            let signal = tokio::select! {
                run = &mut run => break Some(run?),
                gone = place.gone() => return Err(gone),
                signal = signals.next() => signal,
            };
            by = signal;
            live.pause();
            let decision = tokio::select! {
                decision = decide(place, id, signal, printer) => decision,
                _ = signals.next() => {
                    printer.notice("");
                    Decision::Detach
                }
                run = &mut run => break Some(run?),
            };
            match decision {
                Decision::Stay => live.resume(),
                Decision::Detach => {
                    printer.notice(&left(place, id));
                    return Ok(exit::INTERRUPTED);
                }
                Decision::Cancel => break None,
            }
        }
    };
    let Some(run) = run else {
        cancel(place, id, &plan, by, signals, printer).await?;
        return Ok(exit::INTERRUPTED);
    };
    let tails = job_output::tails(&aws_sdk_cloudwatchlogs::Client::new(&place.reading), &run.jobs).await;
    report::run(printer, &run, &plan, &tails);
    Ok(match run.workflow.execution_status {
        WorkflowStatus::Completed => exit::OK,
        _ => {
            printer
                .progress(&format!("hint: run \"rsqlflow restart {id}\" to run again what did not complete"));
            exit::NOT_COMPLETED
        }
    })
}

async fn decide(place: &Place, id: &ExecutionId, signal: Signal, printer: Printer) -> Decision {
    if signal != Signal::Interrupt || !can_ask(printer) {
        return if place.is_served_here() { Decision::Cancel } else { Decision::Detach };
    }
    printer.ask(&format!(
        "\n[c]ancel {id}, [d]etach and leave it {}, or go on watching? (Ctrl-C again detaches) ",
        if place.is_served_here() { "interrupted" } else { "running" }
    ));
    match answer().await.trim() {
        "c" | "cancel" => Decision::Cancel,
        "d" | "detach" => Decision::Detach,
        _ => Decision::Stay,
    }
}

fn left(place: &Place, id: &ExecutionId) -> String {
    if place.is_served_here() {
        format!(
            "left: {id} goes on with the next `rsqlflow run` or `local` on this state directory; scripts whose \
             leases end before that are stopped"
        )
    } else {
        format!("left: {id} goes on; `rsqlflow watch {id}` follows it again, `rsqlflow cancel {id}` ends it")
    }
}

/// The plan of a run.
///
/// # Errors
/// Where it cannot be read.
pub(crate) async fn plan_of(place: &Place, id: &ExecutionId) -> Result<Plan, Failure> {
    let Some(snapshot) = place.store.jobs().get_snapshot(id).await? else {
        return Err(rows::no_such_run(id));
    };
    Plan::from_snapshot(&snapshot)
        .map_err(|problems| Failure::Workflow { what: format!("the plan of {id}"), problems })
}

/// Stops the master execution, as a person would in the console, and waits until every row is closed. `false` if the
/// operator did not wait for it.
///
/// # Errors
/// Where it cannot be stopped, or the tables cannot be read.
pub(crate) async fn cancel(
    place: &Place,
    id: &ExecutionId,
    plan: &Plan,
    by: Signal,
    signals: &mut Signals,
    printer: Printer,
) -> Result<bool, Failure> {
    let times = Patience::of(plan);
    printer.notice(&format!("cancelling {id}: {times} (Ctrl-C to leave at once)"));
    let left = || {
        let served = if place.is_served_here() {
            "; the next `rsqlflow run` or `rsqlflow local` on this state directory closes the run"
        } else {
            ""
        };
        printer.notice(&format!(
            "left: scripts that still run are stopped within {} s{served}",
            times.heartbeat
        ));
    };
    tokio::select! {
        stopped = stop(place, id, by) => stopped?,
        _ = signals.next() => {
            printer.notice("left: the request to cancel was not answered");
            return Ok(false);
        }
    }
    // What was shown before is not shown again.
    let live = Live::new(id, plan, printer.silent());
    tokio::select! {
        run = outage::until_closed(&place.store, id, Steady::cancelling(place, id), &live) => {
            report::run(printer, &run?, plan, &[]);
            Ok(true)
        }
        _ = signals.next() => {
            left();
            Ok(false)
        }
        // A full disk: no row can be closed there.
        () = tokio::time::sleep(times.longest()), if place.is_served_here() => {
            printer.notice(&format!("{id} could not be closed within {} s", times.longest().as_secs()));
            left();
            Ok(false)
        }
    }
}

/// Stops the master execution of a run.
///
/// # Errors
/// Where there is none to stop, or Step Functions refuses.
pub(crate) async fn stop(place: &Place, id: &ExecutionId, by: Signal) -> Result<(), Failure> {
    let row = place.store.workflows().get(id).await?.ok_or_else(|| rows::no_such_run(id))?;
    let arn = row
        .state_machine_execution_arn
        .with_context(|| format!("the row of {id} does not name its execution"))?;
    let stopped = aws_sdk_sfn::Client::new(&place.sdk)
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
                anyhow::anyhow!("{id} has no execution: its start was cut off, or ended long ago"),
                "`rsqlflow sweep` closes such runs",
            ))
        }
        Err(error) => Err(Failure::of_sdk(&error, format!("cannot stop the execution of {id}"))),
    }
}

/// Seconds within which an agent that is well hears of a cancel: it looks so often, and each renewal tells it.
pub(crate) fn heard_within(heartbeat: u32) -> u64 {
    u64::from(heartbeat.div_ceil(3)).min(CANCEL_POLL.as_secs())
}

/// How long a cancelled run may take to close.
pub(crate) struct Patience {
    /// The longest heartbeat of its jobs, in seconds.
    pub heartbeat: u32,
    grace: u64,
}

impl Patience {
    /// When nothing more will close it.
    fn longest(&self) -> Duration {
        // Three heartbeats until the rows of a job whose agent is gone are closed (docs/once.md), and a margin.
        Duration::from_secs(3 * u64::from(self.heartbeat) + self.grace + 30)
    }

    /// Of all jobs of a plan.
    #[must_use]
    pub(crate) fn of(plan: &Plan) -> Self {
        let heartbeat = plan.jobs().map(|(_, job)| job.heartbeat.get()).max().unwrap_or(0);
        Self { heartbeat, grace: plan.timing.stop_grace.as_secs() }
    }
}

impl std::fmt::Display for Patience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "an agent hears of it within {} s and gives its script {} s to end; if its instance is gone, it takes {} s",
            heard_within(self.heartbeat),
            self.grace,
            self.heartbeat
        )
    }
}
