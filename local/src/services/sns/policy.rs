//! When a delivery over HTTP is tried again.
//!
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html>

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A subscription's `DeliveryPolicy`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeliveryPolicy {
    #[serde(default)]
    healthy_retry_policy: RetryPolicy,
    #[serde(default)]
    request_policy: RequestPolicy,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestPolicy {
    header_content_type: Option<String>,
}

/// Delays are in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct RetryPolicy {
    min_delay_target: u32,
    max_delay_target: u32,
    num_retries: u32,
    num_no_delay_retries: u32,
    num_min_delay_retries: u32,
    num_max_delay_retries: u32,
    backoff_function: Backoff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Backoff {
    Arithmetic,
    Exponential,
    Geometric,
    #[default]
    Linear,
}

/// The service's default: three retries, 20 seconds apart.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            min_delay_target: 20,
            max_delay_target: 20,
            num_retries: 3,
            num_no_delay_retries: 0,
            num_min_delay_retries: 0,
            num_max_delay_retries: 0,
            backoff_function: Backoff::Linear,
        }
    }
}

/// Bounds of the same page.
const MOST_RETRIES: u32 = 100;
const LONGEST_DELAY: u32 = 3_600;

impl DeliveryPolicy {
    /// Reads a policy.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let policy: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let retry = &policy.healthy_retry_policy;
        let phases = retry
            .num_no_delay_retries
            .saturating_add(retry.num_min_delay_retries)
            .saturating_add(retry.num_max_delay_retries);
        if retry.num_retries > MOST_RETRIES {
            return Err(format!(
                "healthyRetryPolicy.numRetries must be less than or equal to {MOST_RETRIES}"
            ));
        }
        if retry.min_delay_target == 0 || retry.min_delay_target > retry.max_delay_target {
            return Err("healthyRetryPolicy.minDelayTarget must be 1 to maxDelayTarget".to_owned());
        }
        if retry.max_delay_target > LONGEST_DELAY {
            return Err(format!(
                "healthyRetryPolicy.maxDelayTarget must be less than or equal to {LONGEST_DELAY}"
            ));
        }
        if phases > retry.num_retries {
            return Err("healthyRetryPolicy.numRetries is less than the retries of its phases".to_owned());
        }
        Ok(policy)
    }

    /// `Content-Type` of what is posted.
    pub(super) fn content_type(&self) -> &str {
        self.request_policy.header_content_type.as_deref().unwrap_or("text/plain; charset=UTF-8")
    }

    /// The pause before the retry after `failed` tries; none if there is no more.
    pub(super) fn pause(&self, failed: u32) -> Option<Duration> {
        let retry = &self.healthy_retry_policy;
        let before_last = retry.num_retries.saturating_sub(retry.num_max_delay_retries);
        let before_backoff = retry.num_no_delay_retries + retry.num_min_delay_retries;
        let (least, most) = (f64::from(retry.min_delay_target), f64::from(retry.max_delay_target));
        let seconds = match failed {
            0 => return None,
            n if n > retry.num_retries => return None,
            n if n <= retry.num_no_delay_retries => 0.0,
            n if n <= before_backoff => least,
            n if n > before_last => most,
            n => {
                let steps = before_last.saturating_sub(before_backoff + 1).max(1);
                let part = f64::from(n - before_backoff - 1) / f64::from(steps);
                match retry.backoff_function {
                    Backoff::Linear => least + (most - least) * part,
                    Backoff::Arithmetic => least + (most - least) * part * part,
                    Backoff::Geometric | Backoff::Exponential => least * (most / least).powf(part),
                }
            }
        };
        Some(Duration::from_secs_f64(seconds))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pauses(policy: &DeliveryPolicy) -> Vec<u64> {
        (1..).map_while(|failed| policy.pause(failed)).map(|pause| pause.as_secs()).collect()
    }

    #[test]
    fn phases_follow_each_other() {
        assert_eq!(pauses(&DeliveryPolicy::default()), [20, 20, 20]);
        let text = r#"{"healthyRetryPolicy": {"numRetries": 9, "numNoDelayRetries": 2, "numMinDelayRetries": 1,
            "numMaxDelayRetries": 2, "minDelayTarget": 1, "maxDelayTarget": 8, "backoffFunction": "exponential"}}"#;
        assert_eq!(pauses(&DeliveryPolicy::parse(text).unwrap()), [0, 0, 1, 1, 2, 4, 8, 8, 8]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for bad in [
            r#"{"healthyRetryPolicy": {"numRetries": 101}}"#,
            r#"{"healthyRetryPolicy": {"numRetries": 1, "numNoDelayRetries": 2}}"#,
            r#"{"healthyRetryPolicy": {"minDelayTarget": 30}}"#,
            r#"{"throttlePolicy": {"maxReceivesPerSecond": 1}}"#,
            "x",
        ] {
            assert!(DeliveryPolicy::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn pauses_are_within_the_targets(
            retries in 0_u32..=100, none in 0_u32..10, least in 0_u32..10, most in 0_u32..10,
            low in 1_u32..100, more in 0_u32..3000, backoff in 0_usize..4,
        ) {
            let function = [Backoff::Linear, Backoff::Arithmetic, Backoff::Geometric, Backoff::Exponential][backoff];
            let policy = RetryPolicy {
                min_delay_target: low, max_delay_target: low + more, num_retries: retries,
                num_no_delay_retries: none, num_min_delay_retries: least, num_max_delay_retries: most,
                backoff_function: function,
            };
            let policy = DeliveryPolicy { healthy_retry_policy: policy, request_policy: RequestPolicy::default() };
            let text = serde_json::to_string(&policy).unwrap();
            prop_assume!(DeliveryPolicy::parse(&text).is_ok());
            let pauses = pauses(&policy);
            prop_assert_eq!(pauses.len(), retries as usize);
            prop_assert!(pauses.is_sorted());
            prop_assert!(pauses.iter().all(|pause| *pause == 0 || (low.into()..=u64::from(low + more)).contains(pause)));
        }
    }
}
