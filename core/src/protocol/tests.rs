//! Properties of the transition function over random rows and changes.

use proptest::prelude::*;

use super::arbitrary::{change, reply, state};
use super::launcher::{self, OnLost, Step, Then};
use super::*;
use crate::Timestamp;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn a_closed_row_allows_nothing(row in state(), change in change()) {
        if row.status.is_closed() {
            prop_assert!(change.apply(&row).is_err());
        }
    }

    #[test]
    fn beat_attempt_and_token_never_go_back(row in state(), change in change()) {
        if let Ok(next) = change.apply(&row) {
            prop_assert!(next.beat >= row.beat);
            prop_assert!(next.attempt >= row.attempt);
            prop_assert!(next.token_entered >= row.token_entered);
            prop_assert!(next.cancel_requested >= row.cancel_requested);
        }
    }

    #[test]
    fn only_a_claim_makes_a_job_run_and_it_moves_the_beat(row in state(), change in change()) {
        if let Ok(next) = change.apply(&row)
            && next.status == JobStatus::Running && row.status != JobStatus::Running
        {
            match change {
                Change::Claim { .. } => prop_assert_eq!(next.beat, row.beat + 1),
                Change::Start { .. } => prop_assert!(next.is_kept() && next.attempt == row.attempt + 1),
                _ => prop_assert!(false, "{:?}", change),
            }
            prop_assert!(!row.cancel_requested);
        }
    }

    #[test]
    fn a_write_sent_again_is_recognised_or_harmless(row in state(), change in change()) {
        if let Ok(next) = change.apply(&row)
            && change.apply(&next).is_err()
            // The clock finds what such a write has begun.
            && !matches!(change, Change::Start { .. })
        {
            prop_assert!(change.is_already_in(&next), "{:?} on {:?}", change, next);
        }
    }

    #[test]
    fn what_a_launcher_decides_can_be_written(row in state(), reply in reply(), rerun in any::<bool>(), now in 0i64..60) {
        let on_lost = if rerun { OnLost::Rerun } else { OnLost::Fail };
        match launcher::decide(&row, &reply, on_lost, 20, Timestamp::from_millis(now)) {
            Step::Answer(_) => prop_assert!(row.status.is_closed()),
            Step::Superseded => prop_assert!(row.token_entered > Some(reply.entered)),
            Step::Write(change, then) => {
                let next = change.apply(&row).unwrap();
                prop_assert_eq!(then == Then::SendCommand, next.attempt == row.attempt + 1);
                prop_assert_eq!(then == Then::Answer, next.status.is_closed());
            }
        }
    }

    #[test]
    fn a_closer_ends_every_row_that_an_agent_has(row in state(), now in 0i64..30) {
        let (mut row, mut now) = (row, now);
        prop_assume!(!row.is_kept());
        for _ in 0..5 {
            match closer::decide(&row, closer::Reason::Over, "over", 20, Timestamp::from_millis(now)) {
                closer::Step::Closed => break,
                closer::Step::Write(change) => row = change.apply(&row).unwrap(),
                closer::Step::Wait => now += 20,
            }
        }
        prop_assert!(row.status.is_closed());
    }

    #[test]
    fn token_order_is_text_order(a in reply(), b in reply()) {
        prop_assert_eq!(a.entered.cmp(&b.entered), a.entered.to_string().cmp(&b.entered.to_string()));
        prop_assert_eq!(a.entered.to_string().parse::<TokenEntered>().unwrap(), a.entered);
    }
}

#[test]
fn statuses_round_trip() {
    for status in JobStatus::ALL {
        assert_eq!(status.as_str().parse::<JobStatus>().unwrap(), status);
        assert_eq!(serde_json::to_value(status).unwrap(), serde_json::json!(status.as_str()));
    }
}

mod keeper_decides {
    use super::super::keeper::{self, Description, Ended, Limits, Sent, Step, Then};
    use super::*;
    use crate::StatementId;

    const LIMITS: Limits =
        Limits { lambda: 2, flight: 1, list_lag: 3, margin: 1, token_memory: 20, longest: 40 };

    fn description() -> impl Strategy<Value = Description> {
        let at = || (0i64..30).prop_map(Timestamp::from_millis);
        let how = prop_oneof![
            Just(Ended::Finished),
            Just(Ended::Failed("no".to_owned())),
            Just(Ended::Aborted(None))
        ];
        prop_oneof![
            at().prop_map(|created| Description::Open { created }),
            (how, at(), at()).prop_map(|(how, created, at)| Description::Ended { how, created, at }),
            Just(Description::Unknown),
        ]
    }

    /// As the service may answer, whatever was asked.
    fn steps(
        row: &JobState,
        described: &Description,
        found: Option<&StatementId>,
        sent: &Sent,
        now: i64,
    ) -> Vec<Step> {
        let now = Timestamp::from_millis(now);
        let mut steps = vec![keeper::tick(row, &LIMITS, now)];
        if row.status == JobStatus::Running && row.is_kept() {
            steps.push(keeper::described(row, described, 10, Some(5), now));
            if row.statement_id.is_none() {
                steps.push(keeper::listed(row, found, &LIMITS, now));
                steps.push(keeper::sent(row, sent));
            }
            steps.push(keeper::not_sent(row, "over"));
        }
        steps
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn what_a_keeper_decides_can_be_written(
            row in state(), reply in reply(), described in description(), now in 0i64..60,
            found in proptest::option::of("[st]"), accepted in any::<bool>(),
        ) {
            let found = found.map(StatementId::new);
            let sent = if accepted { Sent::Accepted(StatementId::new("s")) } else { Sent::Refused("no".into()) };
            let mut steps = steps(&row, &described, found.as_ref(), &sent, now);
            if row.is_kept() || row.status == JobStatus::Pending {
                steps.push(keeper::launch(&row, &reply, Timestamp::from_millis(now)));
            }
            for step in steps {
                match step {
                    Step::Answer(_) => prop_assert!(row.status.is_closed()),
                    Step::Superseded => prop_assert!(row.token_entered > Some(reply.entered)),
                    Step::Describe(_) | Step::Cancel(_) | Step::List => {
                        prop_assert_eq!(row.status, JobStatus::Running);
                    }
                    Step::Wait => {}
                    Step::Write(change, then) => {
                        let next = change.apply(&row);
                        prop_assert!(next.is_ok(), "{:?} on {:?}: {:?}", change, row, next);
                        let next = next.unwrap();
                        prop_assert_eq!(then == Then::Answer, next.status.is_closed());
                        if then == Then::Send {
                            prop_assert!(next.status == JobStatus::Running && !next.cancel_requested);
                            prop_assert!(next.statement_id.is_none());
                        }
                        let starts = matches!(change, Change::Start { .. });
                        prop_assert!(next.first_sent == row.first_sent || starts);
                        if next.attempt == row.attempt {
                            prop_assert!(next.last_sent >= row.last_sent);
                        }
                    }
                }
            }
        }

        #[test]
        fn nothing_is_sent_once_the_service_may_have_forgotten_the_first(row in state(), now in 0i64..60) {
            let now = Timestamp::from_millis(now);
            if let Step::Write(Change::SendAgain { .. }, _) = keeper::tick(&row, &LIMITS, now) {
                let first = row.first_sent.unwrap();
                let arrives = now.plus_millis(LIMITS.lambda + LIMITS.flight + LIMITS.margin);
                prop_assert!(arrives.millis_since(first) < LIMITS.token_memory);
            }
        }
    }
}
