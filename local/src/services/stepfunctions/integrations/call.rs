//! Carrying out a call.

use std::future::Future;
use std::pin::Pin;

use asl::{Service, StartTask};
use serde_json::{Map, Value, json};

use super::casing;
use super::failure::{self, Failure};
use super::table::{self, Api, LAMBDA, SNS};
use crate::http::AwsError;
use crate::services::stepfunctions::Shared;
use crate::services::stepfunctions::requests::{self, Answer, Invoke};

/// Calls a service as a Task state of an execution says. The answer has the integration's names.
pub(in crate::services::stepfunctions) async fn call(
    shared: &Shared,
    execution: i64,
    start: &StartTask,
) -> Result<Value, Failure> {
    let parameters = &start.parameters;
    match &start.resource.service {
        Service::DynamoDb { action } => {
            let target = format!("DynamoDB_20120810.{}", upper(action));
            json_api(shared, target, parameters).await.map_err(|error| failure::of_dynamodb(&error))
        }
        Service::PutEvents => put_events(shared, execution, parameters).await,
        Service::AwsSdk { service, action } => {
            let api = table::find(service).ok_or_else(|| unsupported(&start.resource.service))?;
            sdk(shared, api, action, parameters).await.map_err(|error| failure::of_sdk(api, &error))
        }
        other => Err(unsupported(other)),
    }
}

fn unsupported(service: &Service) -> Failure {
    ("States.Runtime".to_owned(), format!("{service:?} is not supported by the embedded endpoint"))
}

async fn sdk(shared: &Shared, api: &Api, action: &str, parameters: &Value) -> Result<Value, AwsError> {
    match api.name {
        LAMBDA => invoke(shared, parameters).await,
        SNS => requests::publish(&shared.sns, parameters).await.map(|id| json!({"MessageId": id})),
        _ => {
            let target = format!("{}.{}", api.target, upper(action));
            let answer = if api.lower_case {
                casing::to_integration(&json_api(shared, target, &casing::to_service(parameters)).await?)
            } else {
                json_api(shared, target, parameters).await?
            };
            Ok(casing::with_moments(answer))
        }
    }
}

/// A request of a JSON protocol. The future has a name of its own, because the services call each other in circles.
fn json_api<'a>(
    shared: &'a Shared,
    target: String,
    body: &Value,
) -> Pin<Box<dyn Future<Output = Result<Value, AwsError>> + Send + 'a>> {
    let body = body.to_string();
    Box::pin(async move {
        let gone = || AwsError::internal("the endpoint is shutting down");
        let services = shared.link.services().await.ok_or_else(gone)?;
        let reply = services.json(&target, body.as_bytes(), "application/x-amz-json-1.0", None).await?;
        let answer: Value = serde_json::from_slice(&reply.body).map_err(AwsError::internal)?;
        if reply.status < 400 {
            return Ok(answer);
        }
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let code = text("__type").map_or("InternalFailure", |code| code.rsplit('#').next().unwrap_or(code));
        let message = text("message").or_else(|| text("Message")).unwrap_or_default();
        Err(AwsError::client(code.to_owned(), message).with_status(reply.status))
    })
}

/// `aws-sdk:lambda:invoke`: a function's error is part of the answer, not of the task.
async fn invoke(shared: &Shared, parameters: &Value) -> Result<Value, AwsError> {
    let ran = match Invoke::read(parameters)?.send(&shared.lambda).await? {
        Answer::Accepted => return Ok(json!({"Payload": "", "StatusCode": 202})),
        Answer::Allowed => return Ok(json!({"Payload": "", "StatusCode": 204})),
        Answer::Ran(ran) => ran,
    };
    let mut answer = Map::from_iter([
        ("ExecutedVersion".to_owned(), json!("$LATEST")),
        ("StatusCode".to_owned(), json!(200)),
    ]);
    let payload = match ran {
        Ok(payload) => payload.to_string(),
        Err(error) => {
            answer.insert("FunctionError".to_owned(), json!("Unhandled"));
            serde_json::to_string(&error).map_err(AwsError::internal)?
        }
    };
    answer.insert("Payload".to_owned(), payload.into());
    Ok(Value::Object(answer))
}

/// `events:putEvents`: details may be JSON, the ARNs of execution and machine are added to the resources, and an
/// entry that fails fails the task.
///
/// <https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html>
async fn put_events(shared: &Shared, execution: i64, parameters: &Value) -> Result<Value, Failure> {
    let row = shared.database.execution_of(execution).await.map_err(|error| failure::of_events(&error))?;
    let origin = row.map(|row| [row.arn, row.machine_arn]);
    let mut request = parameters.clone();
    let entries = request.get_mut("Entries").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten() {
        if let Some(detail) = entry.get_mut("Detail").filter(|detail| !detail.is_string()) {
            *detail = Value::String(detail.to_string());
        }
        if let (Some(entry), Some(origin)) = (entry.as_object_mut(), &origin) {
            let resources = entry.entry("Resources").or_insert_with(|| json!([]));
            if let Some(resources) = resources.as_array_mut() {
                resources.extend(origin.iter().map(|arn| json!(arn)));
            }
        }
    }
    let answer = json_api(shared, "AWSEvents.PutEvents".to_owned(), &request)
        .await
        .map_err(|error| failure::of_events(&error))?;
    if answer.get("FailedEntryCount").and_then(Value::as_u64).unwrap_or(0) > 0 {
        return Err(("EventBridge.FailedEntry".to_owned(), answer.to_string()));
    }
    Ok(answer)
}

/// The action as the API has it.
fn upper(action: &str) -> String {
    let mut characters = action.chars();
    characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect()
}
