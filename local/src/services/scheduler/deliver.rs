//! One try of one firing.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::definition::Definition;
use crate::http::AwsError;
use crate::place;
use crate::services::delivery::{self, Delivery, Kind, Outcome, RetryPolicy};
use crate::services::link::Link;

/// Whom a firing is for, and what its context attributes say.
#[derive(Debug, Serialize, Deserialize)]
struct Address {
    arn: String,
    retry: RetryPolicy,
    schedule_arn: String,
    scheduled_time: String,
    execution_id: String,
}

/// A firing's address and payload. `time` is in milliseconds since 1970.
pub(super) fn address(
    definition: &Definition,
    schedule_arn: &str,
    time: i64,
) -> Result<(String, String), AwsError> {
    let time = jiff::Timestamp::from_millisecond(time).map_err(AwsError::internal)?;
    let address = Address {
        arn: definition.target.arn.clone(),
        retry: definition.target.retry_policy,
        schedule_arn: schedule_arn.to_owned(),
        scheduled_time: time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        execution_id: uuid::Uuid::new_v4().to_string(),
    };
    let payload = definition.target.input.clone().unwrap_or_else(|| default_input(&address));
    Ok((serde_json::to_string(&address).map_err(AwsError::internal)?, payload))
}

/// What a target without `Input` gets.
fn default_input(address: &Address) -> String {
    match Kind::of(&address.arn) {
        Ok(Kind::StateMachine) => "{}".to_owned(),
        _ => json!({
            "version": "0",
            "id": address.execution_id,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": place::ACCOUNT,
            "time": address.scheduled_time,
            "region": place::REGION,
            "resources": [address.schedule_arn],
            "detail": "{}",
        })
        .to_string(),
    }
}

pub(super) async fn deliver(link: &Link, delivery: Delivery) -> Outcome {
    let address: Address = match serde_json::from_str(&delivery.target) {
        Ok(address) => address,
        Err(e) => return Outcome::Dropped { reason: format!("its address cannot be read: {e}") },
    };
    let Some(services) = link.services().await else {
        return address.retry.after_failure(&delivery, "the endpoint is shutting down".to_owned());
    };
    let payload = with_attributes(&delivery.payload, &address, delivery.tries + 1);
    let called = delivery::call(&services, &address.arn, &address.execution_id, &payload).await;
    let what = format_args!("{}, target {}", address.schedule_arn, address.arn);
    address.retry.after_call(called, &delivery, what)
}

/// The payload with its context attributes filled in.
///
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>
fn with_attributes(payload: &str, address: &Address, attempt: u32) -> String {
    payload
        .replace("<aws.scheduler.schedule-arn>", &address.schedule_arn)
        .replace("<aws.scheduler.scheduled-time>", &address.scheduled_time)
        .replace("<aws.scheduler.execution-id>", &address.execution_id)
        .replace("<aws.scheduler.attempt-number>", &attempt.to_string())
}
