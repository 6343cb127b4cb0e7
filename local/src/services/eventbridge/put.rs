//! `PutEvents` and `TestEventPattern`.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::bus::is_default;
use super::event::Event;
use super::rules::check_pattern;
use super::{EventBridge, invalid};
use crate::http::{AwsError, answer, parse};

/// Entries of one request (service model).
const ENTRIES: usize = 10;

/// Bytes of all entries of one request: 1 MB since January 2026, 256 KB before.
///
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html>
const LARGEST: usize = 1_048_576;

/// What a given time counts (same page).
const TIME_SIZE: usize = 14;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Entry {
    time: Option<f64>,
    source: Option<String>,
    resources: Option<Vec<String>>,
    detail_type: Option<String>,
    detail: Option<String>,
    event_bus_name: Option<String>,
    /// Only passed on to X-Ray by the service.
    #[serde(rename = "TraceHeader")]
    _trace_header: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Test {
    event_pattern: String,
    event: String,
}

/// An entry's refusal: code and message.
type Refusal = (&'static str, String);

impl EventBridge {
    pub(super) async fn put_events(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Put = parse("PutEvents", body)?;
        if !(1..=ENTRIES).contains(&request.entries.len()) {
            return Err(invalid(format!(
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have \
                 length between 1 and {ENTRIES}, inclusive"
            )));
        }
        if request.entries.iter().map(Entry::size).sum::<usize>() > LARGEST {
            return Err(invalid("Total size of the entries in the request is over the limit."));
        }
        let events: Vec<Result<Event, Refusal>> = request.entries.into_iter().map(Entry::event).collect();
        let results: Vec<Value> = events
            .iter()
            .map(|event| match event {
                Ok(event) => json!({"EventId": event.id()}),
                Err((code, message)) => json!({"ErrorCode": code, "ErrorMessage": message}),
            })
            .collect();
        let failed = events.iter().filter(|event| event.is_err()).count();
        self.accept(events.into_iter().flatten().collect()).await?;
        answer(&json!({"FailedEntryCount": failed, "Entries": results}))
    }
}

impl Entry {
    fn size(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let time = if self.time.is_some() { TIME_SIZE } else { 0 };
        let resources: usize = self.resources.iter().flatten().map(String::len).sum();
        time + resources + length(&self.source) + length(&self.detail_type) + length(&self.detail)
    }

    fn event(self) -> Result<Event, Refusal> {
        let source = required("Source", self.source)?;
        let detail_type = required("DetailType", self.detail_type)?;
        let detail = required("Detail", self.detail)?;
        if source.starts_with("aws.") {
            let message = "Not authorized for the source.";
            return Err(("NotAuthorizedForSourceException", message.to_owned()));
        }
        if !is_default(self.event_bus_name.as_deref()) {
            let bus = self.event_bus_name.unwrap_or_default();
            return Err(("ResourceNotFoundException", format!("Event bus {bus} does not exist.")));
        }
        let detail: Value = serde_json::from_str(&detail)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| ("MalformedDetail", "Detail is malformed.".to_owned()))?;
        let time = match self.time {
            None => Timestamp::now(),
            // Seconds since 1970; events have no fractions of them.
            Some(seconds) => Timestamp::from_second(seconds as i64).map_err(|_| {
                ("InvalidArgument", "Parameter Time is not valid. Reason: out of range.".to_owned())
            })?,
        };
        Ok(Event::new(source, detail_type, time, self.resources.unwrap_or_default(), detail))
    }
}

fn required(name: &str, value: Option<String>) -> Result<String, Refusal> {
    value.filter(|text| !text.is_empty()).ok_or_else(|| {
        let message = format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
        ("InvalidArgument", message)
    })
}

/// Members that an event to be tested must have (EventBridge API reference, `TestEventPattern`).
const REQUIRED: [&str; 7] = ["id", "account", "source", "time", "region", "resources", "detail-type"];

pub(super) fn test_event_pattern(body: &[u8]) -> Result<Vec<u8>, AwsError> {
    let request: Test = parse("TestEventPattern", body)?;
    let pattern = check_pattern(&request.event_pattern)?;
    let event: Value = serde_json::from_str(&request.event)
        .map_err(|e| invalid(format!("Parameter Event is not valid. Reason: it is not JSON: {e}")))?;
    if let Some(missing) = REQUIRED.iter().find(|member| event.get(member).is_none()) {
        return Err(invalid(format!(
            "Parameter Event is not valid. Reason: {missing} is a required argument."
        )));
    }
    answer(&json!({"Result": pattern.matches(&event)}))
}
