//! What an ARN names, and how it is given a payload.

use serde_json::{Value, json};

use crate::http::AwsError;
use crate::services::Services;
use crate::services::sns::Message;

/// The kinds of targets that EventBridge and Scheduler have here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A Lambda function, invoked asynchronously.
    Function,
    /// A state machine, of which an execution is started.
    StateMachine,
    /// An SNS topic, published to.
    Topic,
}

impl Kind {
    /// The kind of a target.
    ///
    /// # Errors
    /// `ValidationException` for what is no ARN, 501 for a service that this endpoint does not call.
    pub(crate) fn of(arn: &str) -> Result<Self, AwsError> {
        let parts: Vec<&str> = arn.split(':').collect();
        match parts.as_slice() {
            ["arn", "aws", "lambda", _, _, "function", _, ..] => Ok(Self::Function),
            ["arn", "aws", "states", _, _, "stateMachine", _] => Ok(Self::StateMachine),
            ["arn", "aws", "sns", _, _, _] => Ok(Self::Topic),
            ["arn", _, service, _, _, _, ..] => {
                Err(AwsError::not_implemented(format_args!("a target of service {service} ({arn})")))
            }
            _ => Err(AwsError::client("ValidationException", "Provided Arn is not in correct format.")),
        }
    }
}

/// Gives a payload to a target. `name` is the name of an execution that is started: the same for each try, so that
/// the machine runs once.
///
/// # Errors
/// As the target's service refuses it. Errors below 500 stay as they are, however often it is tried.
pub(crate) async fn call(services: &Services, arn: &str, name: &str, payload: &str) -> Result<(), AwsError> {
    match Kind::of(arn)? {
        Kind::Function => services.lambda.accept(arn, json(payload)).await,
        Kind::StateMachine => {
            let body = json!({"stateMachineArn": arn, "name": name, "input": payload}).to_string();
            match services.step_functions.call("StartExecution", body.as_bytes()).await {
                // An earlier try did it, and its answer was lost.
                Err(error) if error.code == "ExecutionAlreadyExists" => Ok(()),
                answer => answer.map(|_| ()),
            }
        }
        Kind::Topic => {
            // A payload that is a JSON string is published as its text.
            let message = match json(payload) {
                Value::String(text) => text,
                _ => payload.to_owned(),
            };
            let message =
                Message { topic_arn: arn.to_owned(), subject: None, message, attributes: "{}".to_owned() };
            services.sns.keep(message, None).await.map(|_| ())
        }
    }
}

/// A payload that is not JSON reaches a function as a string.
fn json(payload: &str) -> Value {
    serde_json::from_str(payload).unwrap_or_else(|_| Value::String(payload.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_have_their_kinds() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
        assert_eq!(Kind::of(arn).unwrap(), Kind::Function);
        assert_eq!(Kind::of(&format!("{arn}:$LATEST")).unwrap(), Kind::Function);
        let arn = "arn:aws:states:us-east-1:000000000000:stateMachine:m";
        assert_eq!(Kind::of(arn).unwrap(), Kind::StateMachine);
        assert_eq!(Kind::of("arn:aws:sns:us-east-1:000000000000:t").unwrap(), Kind::Topic);
        let refused = Kind::of("arn:aws:sqs:us-east-1:000000000000:q").unwrap_err();
        assert_eq!(refused.status, 501);
        assert!(refused.message.contains("sqs"), "{}", refused.message);
        assert_eq!(Kind::of("f").unwrap_err().code, "ValidationException");
    }
}
