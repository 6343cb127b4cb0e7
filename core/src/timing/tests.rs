use super::*;
use proptest::prelude::*;

fn s(seconds: u64) -> Seconds {
    Seconds::saturating(seconds)
}

#[test]
fn thirty_seconds_are_refused_and_sixty_accepted() {
    let timing = Timing::default();
    assert_eq!(timing.accept(s(60)), Ok(()));
    assert_eq!(timing.accept(s(180)), Ok(()));
    let refused = timing.accept(s(30)).unwrap_err();
    assert_eq!(refused.smallest, Some(s(56)));
    insta::assert_snapshot!(
        format!("{refused}; hint: {}", refused.hint()),
        @"30s is too short: Lambda timeout 20s + SSM delivery 30s + agent start 5s = 55s must be less than the heartbeat of 30s; hint: the shortest heartbeat for this deployment is 56s; `rsqlflow run`, on one machine, takes 6s"
    );
    let all: Vec<Rule> = refused.misfits.iter().map(|misfit| misfit.rule).collect();
    assert_eq!(all, [Rule::FirstBeat, Rule::Adoption, Rule::Lease, Rule::Patience]);
}

#[test]
fn six_seconds_are_enough_on_one_machine() {
    assert_eq!(Timing::single_machine().accept(s(6)), Ok(()));
    assert_eq!(Timing::single_machine().smallest_heartbeat(), Some(s(6)));
}

#[test]
fn each_rule_can_be_the_one_that_breaks() {
    let broken = |change: fn(&mut Timing)| {
        let mut timing = Timing::default();
        change(&mut timing);
        timing.check(s(180)).into_iter().map(|misfit| misfit.rule).collect::<Vec<_>>()
    };
    assert_eq!(broken(|t| t.agent_start = Duration::from_secs(100)), [Rule::FirstBeat]);
    assert_eq!(broken(|t| t.renewal_latency = Duration::from_secs(100)), [Rule::Adoption]);
    assert_eq!(broken(|t| t.stop_grace = Duration::from_secs(110)), [Rule::Lease]);
    assert_eq!(broken(|t| t.machine_retry_delay = Duration::from_secs(280)), [Rule::Patience]);
}

#[test]
fn a_task_outlasts_delivery_queue_tries_and_delays() {
    let timing = Timing { queueing: Duration::from_secs(1000), ..Timing::default() };
    let retry = RetryPolicy { retries: 2, delay: s(60), backoff: 2.0 };
    // max(30, 60) + 1000 + 3 × (100 + 10) + 60 + 120
    assert_eq!(timing.task_timeout(s(180), s(100), &retry), s(1570));
    let none = RetryPolicy { retries: 0, delay: s(60), backoff: 2.0 };
    assert_eq!(timing.task_timeout(s(30), s(100), &none), s(30 + 1000 + 110));
    let quick = Timing { queueing: Duration::ZERO, ..Timing::single_machine() };
    assert_eq!(quick.task_timeout(s(600), s(1), &none), s(601), "the service wants heartbeat < timeout");
}

#[test]
fn settings_of_an_older_snapshot_load() {
    let timing: Timing = serde_json::from_str(r#"{"lambda_timeout": 1500}"#).unwrap();
    assert_eq!(timing, Timing { lambda_timeout: Duration::from_millis(1500), ..Timing::default() });
}

fn timings() -> impl Strategy<Value = Timing> {
    let ms = || (0u64..200_000).prop_map(Duration::from_millis);
    (ms(), ms(), ms(), ms(), ms(), ms(), ms(), ms()).prop_map(|(a, b, c, d, e, f, g, h)| Timing {
        lambda_timeout: a,
        ssm_delivery: b,
        agent_start: c,
        clock_margin: d,
        stop_grace: e,
        renewal_latency: f,
        machine_retry_delay: g,
        queueing: h,
    })
}

proptest! {
    #[test]
    fn the_smallest_heartbeat_is_the_smallest(timing in timings()) {
        let smallest = timing.smallest_heartbeat().unwrap();
        prop_assert!(timing.check(smallest).is_empty());
        if smallest.get() > 1 {
            prop_assert!(!timing.check(s(u64::from(smallest.get()) - 1)).is_empty());
        }
        prop_assert!(timing.check(s(u64::from(smallest.get()) + 1)).is_empty());
    }

    #[test]
    fn what_fits_leaves_room_for_every_step(timing in timings(), more in 0u64..1000) {
        let h = s(u64::from(timing.smallest_heartbeat().unwrap().get()) + more);
        prop_assert!(timing.lease(h) + timing.clock_margin <= h.as_duration());
        prop_assert!(timing.renewal_period(h) + timing.stop_grace < timing.lease(h));
        prop_assert_eq!(timing.lost_after(h), h.as_duration());
    }

    #[test]
    fn no_policy_overflows(h in 0u64..200_000, t in 0u64..200_000_000, retries in any::<u32>().prop_map(|r| r % 500), delay in 0u64..200_000_000, backoff in 1.0f64..1e300) {
        let retry = RetryPolicy { retries, delay: s(delay), backoff };
        let task = Timing::default().task_timeout(s(h), s(t), &retry);
        prop_assert!(task > s(h) && task <= Seconds::MAX);
    }
}
