//! How the errors of the services, as their SDKs read them from an answer, are sorted.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::io::{Read, Write};
use std::net::TcpListener;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::AttributeValue;
use rsqlflow_store::{ErrorClass, ServiceError, is_token_closed};

/// A configuration of clients whose every call is answered so; with `None` the connection ends instead.
fn answering(answer: Option<(u16, &'static str, String)>) -> SdkConfig {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 65_536];
            let _ = stream.read(&mut request);
            if let Some((status, content, body)) = &answer {
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\ncontent-type: {content}\r\ncontent-length: {length}\r\n\
                     connection: close\r\n\r\n{body}"
                );
            }
        }
    });
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "id", "key", None, None, "test",
        )))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .build()
}

fn json(status: u16, code: &str) -> SdkConfig {
    let body = format!(r#"{{"__type":"com.amazonaws.service#{code}","message":"why"}}"#);
    answering(Some((status, "application/x-amz-json-1.0", body)))
}

async fn of_dynamodb(sdk: &SdkConfig) -> ServiceError {
    let client = aws_sdk_dynamodb::Client::new(sdk);
    let key = AttributeValue::S("x".to_owned());
    let sent = client.get_item().table_name("table").key("k", key).send().await;
    ServiceError::of("GetItem", "table", &sent.unwrap_err())
}

async fn of_token(sdk: &SdkConfig) -> ServiceError {
    let sent = aws_sdk_sfn::Client::new(sdk).send_task_heartbeat().task_token("t").send().await;
    ServiceError::of("SendTaskHeartbeat", "", &sent.unwrap_err())
}

async fn of_command(sdk: &SdkConfig) -> ServiceError {
    let client = aws_sdk_ssm::Client::new(sdk);
    let sent = client.send_command().document_name("d").instance_ids("i-1").send().await;
    ServiceError::of("SendCommand", "i-1", &sent.unwrap_err())
}

async fn of_topic(sdk: &SdkConfig) -> ServiceError {
    let sent = aws_sdk_sns::Client::new(sdk).publish().topic_arn("arn:t").message("m").send().await;
    ServiceError::of("Publish", "arn:t", &sent.unwrap_err())
}

#[tokio::test]
async fn codes_of_every_service_are_sorted_alike() {
    use ErrorClass::{Credentials, Denied, Refused, Throttled, Unavailable};
    for (status, code, class) in [
        (400, "ThrottlingException", Throttled),
        (400, "ProvisionedThroughputExceededException", Throttled),
        (400, "RequestLimitExceeded", Throttled),
        (429, "TooManyRequestsException", Throttled),
        (500, "InternalServerError", Unavailable),
        (503, "NoCodeThatIsListed", Unavailable),
        (400, "ExpiredTokenException", Credentials),
        (400, "ExpiredToken", Credentials),
        (400, "UnrecognizedClientException", Credentials),
        (400, "AccessDeniedException", Denied),
        (400, "ValidationException", Refused),
        (400, "ResourceNotFoundException", Refused),
        (400, "InvalidToken", Refused),
        (400, "InvalidInstanceId", Refused),
    ] {
        let sdk = json(status, code);
        for error in [of_dynamodb(&sdk).await, of_token(&sdk).await, of_command(&sdk).await] {
            assert_eq!(error.class, class, "{error}");
            assert!(error.has_code(code) && error.reason.contains("why"), "{error}");
        }
    }
    for code in ["InvalidToken", "TaskDoesNotExist", "TaskTimedOut"] {
        let error = of_token(&json(400, code)).await;
        assert!(error.code.as_deref().is_some_and(is_token_closed), "{error}");
    }
    for (status, code, class) in
        [(403, "AuthorizationError", Denied), (400, "Throttled", Throttled), (404, "NotFound", Refused)]
    {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>why</Message></Error></ErrorResponse>"
        );
        let error = of_topic(&answering(Some((status, "text/xml", body)))).await;
        assert_eq!(error.class, class, "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_a_code_is_sorted_by_its_status() {
    for (status, class) in
        [(502, ErrorClass::Unavailable), (403, ErrorClass::Denied), (429, ErrorClass::Throttled)]
    {
        let sdk = answering(Some((status, "text/html", "<p>a proxy</p>".to_owned())));
        let error = of_dynamodb(&sdk).await;
        assert_eq!(error.class, class, "{error}");
    }
    let unreadable = of_dynamodb(&answering(Some((200, "text/html", "<p>no JSON".to_owned())))).await;
    assert_eq!(unreadable.class, ErrorClass::Unavailable, "{unreadable}: the call may have been made");
    let cut = of_dynamodb(&answering(None)).await;
    assert_eq!((cut.class, cut.code.as_deref(), cut.status), (ErrorClass::Unavailable, None, None), "{cut}");
}
