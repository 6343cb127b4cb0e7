//! Carries out the effects of Task states.

use std::sync::Arc;

use asl::{ChildExecution, Input, Pattern, Service, StartTask};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::http::AwsError;
use crate::place;
use crate::services::stepfunctions::database::{Parent, Row};
use crate::services::stepfunctions::requests::{Answer, Invoke};
use crate::services::stepfunctions::running::{Entry, Message};
use crate::services::stepfunctions::start::Given;
use crate::services::stepfunctions::{Shared, start};

/// A task's failure: error name and cause.
type Failure = (String, String);

/// Whether the endpoint supports a service in Task states. Checked when a state machine is created.
pub(super) fn is_supported(service: &Service) -> bool {
    matches!(service, Service::LambdaFunction | Service::LambdaInvoke | Service::StartExecution)
}

/// Carries out one try of a Task state, and sends the result to the execution.
pub(super) async fn carry_out(
    shared: &Arc<Shared>,
    entry: &Entry,
    start: &StartTask,
    cancellation: &CancellationToken,
) {
    let answer = match &start.resource.service {
        Service::LambdaFunction | Service::LambdaInvoke => invoke(shared, start).await,
        Service::StartExecution => match start_child(shared, entry, start).await {
            Ok(child) => {
                let answer = json!({"ExecutionArn": child.arn, "StartDate": place::seconds(child.started)});
                if is_nested(start) {
                    return follow(shared, entry, start, &child, answer, cancellation).await;
                }
                Ok(answer)
            }
            Err(failure) => Err(failure),
        },
        // State machines with any other service are refused when they are created.
        other => {
            Err(("States.Runtime".to_owned(), format!("{other:?} is not available on the embedded endpoint")))
        }
    };
    let task = start.task;
    let input = match answer {
        Err((error, cause)) => Input::TaskFailed { task, error: Some(error), cause: Some(cause) },
        Ok(response) if start.resource.pattern == Pattern::WaitForTaskToken => {
            Input::TaskSubmitted { task, response }
        }
        Ok(output) => Input::TaskSucceeded { task, output },
    };
    tell(entry, input).await;
}

/// Whether a try waits for the end of the execution that it starts.
pub(super) fn is_nested(start: &StartTask) -> bool {
    matches!(start.resource.pattern, Pattern::Sync | Pattern::Sync2)
}

/// The execution may refuse the input, because it has continued. Then the input is not needed.
async fn tell(entry: &Entry, input: Input) {
    let _ = entry.mailbox.send(Message::Input { input, answer: None }).await;
}

fn refused(service: &str, error: &AwsError) -> Failure {
    let cause = format!(
        "{} (Service: {service}; Status Code: {}; Error Code: {})",
        error.message, error.status, error.code
    );
    let code = &error.code;
    // If the API's name has no suffix, the integration's name has one (`StepFunctions.ExecutionAlreadyExistsException`).
    let suffix = if code.ends_with("Exception") { "" } else { "Exception" };
    (format!("{service}.{code}{suffix}"), cause)
}

fn text<'a>(parameters: &'a Value, name: &str) -> Option<&'a str> {
    parameters.get(name).and_then(Value::as_str)
}

async fn invoke(shared: &Shared, start: &StartTask) -> Result<Value, Failure> {
    let request = if start.resource.is_lambda_arn() {
        Invoke::of_resource(start.resource.as_str(), (*start.parameters).clone())
    } else {
        Invoke::read(&start.parameters).map_err(|e| refused("Lambda", &e))?
    };
    match request.send(&shared.lambda).await {
        Ok(Answer::Ran(Ok(answer))) => Ok(answer),
        Ok(Answer::Ran(Err(error))) => {
            let cause = serde_json::to_string(&error).unwrap_or_default();
            Err((error.error_type, cause))
        }
        // The interpreter defines the form of these answers.
        Ok(Answer::Accepted | Answer::Allowed) => Ok(json!({})),
        Err(error) => Err(refused("Lambda", &error)),
    }
}

/// Starts a nested execution, or finds it: after a crash, it is not known whether this try already started it.
async fn start_child(shared: &Arc<Shared>, entry: &Entry, start: &StartTask) -> Result<Row, Failure> {
    let parent = Parent { execution: entry.id, task: start.task.0, awaits: is_nested(start) };
    match shared.database.child_of(parent).await {
        Ok(Some(child)) => return Ok(child),
        Ok(None) => {}
        Err(error) => return Err(refused("StepFunctions", &error)),
    }
    let parameters = &start.parameters;
    let machine = text(parameters, "StateMachineArn").unwrap_or_default();
    // A missing or null input is an empty object (measured on the service).
    let input =
        parameters.get("Input").filter(|input| !input.is_null()).cloned().unwrap_or_else(|| json!({}));
    // A string is JSON text. Other values are the input themselves.
    let input = match input {
        Value::String(text) => Given::read(text).map_err(|e| refused("StepFunctions", &e))?,
        other => Given::from(other),
    };
    start::start(shared, machine, text(parameters, "Name"), input, Some(parent))
        .await
        .map_err(|e| refused("StepFunctions", &e))
}

/// Waits for the end of a nested execution, and stops it if the try is no longer needed.
async fn follow(
    shared: &Shared,
    entry: &Entry,
    start: &StartTask,
    child: &Row,
    response: Value,
    cancellation: &CancellationToken,
) {
    let task = start.task;
    tell(entry, Input::TaskSubmitted { task, response }).await;
    if let Some(running) = shared.running.get(child.id) {
        tokio::select! {
            () = running.end() => {}
            () = cancellation.cancelled() => {
                tell(&running, Input::Stop { error: None, cause: None }).await;
                return;
            }
            () = shared.closing.cancelled() => return,
        }
    }
    let input = match shared.database.execution_of(child.id).await {
        Ok(Some(row)) => Input::ChildEnded { task, child: Box::new(as_child(row)) },
        Ok(None) => return,
        Err(error) => {
            let (error, cause) = refused("StepFunctions", &error);
            Input::TaskFailed { task, error: Some(error), cause: Some(cause) }
        }
    };
    tell(entry, input).await;
}

fn as_child(row: Row) -> ChildExecution {
    let moment = |ms: i64| Timestamp::from_millisecond(ms).unwrap_or_default();
    let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
    ChildExecution {
        execution_arn: row.arn,
        name: row.name,
        state_machine_arn: row.machine_arn,
        status: row.status,
        start_date: moment(row.started),
        stop_date: moment(row.stopped.unwrap_or(row.started)),
        input: json(&row.input),
        output: row.output.as_deref().map(json),
        error: row.error,
        cause: row.cause,
    }
}
