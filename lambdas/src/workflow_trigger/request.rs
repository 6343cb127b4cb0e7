//! Requests of the function: by a caller, an event or a schedule.

use rsqlflow_core::event_start::{EventRequest, ScheduledRequest};
use rsqlflow_core::message::TriggerRequest;
use serde_json::Value;

use crate::HandlerError;
use crate::dispatch::read;

/// Parses a payload. A payload with `event` comes from a rule of EventBridge, one with `scheduled_time` from a schedule.
///
/// # Errors
/// `InvalidRequest` with all problems.
pub(crate) fn request(payload: Value) -> Result<TriggerRequest, HandlerError> {
    if payload.get("scheduled_time").is_some() {
        let request: ScheduledRequest = read(payload)?;
        return request.trigger().map_err(HandlerError::InvalidEvent);
    }
    if payload.get("event").is_none() {
        return read(payload);
    }
    let request: EventRequest = read(payload)?;
    let event = request.event.get("id").and_then(Value::as_str).unwrap_or_default();
    tracing::info!(start = request.start.name, event, "an event");
    request.trigger().map_err(HandlerError::InvalidEvent)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn callers_and_events_ask_alike() {
        let asked = request(json!({ "workflow_id": "w", "workflow_execution_id": "e" })).unwrap();
        assert_eq!(asked.workflow_execution_id.unwrap().as_str(), "e");
        let start = json!({ "name": "n", "workflow_id": "w", "parameters": { "p": "$.detail.p" } });
        let asked =
            request(json!({ "start": start, "event": { "id": "1", "detail": { "p": "x" } } })).unwrap();
        assert_eq!(asked.parameters, Some(json!({ "p": "x" })));
        assert!(asked.workflow_execution_id.unwrap().as_str().starts_with("n_"));
        let start = json!({ "name": "n", "workflow_id": "w" });
        let asked = request(json!({ "start": start, "scheduled_time": "2026-11-29T01:30:00Z" })).unwrap();
        assert_eq!(asked.workflow_execution_id.unwrap().as_str(), "n_20261129T013000Z");
    }

    #[test]
    fn what_is_wrong_is_told_at_once() {
        let start = json!({ "name": "n", "workflow_id": "w", "parameters": { "p": "$.p", "q": "$.q" } });
        let error = request(json!({ "start": start, "event": { "id": "1" } })).unwrap_err().to_string();
        assert!(error.contains("no field $.p") && error.contains("no field $.q"), "{error}");
        for payload in
            [json!({ "event": {} }), json!({ "event": {}, "workflow_id": "w" }), json!({}), json!(null)]
        {
            assert!(matches!(request(payload), Err(HandlerError::InvalidRequest(_))));
        }
    }
}
