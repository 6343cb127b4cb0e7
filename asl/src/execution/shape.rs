//! The form of services' answers in the state machine.

use serde_json::{Map, Value, json};

use super::api::{ChildExecution, StartTask};
use crate::random::Random;
use crate::resource::Service;

/// A service's answer as the state's result.
pub(super) fn response(start: &StartTask, answer: Value, random: &Random) -> Value {
    match start.resource.service {
        Service::LambdaFunction | Service::AwsSdk { .. } => answer,
        Service::LambdaInvoke => {
            // An event is queued and a dry run is only checked, so neither has a result.
            let status = match start.parameters.get("InvocationType").and_then(Value::as_str) {
                Some("Event") => 202,
                Some("DryRun") => 204,
                _ => 200,
            };
            let mut shaped = Map::new();
            if status != 200 {
                shaped.insert("Payload".into(), Value::String(String::new()));
            } else {
                shaped.insert("ExecutedVersion".into(), "$LATEST".into());
                shaped.insert("Payload".into(), answer);
            }
            add_metadata(&mut shaped, random);
            shaped.insert("StatusCode".into(), status.into());
            Value::Object(shaped)
        }
        Service::StartExecution
        | Service::SnsPublish
        | Service::SqsSendMessage
        | Service::PutEvents
        | Service::DynamoDb { .. } => match answer {
            Value::Object(mut map) => {
                add_metadata(&mut map, random);
                Value::Object(map)
            }
            other => other,
        },
    }
}

fn add_metadata(map: &mut Map<String, Value>, random: &Random) {
    let request_id = random.uuid();
    let http = json!({
        "AllHttpHeaders": {"x-amzn-RequestId": [request_id], "Content-Type": ["application/json"]},
        "HttpHeaders": {"x-amzn-RequestId": request_id, "Content-Type": "application/json"},
        "HttpStatusCode": 200,
    });
    map.insert("SdkHttpMetadata".into(), http);
    map.insert("SdkResponseMetadata".into(), json!({"RequestId": request_id}));
}

/// The end of a nested execution, as the result (or the cause of failure) of a `.sync` task. With `parse`, its input and
/// output are JSON (`.sync:2`), else strings.
///
/// <https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html>
pub(super) fn child(child: &ChildExecution, parse: bool) -> Value {
    let payload = |value: &Value| if parse { value.clone() } else { Value::String(value.to_string()) };
    let mut shaped = Map::new();
    if let Some(cause) = &child.cause {
        shaped.insert("Cause".into(), cause.as_str().into());
    }
    if let Some(error) = &child.error {
        shaped.insert("Error".into(), error.as_str().into());
    }
    shaped.insert("ExecutionArn".into(), child.execution_arn.as_str().into());
    shaped.insert("Input".into(), payload(&child.input));
    shaped.insert("InputDetails".into(), json!({"Included": true}));
    shaped.insert("Name".into(), child.name.as_str().into());
    if let Some(output) = &child.output {
        shaped.insert("Output".into(), payload(output));
        shaped.insert("OutputDetails".into(), json!({"Included": true}));
    }
    shaped.insert("StartDate".into(), child.start_date.as_millisecond().into());
    shaped.insert("StateMachineArn".into(), child.state_machine_arn.as_str().into());
    shaped.insert("Status".into(), child.status.as_str().into());
    shaped.insert("StopDate".into(), child.stop_date.as_millisecond().into());
    Value::Object(shaped)
}
