//! Renders events as JSON of the API.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{EventKind, HistoryEvent};

/// The members of a payload and of the flag beside it.
const INPUT: [&str; 2] = ["input", "inputDetails"];
const OUTPUT: [&str; 2] = ["output", "outputDetails"];

/// Every payload of execution data.
const DATA: [[&str; 2]; 2] = [INPUT, OUTPUT];

impl HistoryEvent {
    /// The event as GetExecutionHistory shows it: `timestamp` in seconds with a fraction, payloads as JSON text.
    /// Without `include_data` (the API's `includeExecutionData`) it is reduced as by [`without_data`].
    pub fn to_json(&self, include_data: bool) -> Value {
        let mut event = Map::new();
        event.insert("timestamp".into(), json!(self.timestamp.as_millisecond() as f64 / 1000.0));
        event.insert("type".into(), self.kind.type_name().into());
        event.insert("id".into(), self.id.into());
        event.insert("previousEventId".into(), self.previous_event_id.into());
        if let Some((member, details)) = details(&self.kind) {
            event.insert(member.into(), Value::Object(details));
        }
        let mut event = Value::Object(event);
        if !include_data {
            without_data(&mut event);
        }
        event
    }
}

/// Reduces a rendered event to what GetExecutionHistory returns with `includeExecutionData` false: inputs and outputs are
/// removed. A task's parameters and a failure's cause remain, as in the service.
///
/// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html>
pub fn without_data(event: &mut Value) {
    let members = event.as_object_mut().into_iter().flat_map(Map::values_mut);
    for details in members.filter_map(Value::as_object_mut) {
        // Not `remove`, which would change the order of members.
        details.retain(|member, _| !DATA.iter().any(|[payload, flag]| member == payload || member == flag));
    }
}

fn details(kind: &EventKind) -> Option<(&'static str, Map<String, Value>)> {
    use EventKind as E;
    let mut d = Details { map: Map::new() };
    let member = match kind {
        E::ExecutionStarted { input, role_arn } => {
            d.payload(INPUT, input);
            d.text("roleArn", role_arn);
            "executionStartedEventDetails"
        }
        E::ExecutionSucceeded { output } => {
            d.payload(OUTPUT, output);
            "executionSucceededEventDetails"
        }
        E::ExecutionFailed { error, cause } => d.failure("executionFailedEventDetails", error, cause),
        E::ExecutionAborted { error, cause } => d.failure("executionAbortedEventDetails", error, cause),
        E::ExecutionTimedOut { error, cause } => d.failure("executionTimedOutEventDetails", error, cause),
        E::StateEntered { name, input, .. } => {
            d.text("name", name);
            d.payload(INPUT, input);
            "stateEnteredEventDetails"
        }
        E::StateExited { name, output, assigned, .. } => {
            d.text("name", name);
            d.payload(OUTPUT, output);
            if !assigned.is_empty() {
                let texts = assigned.iter().map(|(n, v)| (n.to_string(), Value::from(&**v)));
                d.map.insert("assignedVariables".into(), Value::Object(texts.collect()));
                d.map.insert("assignedVariablesDetails".into(), json!({"truncated": false}));
            }
            "stateExitedEventDetails"
        }
        E::MapStateStarted { length } => {
            d.map.insert("length".into(), json!(length));
            "mapStateStartedEventDetails"
        }
        E::MapIterationStarted { name, index } => {
            d.iteration("mapIterationStartedEventDetails", name, *index)
        }
        E::MapIterationSucceeded { name, index } => {
            d.iteration("mapIterationSucceededEventDetails", name, *index)
        }
        E::MapIterationFailed { name, index } => d.iteration("mapIterationFailedEventDetails", name, *index),
        E::MapIterationAborted { name, index } => {
            d.iteration("mapIterationAbortedEventDetails", name, *index)
        }
        E::LambdaFunctionScheduled { resource, input, timeout_seconds } => {
            d.text("resource", resource.as_str());
            d.payload(INPUT, input);
            d.seconds("timeoutInSeconds", *timeout_seconds);
            "lambdaFunctionScheduledEventDetails"
        }
        E::LambdaFunctionSucceeded { output } => {
            d.payload(OUTPUT, output);
            "lambdaFunctionSucceededEventDetails"
        }
        E::LambdaFunctionFailed { error, cause } => {
            d.failure("lambdaFunctionFailedEventDetails", error, cause)
        }
        E::LambdaFunctionTimedOut { error, cause } => {
            d.failure("lambdaFunctionTimedOutEventDetails", error, cause)
        }
        E::TaskScheduled { resource, region, parameters, timeout_seconds, heartbeat_seconds } => {
            d.resource(resource);
            d.text("region", region);
            d.text("parameters", parameters);
            d.seconds("timeoutInSeconds", *timeout_seconds);
            d.seconds("heartbeatInSeconds", *heartbeat_seconds);
            "taskScheduledEventDetails"
        }
        E::TaskStarted { resource } => {
            d.resource(resource);
            "taskStartedEventDetails"
        }
        E::TaskSubmitted { resource, output } => {
            d.resource(resource);
            d.payload(OUTPUT, output);
            "taskSubmittedEventDetails"
        }
        E::TaskSucceeded { resource, output } => {
            d.resource(resource);
            d.payload(OUTPUT, output);
            "taskSucceededEventDetails"
        }
        E::TaskFailed { resource, error, cause } => {
            d.resource(resource);
            d.failure("taskFailedEventDetails", error, cause)
        }
        E::TaskTimedOut { resource, error, cause } => {
            d.resource(resource);
            d.failure("taskTimedOutEventDetails", error, cause)
        }
        E::StateAborted { .. }
        | E::ParallelStateStarted
        | E::ParallelStateSucceeded
        | E::ParallelStateFailed
        | E::MapStateSucceeded
        | E::MapStateFailed
        | E::LambdaFunctionStarted => return None,
    };
    Some((member, d.map))
}

struct Details {
    map: Map<String, Value>,
}

impl Details {
    fn text(&mut self, member: &str, text: &str) {
        self.map.insert(member.into(), text.into());
    }

    fn payload(&mut self, [payload, flag]: [&str; 2], text: &str) {
        self.text(payload, text);
        self.map.insert(flag.into(), json!({"truncated": false}));
    }

    fn seconds(&mut self, member: &str, seconds: Option<i64>) {
        if let Some(seconds) = seconds {
            self.map.insert(member.into(), seconds.into());
        }
    }

    fn resource(&mut self, resource: &crate::resource::Resource) {
        self.text("resourceType", resource.resource_type());
        self.text("resource", resource.event_resource());
    }

    fn iteration(&mut self, member: &'static str, name: &str, index: usize) -> &'static str {
        self.text("name", name);
        self.map.insert("index".into(), json!(index));
        member
    }

    fn failure(
        &mut self,
        member: &'static str,
        error: &Option<Arc<str>>,
        cause: &Option<Arc<str>>,
    ) -> &'static str {
        if let Some(error) = error {
            self.text("error", error);
        }
        if let Some(cause) = cause {
            self.text("cause", cause);
        }
        member
    }
}
