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
            let claimed = matches!(change, Change::Claim { .. });
            prop_assert!(claimed, "{:?}", change);
            prop_assert_eq!(next.beat, row.beat + 1);
            prop_assert!(!row.cancel_requested);
        }
    }

    #[test]
    fn a_write_sent_again_is_recognised_or_harmless(row in state(), change in change()) {
        if let Ok(next) = change.apply(&row)
            && change.apply(&next).is_err()
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
    fn a_closer_ends_every_row(row in state(), now in 0i64..30) {
        let (mut row, mut now) = (row, now);
        for _ in 0..5 {
            match closer::decide(&row, "over", 20, Timestamp::from_millis(now)) {
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
