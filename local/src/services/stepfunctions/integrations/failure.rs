//! Names and causes of errors.
//!
//! Optimized integrations were built on version 1 of the SDK for Java, the others on version 2, and the texts of
//! their exceptions show it. The prefixes are `DynamoDB` and `DynamoDb`:
//! <https://docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html>

use super::table::Api;
use crate::http::AwsError;

/// Error name and cause.
pub(super) type Failure = (String, String);

/// An error of `aws-sdk:<service>`.
pub(super) fn of_sdk(api: &Api, error: &AwsError) -> Failure {
    let prefix = api.prefix;
    let name = if api.unmodelled.contains(&error.code.as_ref()) || is_common(&error.code) {
        format!("{prefix}.{prefix}Exception")
    } else {
        format!("{prefix}.{}", with_suffix(&error.code))
    };
    let cause = format!(
        "{} (Service: {prefix}, Status Code: {}, Request ID: {}) (SDK Attempt Count: 1)",
        error.message,
        error.status,
        uuid::Uuid::new_v4()
    );
    (name, cause)
}

/// An error of the optimized integration of DynamoDB.
pub(super) fn of_dynamodb(error: &AwsError) -> Failure {
    let base = error.code == "ValidationException" || is_common(&error.code);
    let name = if base { "AmazonDynamoDBException".to_owned() } else { with_suffix(&error.code) };
    (format!("DynamoDB.{name}"), cause("AmazonDynamoDBv2", error))
}

/// An error of the optimized integration of EventBridge.
pub(super) fn of_events(error: &AwsError) -> Failure {
    let base = error.code == "ValidationException" || is_common(&error.code);
    let name = if base { "AmazonEventBridgeException".to_owned() } else { with_suffix(&error.code) };
    (format!("EventBridge.{name}"), cause("AmazonEventBridge", error))
}

fn cause(service: &str, error: &AwsError) -> String {
    format!(
        "{} (Service: {service}; Status Code: {}; Error Code: {}; Request ID: {}; Proxy: null)",
        error.message,
        error.status,
        error.code,
        uuid::Uuid::new_v4()
    )
}

/// Errors that every service has, and no model.
fn is_common(code: &str) -> bool {
    matches!(code, "AccessDeniedException" | "InternalFailure" | "NotImplemented" | "SerializationException")
}

/// Classes of the SDK end so, whatever the code does.
fn with_suffix(code: &str) -> String {
    let suffix = if code.ends_with("Exception") { "" } else { "Exception" };
    format!("{code}{suffix}")
}
