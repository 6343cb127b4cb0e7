//! The `Resource` of a Task state: its request, answer and events.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html>

use std::fmt;

/// The integration pattern: how long the state waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// Until the service answered the request.
    RequestResponse,
    /// `.sync`: until the job has ended. The output of a nested execution is a string.
    Sync,
    /// `.sync:2`: until the nested execution has ended. Its output is JSON.
    Sync2,
    /// `.waitForTaskToken`: until a callback with the token.
    WaitForTaskToken,
}

impl Pattern {
    fn suffix(self) -> &'static str {
        match self {
            Self::RequestResponse => "",
            Self::Sync => ".sync",
            Self::Sync2 => ".sync:2",
            Self::WaitForTaskToken => ".waitForTaskToken",
        }
    }
}

/// The service behind a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Service {
    /// A Lambda function's ARN as the resource itself.
    LambdaFunction,
    /// `lambda:invoke`.
    LambdaInvoke,
    /// `states:startExecution`.
    StartExecution,
    /// `sns:publish`.
    SnsPublish,
    /// `sqs:sendMessage`.
    SqsSendMessage,
    /// `events:putEvents`.
    PutEvents,
    /// The optimized DynamoDB integration: `dynamodb:getItem` and others.
    DynamoDb {
        /// API action in lower camel case, such as `putItem`.
        action: String,
    },
    /// `aws-sdk:<service>:<action>`.
    AwsSdk {
        /// Service name of the SDK for Java, such as `dynamodb`.
        service: String,
        /// API action in lower camel case.
        action: String,
    },
}

/// A parsed `Resource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    text: String,
    /// The service.
    pub service: Service,
    /// The integration pattern.
    pub pattern: Pattern,
    resource_type: String,
    action: String,
}

impl Resource {
    /// Parses the `Resource` of a Task state.
    ///
    /// # Errors
    /// The resource is not supported by this interpreter, or the service does not offer the pattern.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        if let ["arn", _, "lambda", _, _, "function", name, ..] = parts.as_slice() {
            if name.is_empty() || parts.len() > 8 {
                return Err(format!("\"{text}\" is not the ARN of a Lambda function"));
            }
            return Ok(Self {
                text: text.to_owned(),
                service: Service::LambdaFunction,
                pattern: Pattern::RequestResponse,
                resource_type: "lambda".to_owned(),
                action: String::new(),
            });
        }
        if let ["arn", _, "states", _, _, "activity", ..] = parts.as_slice() {
            return Err("activities are not supported".to_owned());
        }
        let ["arn", _, "states", "", "", rest @ ..] = parts.as_slice() else {
            return Err(format!(
                "\"{text}\" is neither the ARN of a Lambda function nor a service integration \
                 (arn:aws:states:::<service>:<action>)"
            ));
        };
        let rest = rest.join(":");
        let (name, pattern) = split_pattern(&rest);
        Self::integration(text, name, pattern)
    }

    fn integration(text: &str, name: &str, pattern: Pattern) -> Result<Self, String> {
        let (service, resource_type, action) = match name {
            "lambda:invoke" => (Service::LambdaInvoke, "lambda", "invoke"),
            "states:startExecution" => (Service::StartExecution, "states", "startExecution"),
            "sns:publish" => (Service::SnsPublish, "sns", "publish"),
            "events:putEvents" => (Service::PutEvents, "events", "putEvents"),
            "sqs:sendMessage" => (Service::SqsSendMessage, "sqs", "sendMessage"),
            _ => match name.split(':').collect::<Vec<_>>().as_slice() {
                ["dynamodb", action @ ("getItem" | "putItem" | "updateItem" | "deleteItem")] => {
                    (Service::DynamoDb { action: (*action).to_owned() }, "dynamodb", *action)
                }
                ["aws-sdk", service, action] if is_name(service) && is_name(action) => {
                    let resource_type = format!("aws-sdk:{service}");
                    let service =
                        Service::AwsSdk { service: (*service).to_owned(), action: (*action).to_owned() };
                    return Self::checked(text, service, pattern, resource_type, action);
                }
                _ => return Err(format!("the service integration \"{name}\" is not supported")),
            },
        };
        Self::checked(text, service, pattern, resource_type.to_owned(), action)
    }

    fn checked(
        text: &str,
        service: Service,
        pattern: Pattern,
        resource_type: String,
        action: &str,
    ) -> Result<Self, String> {
        let offered = match (&service, pattern) {
            (_, Pattern::RequestResponse) => true,
            (Service::StartExecution, _) => true,
            (Service::DynamoDb { .. }, _) | (_, Pattern::Sync | Pattern::Sync2) => false,
            (_, Pattern::WaitForTaskToken) => true,
        };
        if !offered {
            return Err(format!("{resource_type}:{action} does not offer {}", pattern.suffix()));
        }
        let action = format!("{action}{}", pattern.suffix());
        Ok(Self { text: text.to_owned(), service, pattern, resource_type, action })
    }

    /// The source text in the definition.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `resourceType` in task events, such as `lambda`.
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// `resource` in task events, such as `invoke.waitForTaskToken`.
    pub fn event_resource(&self) -> &str {
        &self.action
    }

    /// Whether it is a direct function ARN. Its events are of the `LambdaFunction…` family.
    pub fn is_lambda_arn(&self) -> bool {
        self.service == Service::LambdaFunction
    }

    /// Whether `lambda:invoke`.
    pub fn is_lambda_invoke(&self) -> bool {
        self.service == Service::LambdaInvoke
    }

    /// Fields that `Parameters` must have, and all fields that it may have. `None` if any field is allowed.
    pub(crate) fn parameter_names(&self) -> Option<(&'static [&'static str], &'static [&'static str])> {
        match self.service {
            Service::LambdaInvoke => Some((
                &["FunctionName"],
                &["FunctionName", "Payload", "ClientContext", "InvocationType", "LogType", "Qualifier"],
            )),
            Service::StartExecution => {
                Some((&["StateMachineArn"], &["StateMachineArn", "Input", "Name", "TraceHeader"]))
            }
            Service::SnsPublish => Some((&["Message"], &[])),
            Service::SqsSendMessage => Some((&["QueueUrl", "MessageBody"], &[])),
            Service::PutEvents => Some((&["Entries"], &["Entries"])),
            _ => None,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn split_pattern(text: &str) -> (&str, Pattern) {
    for pattern in [Pattern::Sync2, Pattern::Sync, Pattern::WaitForTaskToken] {
        if let Some(name) = text.strip_suffix(pattern.suffix()) {
            return (name, pattern);
        }
    }
    (text, Pattern::RequestResponse)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_event_names() {
        let r = Resource::parse("arn:aws:states:::states:startExecution.sync:2").unwrap();
        assert_eq!(
            (r.pattern, r.resource_type(), r.event_resource()),
            (Pattern::Sync2, "states", "startExecution.sync:2")
        );
        let r = Resource::parse("arn:aws:states:::aws-sdk:s3:listBuckets.waitForTaskToken").unwrap();
        assert_eq!((r.resource_type(), r.event_resource()), ("aws-sdk:s3", "listBuckets.waitForTaskToken"));
        let r = Resource::parse("arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST").unwrap();
        assert!(r.is_lambda_arn());
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for text in [
            "",
            "fn",
            "arn:aws:states:::lambda:invoke.sync",
            "arn:aws:states:::glue:startJobRun.sync",
            "arn:aws:states:::dynamodb:putItem.waitForTaskToken",
            "arn:aws:states:us-east-1:000000000000:activity:a",
            "arn:aws:lambda:us-east-1:000000000000:function:",
        ] {
            assert!(Resource::parse(text).is_err(), "{text}");
        }
    }
}
