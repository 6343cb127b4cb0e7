//! The protocol keeps its promises, whatever the order of events, within each of these bounds.

#![expect(clippy::print_stdout, clippy::panic, reason = "helpers of tests, which clippy takes for no tests")]

mod support;

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::protocol::launcher::OnLost;
use rsqlflow_model::explore::explore;
use rsqlflow_model::{Bounds, Faults, Protocol};

const SMALL: Bounds = Bounds::SMALL;
const NONE: Faults = Faults::NONE;

/// Exhaustive. `at_least` so many states, lest a mistake in the model leave nothing to check.
fn holds(bounds: Bounds, at_least: usize) {
    let states = support::holds(Protocol::new(bounds));
    assert!(states >= at_least, "only {states} states");
}

#[test]
fn slow_launchers_and_late_commands() {
    holds(SMALL, 9_000);
}

#[test]
fn lost_answers_and_a_killed_agent() {
    holds(SMALL.with(Faults { lost_writes: 2, kills: 1, ..NONE }), 1_000_000);
}

#[test]
fn lost_answers_and_a_killed_agent_where_lost_jobs_fail() {
    let bounds = Bounds { on_lost: OnLost::Fail, ..SMALL };
    holds(bounds.with(Faults { lost_writes: 2, kills: 1, ..NONE }), 1_000_000);
}

#[test]
fn lost_answers_and_a_stopped_agent() {
    holds(SMALL.with(Faults { lost_writes: 2, stalls: 2, ..NONE }), 1_000_000);
}

#[test]
fn a_lost_answer_a_killed_agent_and_a_try_that_ends() {
    holds(SMALL.with(Faults { lost_writes: 1, kills: 1, try_ends: 1, ..NONE }), 3_000_000);
}

#[test]
fn a_suspended_machine() {
    holds(SMALL.with(Faults { sleeps: 4, ..NONE }), 900_000);
}

#[test]
fn an_abort_a_killed_agent_and_a_late_closer() {
    holds(SMALL.with(Faults { aborts: 1, kills: 1, closer_delays: 1, ..NONE }), 500_000);
}

#[test]
fn an_abort_with_closer_and_sweeper() {
    let bounds = Bounds { closers: 2, ..SMALL };
    holds(bounds.with(Faults { aborts: 1, stalls: 1, closer_delays: 1, ..NONE }), 100_000);
}

#[test]
fn a_cancel_a_doubled_command_and_a_try_that_ends() {
    holds(SMALL.with(Faults { cancels: 1, second_deliveries: 1, try_ends: 1, ..NONE }), 900_000);
}

#[test]
fn a_doubled_launcher_and_a_doubled_command() {
    holds(SMALL.with(Faults { second_invocations: 1, second_deliveries: 1, ..NONE }), 500_000);
}

#[test]
fn a_doubled_launcher_and_a_command_that_could_not_be_sent() {
    holds(SMALL.with(Faults { second_invocations: 1, send_failures: 1, ..NONE }), 100_000);
}

#[test]
fn lost_callbacks_and_a_killed_agent() {
    holds(SMALL.with(Faults { lost_callbacks: 2, kills: 1, ..NONE }), 400_000);
}

#[test]
fn a_queueing_agent_an_abort_and_a_cancel() {
    holds(SMALL.with(Faults { queues: 1, aborts: 1, cancels: 1, ..NONE }), 200_000);
}

#[test]
fn clocks_that_differ() {
    let bounds = Bounds { lease: 2, margin: 1, skew: 1, ..SMALL };
    holds(bounds.with(Faults { stalls: 2, kills: 1, ..NONE }), 900_000);
}

/// What `ENDS` rests on, and that the bounds reach what they are about.
#[test]
fn no_step_leads_back_and_everything_is_reached() {
    let reached = explore(&Protocol::new(SMALL.with(Faults { kills: 1, try_ends: 1, cancels: 1, ..NONE })));
    println!("{reached:?}");
    assert!(!reached.cycle);
    assert!(reached.latest < SMALL.horizon);
    assert!(reached.exhausted);
    assert_eq!(reached.ran, [1, 2, 3].into());
    use JobStatus::{Cancelled, Completed, Failed, Lost};
    // Failed: a job that was sent and that no agent claimed before the state machine came to its end.
    assert_eq!(reached.ends, [Completed, Failed, Cancelled, Lost].into());
    assert_eq!(reached.told, [Completed, Cancelled, Lost].into());
}
