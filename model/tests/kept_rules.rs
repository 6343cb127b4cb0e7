//! Kept statements: every rule is necessary. Without it the same bounds hold a counterexample, with it none.
//!
//! `RSQLFLOW_MODEL_TRACE=1 cargo nextest run -p rsqlflow-model --test kept_rules --no-capture` prints them.

#![expect(clippy::print_stdout, clippy::panic, reason = "helpers of tests, which clippy takes for no tests")]

use rsqlflow_model::kept::properties::*;
use rsqlflow_model::kept::{Bounds, Faults, Kept, Rules};
use rsqlflow_model::trace;
use stateright::{Checker, HasDiscoveries, Model};

/// `property` breaks.
fn breaks(kept: Kept, property: &'static str) {
    let until = HasDiscoveries::AllOf([property].into());
    let checker = kept.checker().finish_when(until).spawn_bfs().join();
    println!("{} states", checker.unique_state_count());
    let path = checker.discovery(property).unwrap_or_else(|| panic!("{property:?} still holds"));
    if std::env::var_os("RSQLFLOW_MODEL_TRACE").is_some() {
        println!("broken: {property}\n{}", trace::readable(path));
    }
}

fn holds(bounds: Bounds) {
    let checker = Kept::new(bounds).checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!("{} states, depth {}", checker.unique_state_count(), checker.max_depth());
    if let Some((name, path)) = checker.discoveries().into_iter().next() {
        panic!("broken: {name}\n{}", trace::readable(path));
    }
}

/// Without the rule, `property` breaks within `bounds`; with it, nothing does.
fn needs(rule: fn(&mut Rules), property: &'static str, bounds: Bounds) {
    let mut weak = Kept::new(bounds);
    rule(&mut weak.rules);
    assert_ne!(weak.rules, Rules::ALL);
    breaks(weak, property);
    holds(bounds);
}

const SMALL: Bounds = Bounds::SMALL;
const NONE: Faults = Faults::NONE;

#[test]
fn claim_before_the_statement_is_sent() {
    needs(|r| r.claim_before_send = false, RELEASED_CLEAN, SMALL.with(Faults { aborts: 1, ..NONE }));
}

#[test]
fn a_client_token_for_each_attempt() {
    needs(|r| r.token_per_attempt = false, OWN_STATEMENT, SMALL.with(Faults { failures: 1, ..NONE }));
}

#[test]
fn repeats_are_the_same_request() {
    needs(|r| r.same_when_repeated = false, ONE_AT_A_TIME, SMALL.with(Faults { lost_answers: 1, ..NONE }));
}

#[test]
fn a_repeat_is_announced() {
    let bounds = Bounds { flight: 0, list_lag: 0, ..SMALL };
    let faults = Faults { throttles: 1, cancels: 1, second_clocks: 1, ..NONE };
    needs(|r| r.intent_before_repeat = false, ROW_KNOWS, bounds.with(faults));
}

#[test]
fn repeats_end_before_the_service_forgets() {
    let faults = Faults { lost_answers: 1, outages: 1, ..NONE };
    needs(|r| r.repeats_are_bounded = false, ONCE_AN_ATTEMPT, Bounds { outage: 5, ..SMALL }.with(faults));
}

#[test]
fn first_sending_stays_the_first() {
    let faults = Faults { lost_answers: 1, throttles: 2, outages: 1, ..NONE };
    needs(|r| r.first_sent_stays = false, ONCE_AN_ATTEMPT, SMALL.with(faults));
}

#[test]
fn absence_needs_quiet() {
    let faults = Faults { flights: 1, cancels: 1, ..NONE };
    needs(|r| r.absence_needs_quiet = false, ROW_KNOWS, SMALL.with(faults));
}

/// Where clocks differ, one clock may send again what another takes for too old to be sent.
#[test]
fn what_follows_from_a_list_is_refused_after_another_sending() {
    let bounds = Bounds { skew: 1, margin: 1, token_memory: 8, tries: 1, heartbeat: 20, ..SMALL };
    let faults = Faults { throttles: 1, outages: 1, dawdles: 1, second_clocks: 1, ..NONE };
    needs(|r| r.list_needs_last_sent = false, ROW_KNOWS, Bounds { outage: 4, ..bounds }.with(faults));
}

#[test]
fn names_are_compared_whole() {
    let faults = Faults { lost_answers: 1, cancels: 1, ..NONE };
    needs(|r| r.whole_name_compared = false, OWN_STATEMENT, SMALL.with(faults));
}

#[test]
fn launcher_and_clock_have_one_role() {
    let faults = Faults { lost_answers: 1, cancels: 1, ..NONE };
    needs(|r| r.same_role = false, ROW_KNOWS, Bounds { work: 6, ..SMALL }.with(faults));
}

#[test]
fn after_a_day_nobody_knows() {
    let faults = Faults { lost_answers: 1, outages: 1, ..NONE };
    needs(|r| r.lost_after_a_day = false, TRUE_END, Bounds { outage: 10, ..SMALL }.with(faults));
}

#[test]
fn a_lost_answer_decides_nothing() {
    needs(|r| r.throttle_decides_nothing = false, ROW_KNOWS, SMALL.with(Faults { lost_answers: 1, ..NONE }));
}

#[test]
fn a_refused_repeat_decides_nothing() {
    let faults = Faults { lost_answers: 1, refusals: 1, ..NONE };
    needs(|r| r.refused_repeat_waits = false, ROW_KNOWS, SMALL.with(faults));
}

#[test]
fn kept_rows_have_no_beat() {
    let bounds = Bounds { work: 8, outage: 6, timeout: 9, heartbeat: 6, ..SMALL };
    needs(|r| r.no_beat_rule = false, RELEASED_CLEAN, bounds.with(Faults { aborts: 1, outages: 1, ..NONE }));
}

#[test]
fn writes_name_attempt_and_statement() {
    let bounds = Bounds { delay: 0, processes: 3, lambda: 0, ..SMALL };
    let faults = Faults { failures: 1, second_clocks: 2, ..NONE };
    needs(|r| r.writes_name_the_statement = false, ROW_KNOWS, bounds.with(faults));
}

#[test]
fn a_cancel_is_a_request() {
    needs(|r| r.describe_decides = false, ROW_KNOWS, SMALL.with(Faults { cancels: 1, ..NONE }));
}

#[test]
fn a_retry_waits_until_it_is_due() {
    let bounds = Bounds { delay: 2, ..SMALL };
    let faults = Faults { failures: 1, try_ends: 1, ..NONE };
    needs(|r| r.launcher_leaves_waiting_rows = false, NOT_EARLY, bounds.with(faults));
}

#[test]
fn every_open_row_is_kept_alive() {
    let bounds = Bounds { delay: 4, ..SMALL };
    needs(|r| r.every_open_row_heartbeats = false, NOT_STARVED, bounds.with(Faults { failures: 1, ..NONE }));
}

#[test]
fn the_token_is_the_rows() {
    let bounds = Bounds { work: 6, ..SMALL };
    needs(|r| r.token_from_the_row = false, NOT_STARVED, bounds.with(Faults { try_ends: 1, ..NONE }));
}

/// So is this one, which is `Lambda timeout + period + Lambda timeout < heartbeat`: the first to keep a token alive is
/// the clock, after a launcher that took all its time.
#[test]
fn a_launcher_and_a_clock_fit_into_a_heartbeat() {
    breaks(Kept::new(Bounds { heartbeat: 3, ..SMALL }.with(Faults { dawdles: 1, ..NONE })), NOT_STARVED);
}

/// The inequality between tries, heartbeat and the clock's longest outage is a rule too.
#[test]
fn tries_and_heartbeat_outlast_an_outage() {
    let faults = Faults { outages: 1, ..NONE };
    let bounds = Bounds { work: 12, timeout: 20, longest: 30, token_memory: 20, ..SMALL };
    breaks(Kept::new(Bounds { outage: 7, survives: 7, ..bounds }.with(faults)), HELD_OUT);
    holds(bounds.with(faults));
}
