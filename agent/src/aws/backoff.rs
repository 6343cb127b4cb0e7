//! Retry policies as data that yields pauses.

use std::time::Duration;

/// Pauses that double from `first` to `longest`, each shortened by up to half at random, until together they
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

    /// For the row's close and the token's answer: what cannot be delivered in 15 minutes stays in the spool.
    #[must_use]
    pub const fn of_results() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(20), Duration::from_secs(15 * 60))
    }

    /// For `flush`, which somebody waits for, and for what other agents left.
    #[must_use]
    pub const fn of_flush() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(2), Duration::from_secs(10))
    }

    /// For what a job needs before it can start, while its lease is being kept.
    #[must_use]
    pub const fn of_preparation() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(5), Duration::from_secs(60))
    }

    /// The next pause, given a random number from 0 to 1; `None` when it is time to give up.
    pub fn next_pause(&mut self, random: f64) -> Option<Duration> {
        let pause = self.next.mul_f64(1.0 - 0.5 * random.clamp(0.0, 1.0));
        self.left = self.left.checked_sub(pause)?;
        self.next = (self.next * 2).min(self.longest);
        Some(pause)
    }

    /// Waits for the next pause. `false` when it is time to give up.
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
