//! One try of one delivery.

use std::time::Duration;

use super::publish::Address;
use crate::services::Services;
use crate::services::delivery::{self, Delivery, Outcome};
use crate::services::link::Link;

/// Delays between invocations that a function asks for double from the first to the longest.
const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Invocations that end with another error: as many as Lambda makes of an asynchronous invocation.
const OTHER_TRIES: u32 = 3;

pub(super) async fn deliver(link: &Link, delivery: Delivery) -> Outcome {
    let again =
        |reason: &str| Outcome::Again { after: LONGEST_DELAY, counts: false, reason: reason.to_owned() };
    let Some(services) = link.services().await else { return again("the endpoint is shutting down") };
    let address: Address = match serde_json::from_str(&delivery.target) {
        Ok(address) => address,
        Err(e) => return Outcome::Dropped { reason: format!("its address cannot be read: {e}") },
    };
    if let Some(repeat_on) = &address.repeat_on {
        return invoke(&services, &address, repeat_on, &delivery).await;
    }
    // Ids of rows and events are never used again, so the name is this delivery's alone.
    let name = format!("{}_{}", address.event_id, delivery.id);
    let called = delivery::call(&services, &address.arn, &name, &delivery.payload).await;
    let what = format_args!("rule {}, target {}", address.rule, address.arn);
    address.retry.after_call(called, &delivery, what)
}

/// Invokes a function and waits for its answer. What it asks to be repeated is repeated for ever.
async fn invoke(
    services: &Services,
    address: &Address,
    repeat_on: &[String],
    delivery: &Delivery,
) -> Outcome {
    let event = serde_json::from_str(&delivery.payload).unwrap_or_default();
    let error = match services.lambda.invoke(&address.arn, event).await {
        Ok(Ok(_)) => return Outcome::Done,
        Ok(Err(error)) => error,
        Err(error) => return Outcome::Dropped { reason: error.message },
    };
    let reason = format!("rule {}: {}: {}", address.rule, error.error_type, error.error_message);
    if repeat_on.contains(&error.error_type) {
        // The queue counts only the other tries, so the delay follows from the delivery's age.
        let age = Duration::from_millis(
            u64::try_from(crate::place::now_ms() - delivery.accepted).unwrap_or_default(),
        );
        let after = (age / 2).clamp(FIRST_DELAY, LONGEST_DELAY);
        return Outcome::Again { after, counts: false, reason };
    }
    if delivery.tries + 1 >= OTHER_TRIES {
        return Outcome::Dropped { reason };
    }
    Outcome::Again { after: FIRST_DELAY * (1 << delivery.tries.min(8)), counts: true, reason }
}
