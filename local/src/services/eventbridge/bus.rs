//! `ListEventBuses` and `DescribeEventBus`, and what they have in common with all operations: there is one bus.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{BUS, EventBridge};
use crate::http::{AwsError, answer, parse};
use crate::place;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    name_prefix: Option<String>,
    /// There is one page.
    #[serde(rename = "Limit")]
    _limit: Option<u32>,
    #[serde(rename = "NextToken")]
    _next_token: Option<String>,
}

impl EventBridge {
    pub(super) fn describe_event_bus(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Describe = parse("DescribeEventBus", body)?;
        need_default(request.name.as_deref())?;
        answer(&self.bus())
    }

    pub(super) fn list_event_buses(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: List = parse("ListEventBuses", body)?;
        let prefix = request.name_prefix.unwrap_or_default();
        let buses: Vec<Value> = BUS.starts_with(&prefix).then(|| self.bus()).into_iter().collect();
        answer(&json!({"EventBuses": buses}))
    }

    fn bus(&self) -> Value {
        let since = place::seconds(self.started);
        json!({"Name": BUS, "Arn": arn(), "CreationTime": since, "LastModifiedTime": since})
    }
}

/// The bus's ARN.
pub(super) fn arn() -> String {
    place::arn("events", format_args!("event-bus/{BUS}"))
}

/// Whether a name or ARN is the one bus's.
pub(super) fn is_default(bus: Option<&str>) -> bool {
    bus.is_none_or(|bus| bus == BUS || bus == arn())
}

/// Refuses every bus but the default one.
pub(super) fn need_default(bus: Option<&str>) -> Result<(), AwsError> {
    if is_default(bus) {
        return Ok(());
    }
    let message = format!("Event bus {} does not exist.", bus.unwrap_or(BUS));
    Err(AwsError::client("ResourceNotFoundException", message))
}
