//! `lambda:invoke` of Task states. Unsupported parameters are refused by name.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html>

use serde_json::{Value, json};

use crate::http::AwsError;
use crate::services::lambda::{Invoked, Lambda};

/// `lambda:invoke`.
pub(super) struct Invoke {
    function: String,
    event: Value,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    RequestResponse,
    Event,
    DryRun,
}

/// The answer of Lambda.
pub(super) enum Answer {
    /// The function ran.
    Ran(Invoked),
    /// It was queued: status 202.
    Accepted,
    /// It was only checked: status 204.
    Allowed,
}

impl Invoke {
    /// Reads the parameters.
    pub(super) fn read(parameters: &Value) -> Result<Self, AwsError> {
        let known = ["FunctionName", "Qualifier", "Payload", "InvocationType", "LogType"];
        refuse_others("Invoke", parameters, &known)?;
        let text = |name: &str| text(parameters, name);
        let kind = match text("InvocationType").unwrap_or("RequestResponse") {
            "RequestResponse" => Kind::RequestResponse,
            "Event" => Kind::Event,
            "DryRun" => Kind::DryRun,
            other => {
                let message = format!(
                    "1 validation error detected: Value '{other}' at 'invocationType' failed to satisfy constraint: \
                     Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
                );
                return Err(AwsError::client("ValidationException", message));
            }
        };
        if text("LogType").is_some_and(|kind| kind != "None") {
            return Err(AwsError::not_implemented("LogType other than None in a Task state's Invoke"));
        }
        let name = text("FunctionName").unwrap_or_default();
        let function =
            text("Qualifier").map_or_else(|| name.to_owned(), |qualifier| format!("{name}:{qualifier}"));
        let event = match parameters.get("Payload") {
            // A string is JSON text.
            Some(Value::String(text)) => serde_json::from_str(text).map_err(|e| not_json(&e))?,
            None | Some(Value::Null) => json!({}),
            Some(value) => value.clone(),
        };
        Ok(Self { function, event, kind })
    }

    /// A function that is itself the state's resource, with the state's input.
    pub(super) fn of_resource(function: &str, event: Value) -> Self {
        Self { function: function.to_owned(), event, kind: Kind::RequestResponse }
    }

    pub(super) async fn send(self, lambda: &Lambda) -> Result<Answer, AwsError> {
        match self.kind {
            Kind::RequestResponse => lambda.invoke(&self.function, self.event).await.map(Answer::Ran),
            Kind::Event => lambda.accept(&self.function, self.event).await.map(|()| Answer::Accepted),
            Kind::DryRun => lambda.find(&self.function).map(|_| Answer::Allowed),
        }
    }
}

fn not_json(error: &serde_json::Error) -> AwsError {
    let message = format!("Could not parse request body into json: {error}");
    AwsError::client("InvalidRequestContentException", message)
}

fn refuse_others(operation: &str, parameters: &Value, known: &[&str]) -> Result<(), AwsError> {
    let mut names = parameters.as_object().into_iter().flat_map(|members| members.keys());
    match names.find(|name| !known.contains(&name.as_str())) {
        Some(name) => {
            Err(AwsError::not_implemented(format_args!("parameter {name} of a Task state's {operation}")))
        }
        None => Ok(()),
    }
}

fn text<'a>(parameters: &'a Value, name: &str) -> Option<&'a str> {
    parameters.get(name).and_then(Value::as_str)
}
