//! Retry policies as sequences of pauses.

use std::time::Duration;

/// Pauses that double from `first` to `longest`. Each is shortened at random by up to half. They end before their sum
/// would exceed `budget`.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
    left: Duration,
}

impl Backoff {
    /// A policy.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration, budget: Duration) -> Self {
        Self { next: first, longest, left: budget }
    }

    /// For the close of the row and the answer of the token. After 15 minutes the result stays in the spool.
    #[must_use]
    pub const fn of_results() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(20), Duration::from_secs(15 * 60))
    }

    /// For `flush`, which an operator waits for, and for results of other agents.
    #[must_use]
    pub const fn of_flush() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(2), Duration::from_secs(10))
    }

    /// For calls before a job can start, while its lease is renewed.
    #[must_use]
    pub const fn of_preparation() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(5), Duration::from_secs(60))
    }

    /// The next pause, given a random number from 0 to 1. `None` after the last retry.
    pub fn next_pause(&mut self, random: f64) -> Option<Duration> {
        let pause = self.next.mul_f64(1.0 - 0.5 * random.clamp(0.0, 1.0));
        self.left = self.left.checked_sub(pause)?;
        self.next = (self.next * 2).min(self.longest);
        Some(pause)
    }

    /// Waits for the next pause. `false` after the last retry.
    pub async fn pause(&mut self) -> bool {
        match self.next_pause(fastrand::f64()) {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_budget_is_kept_and_used(
            first in 1u64..500, longest in 1u64..5000, budget in 0u64..100_000,
            random in proptest::collection::vec(0.0f64..1.0, 1000),
        ) {
            let ms = Duration::from_millis;
            let longest = first.max(longest);
            let mut backoff = Backoff::new(ms(first), ms(longest), ms(budget));
            let mut total = Duration::ZERO;
            for random in random {
                match backoff.next_pause(random) {
                    Some(pause) => {
                        prop_assert!(pause <= ms(longest) && pause >= ms(first) / 2);
                        total += pause;
                    }
                    None => {
                        prop_assert!(total + ms(longest) >= ms(budget));
                        break;
                    }
                }
            }
            prop_assert!(total <= ms(budget));
        }
    }
}
