//! Every rule is necessary: without it the same bounds hold a counterexample, with it none.
//!
//! `RSQLFLOW_MODEL_TRACE=1 cargo nextest run -p rsqlflow-model --test rules --no-capture` prints them.

#![expect(clippy::print_stdout, clippy::panic, reason = "helpers of tests, which clippy takes for no tests")]

mod support;

use rsqlflow_model::properties::*;
use rsqlflow_model::{Bounds, Faults, Protocol, Rules, trace};

/// `property` breaks.
fn breaks(protocol: Protocol, property: &'static str) {
    let found = support::check(protocol, &[property]).broken.into_iter().find(|(name, _)| *name == property);
    let (_, path) = found.unwrap_or_else(|| panic!("{property:?} still holds"));
    if std::env::var_os("RSQLFLOW_MODEL_TRACE").is_some() {
        println!("broken: {property}\n{}", trace::readable(path));
    }
}

/// Without the rule, `property` breaks within `bounds`; with it, nothing does.
fn needs(rule: fn(&mut Rules), property: &'static str, bounds: Bounds) {
    let mut weak = Protocol::new(bounds);
    rule(&mut weak.rules);
    assert_ne!(weak.rules, Rules::ALL);
    breaks(weak, property);
    support::holds(Protocol::new(bounds));
}

const SMALL: Bounds = Bounds::SMALL;
const NONE: Faults = Faults::NONE;

#[test]
fn attempt_in_the_claim() {
    needs(|r| r.attempt_in_claim = false, ROW_KNOWS, SMALL);
}

#[test]
fn attempt_in_the_claim_or_jobs_are_lost() {
    needs(|r| r.attempt_in_claim = false, NOT_LOST, SMALL);
}

#[test]
fn beat_never_restarts() {
    let bounds = SMALL.with(Faults { kills: 1, try_ends: 1, ..NONE });
    needs(|r| r.beat_never_restarts = false, ROW_KNOWS, bounds);
}

/// Two scripts at once take a fourth try. With all rules `holds` checks these faults within three.
#[test]
fn beat_never_restarts_or_scripts_overlap() {
    let bounds = Bounds { tries: 4, ..SMALL }.with(Faults { kills: 1, try_ends: 1, ..NONE });
    let mut weak = Protocol::new(bounds);
    weak.rules.beat_never_restarts = false;
    breaks(weak, ONE_AT_A_TIME);
}

#[test]
fn owner_is_a_process() {
    needs(|r| r.owner_nonce = false, ONE_AT_A_TIME, SMALL.with(Faults { second_deliveries: 1, ..NONE }));
}

#[test]
fn newer_token_is_kept() {
    needs(|r| r.newer_token_kept = false, NOT_STARVED, SMALL.with(Faults { try_ends: 1, ..NONE }));
}

#[test]
fn renewal_adopts_the_newest_token() {
    needs(|r| r.renewal_adopts_token = false, NOT_STARVED, SMALL.with(Faults { try_ends: 1, ..NONE }));
}

#[test]
fn row_before_token() {
    needs(|r| r.row_before_token = false, TRUE_REPORT, SMALL);
}

#[test]
fn fencing() {
    needs(|r| r.fencing = false, ONE_AT_A_TIME, SMALL.with(Faults { kills: 1, ..NONE }));
}

#[test]
fn guard_beside_the_agent() {
    needs(|r| r.guard = false, ONE_AT_A_TIME, SMALL.with(Faults { kills: 1, ..NONE }));
}

#[test]
fn no_start_after_the_deadline() {
    needs(|r| r.no_late_start = false, ONE_AT_A_TIME, SMALL.with(Faults { stalls: 6, ..NONE }));
}

#[test]
fn lease_counts_suspended_time() {
    needs(|r| r.lease_counts_sleep = false, ONE_AT_A_TIME, SMALL.with(Faults { sleeps: 5, ..NONE }));
}

#[test]
fn lease_runs_from_the_first_sending() {
    let faults = Faults { lost_writes: 1, stalls: 4, ..NONE };
    needs(|r| r.lease_from_first_sending = false, ONE_AT_A_TIME, SMALL.with(faults));
}

#[test]
fn no_launch_while_running() {
    needs(|r| r.no_launch_on_running = false, ONE_AT_A_TIME, SMALL.with(Faults { stalls: 3, ..NONE }));
}

#[test]
fn own_claim_is_recognised() {
    needs(|r| r.own_claim_recognised = false, NOT_LOST, SMALL.with(Faults { lost_writes: 1, ..NONE }));
}

#[test]
fn own_close_is_recognised() {
    needs(|r| r.own_close_recognised = false, NOT_STARVED, SMALL.with(Faults { lost_writes: 1, ..NONE }));
}

/// Not a rule after all: a launcher that does not know its own launch takes the next attempt, and sends for that.
#[test]
fn own_launch_need_not_be_recognised() {
    let mut weak = Protocol::new(SMALL.with(Faults { lost_writes: 2, second_invocations: 1, ..NONE }));
    weak.rules.own_launch_recognised = false;
    support::holds(weak);
}

#[test]
fn renewals_keep_their_schedule() {
    needs(|r| r.renews_on_schedule = false, NOT_LOST, SMALL.with(Faults { lost_writes: 2, ..NONE }));
}

#[test]
fn heartbeat_before_the_claim() {
    needs(|r| r.heartbeat_before_claim = false, WANTED, SMALL.with(Faults { aborts: 1, ..NONE }));
}

#[test]
fn takeover_needs_an_unmoved_beat() {
    let faults = Faults { stalls: 2, try_ends: 1, ..NONE };
    needs(|r| r.takeover_needs_beat = false, ONE_AT_A_TIME, SMALL.with(faults));
}

#[test]
fn clock_is_read_after_the_row() {
    needs(|r| r.clock_after_read = false, ONE_AT_A_TIME, SMALL.with(Faults { stalls: 3, ..NONE }));
}

#[test]
fn sighting_is_kept_while_the_beat_stands() {
    needs(|r| r.seen_kept_while_unmoved = false, ENDS, SMALL.with(Faults { kills: 1, ..NONE }));
}

#[test]
fn cancel_bars_the_claim() {
    needs(|r| r.cancel_bars_claim = false, NOT_CANCELLED, SMALL.with(Faults { cancels: 1, ..NONE }));
}

#[test]
fn unclaimed_rows_are_closed_at_an_abort() {
    needs(|r| r.unclaimed_rows_closed = false, RELEASED_CLEAN, SMALL.with(Faults { aborts: 1, ..NONE }));
}

#[test]
fn lock_waits_for_every_row() {
    needs(|r| r.lock_waits_for_rows = false, RELEASED_CLEAN, SMALL.with(Faults { aborts: 1, ..NONE }));
}

#[test]
fn patience_without_a_token_is_bounded() {
    let bounds = Bounds { token_patience: 6, work_until: 10, ..SMALL };
    let faults = Faults { aborts: 1, closer_delays: 8, ..NONE };
    needs(|r| r.token_patience = false, NOT_ORPHANED, bounds.with(faults));
}

/// The inequalities between the times are rules too.
mod times {
    use super::*;

    #[test]
    fn clocks_differ_by_at_most_the_margin() {
        let faults = Faults { stalls: 2, kills: 1, try_ends: 1, ..NONE };
        breaks(Protocol::new(Bounds { margin: 0, skew: 1, ..SMALL }.with(faults)), ONE_AT_A_TIME);
    }

    #[test]
    fn a_launcher_and_a_renewal_fit_into_a_heartbeat() {
        let bounds = Bounds { lambda_timeout: 2, ..SMALL }.with(Faults { try_ends: 1, ..NONE });
        breaks(Protocol::new(bounds), NOT_STARVED);
    }
}
