//! When a delivery is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::http::AwsError;
use crate::place;
use crate::services::delivery::{Delivery, Outcome};

/// A target's retry policy, as EventBridge and Scheduler have it.
///
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct RetryPolicy {
    /// Tries after the first, at most.
    #[serde(default = "most_attempts")]
    pub(crate) maximum_retry_attempts: u32,
    /// Seconds from acceptance, at most.
    #[serde(default = "greatest_age")]
    pub(crate) maximum_event_age_in_seconds: u32,
}

/// Both services' default and greatest values.
const MOST_ATTEMPTS: u32 = 185;
const GREATEST_AGE: u32 = 86_400;
const LEAST_AGE: u32 = 60;

fn most_attempts() -> u32 {
    MOST_ATTEMPTS
}

fn greatest_age() -> u32 {
    GREATEST_AGE
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { maximum_retry_attempts: MOST_ATTEMPTS, maximum_event_age_in_seconds: GREATEST_AGE }
    }
}

/// The services do not document their delays beyond "exponential back-off and jitter".
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(300);

impl RetryPolicy {
    /// Refuses values beyond the service models' bounds.
    pub(crate) fn check(&self) -> Result<(), AwsError> {
        let Self { maximum_retry_attempts: attempts, maximum_event_age_in_seconds: age } = self;
        if *attempts > MOST_ATTEMPTS {
            return Err(bounds("retryPolicy.maximumRetryAttempts", *attempts, 0, MOST_ATTEMPTS));
        }
        if !(LEAST_AGE..=GREATEST_AGE).contains(age) {
            return Err(bounds("retryPolicy.maximumEventAgeInSeconds", *age, LEAST_AGE, GREATEST_AGE));
        }
        Ok(())
    }

    /// What becomes of a delivery after its target was called: `what` names both for people.
    pub(crate) fn after_call(
        &self,
        called: Result<(), AwsError>,
        delivery: &Delivery,
        what: std::fmt::Arguments<'_>,
    ) -> Outcome {
        let Err(error) = called else { return Outcome::Done };
        let reason = format!("{what}: {}", error.message);
        // A target that is not there or refuses the payload does so every time.
        if error.status < 500 || error.status == 501 {
            Outcome::Dropped { reason }
        } else {
            self.after_failure(delivery, reason)
        }
    }

    /// What becomes of a delivery whose try has just failed.
    pub(crate) fn after_failure(&self, delivery: &Delivery, reason: String) -> Outcome {
        let age = place::now_ms() - delivery.accepted;
        if delivery.tries >= self.maximum_retry_attempts {
            return Outcome::Dropped { reason: format!("{reason}; its retries are used up") };
        }
        let bound = FIRST_DELAY.saturating_mul(1 << delivery.tries.min(16)).min(LONGEST_DELAY);
        let after = bound / 2 + bound.mul_f64(fastrand::f64() / 2.0);
        let left = i64::from(self.maximum_event_age_in_seconds) * 1000 - age;
        if i64::try_from(after.as_millis()).unwrap_or(i64::MAX) > left {
            return Outcome::Dropped { reason: format!("{reason}; it is too old") };
        }
        Outcome::Again { after, counts: true, reason }
    }
}

fn bounds(member: &str, value: u32, least: u32, most: u32) -> AwsError {
    let message = format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have \
         value between {least} and {most}, inclusive"
    );
    AwsError::client("ValidationException", message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn retries_stay_within_the_policy(attempts in 0_u32..=185, age in 60_u32..=86_400, tries in 0_u32..400, old in 0_i64..100_000_000) {
            let policy = RetryPolicy { maximum_retry_attempts: attempts, maximum_event_age_in_seconds: age };
            prop_assert!(policy.check().is_ok());
            let accepted = place::now_ms() - old;
            let delivery = Delivery { id: 1, target: String::new(), payload: String::new(), accepted, tries };
            match policy.after_failure(&delivery, String::new()) {
                Outcome::Again { after, counts, .. } => {
                    prop_assert!(counts && tries < attempts);
                    prop_assert!(after <= LONGEST_DELAY && after >= FIRST_DELAY / 2);
                    // One second for the test's own time.
                    let end = old + i64::try_from(after.as_millis()).unwrap();
                    prop_assert!(end <= i64::from(age) * 1000 + 1000);
                }
                Outcome::Dropped { .. } => {
                    let out_of_time = old + 300_000 > i64::from(age) * 1000;
                    prop_assert!(tries >= attempts || out_of_time);
                }
                Outcome::Done => prop_assert!(false),
            }
        }
    }

    #[test]
    fn bounds_are_the_models() {
        let check = |attempts, age| {
            RetryPolicy { maximum_retry_attempts: attempts, maximum_event_age_in_seconds: age }.check()
        };
        assert!(check(0, 60).is_ok());
        assert!(check(186, 60).is_err());
        assert!(check(0, 59).is_err());
        assert!(check(0, 86_401).is_err());
    }
}
