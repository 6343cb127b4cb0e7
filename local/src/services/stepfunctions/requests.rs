//! What Task states ask of Lambda and SNS. The same members mean the same in the optimized integrations and in the
//! SDK's; what is not carried out is refused by its name.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html>,
//! <https://docs.aws.amazon.com/step-functions/latest/dg/connect-sns.html>

use serde_json::{Value, json};

use crate::http::AwsError;
use crate::services::lambda::{Invoked, Lambda};
use crate::services::sns::{Message, Sns};

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

/// What Lambda says to it.
pub(super) enum Answer {
    /// The function ran.
    Ran(Invoked),
    /// It will: status 202.
    Accepted,
    /// It could: status 204.
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
            // A text is JSON text.
            Some(Value::String(text)) => serde_json::from_str(text).map_err(|e| not_json(&e))?,
            None | Some(Value::Null) => json!({}),
            Some(value) => value.clone(),
        };
        Ok(Self { function, event, kind })
    }

    /// A function that is the state's resource itself, with the state's input.
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

/// `sns:publish`; answers with the message's id.
pub(super) async fn publish(sns: &Sns, parameters: &Value) -> Result<String, AwsError> {
    let known = ["TopicArn", "TargetArn", "Subject", "Message", "MessageAttributes", "MessageStructure"];
    refuse_others("Publish", parameters, &known)?;
    let text = |name: &str| text(parameters, name);
    let message = match parameters.get("Message") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let message = Message {
        topic_arn: text("TopicArn").or_else(|| text("TargetArn")).unwrap_or_default().to_owned(),
        subject: text("Subject").map(str::to_owned),
        message,
        attributes: parameters.get("MessageAttributes").map(Value::to_string).unwrap_or_default(),
    };
    sns.keep(message, text("MessageStructure")).await
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
