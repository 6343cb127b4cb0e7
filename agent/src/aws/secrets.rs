//! Reading a database secret.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};

use rsqlflow_store::ErrorClass;

use super::Backoff;
use crate::process::{DatabaseSecret, InvalidSecret};

/// Why a secret cannot be used. The message contains nothing of the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The service cannot be reached, or refuses the call.
    #[error("secret {id:?} cannot be read: {reason}")]
    Service {
        /// The secret.
        id: String,
        /// The service's error.
        reason: String,
    },
    /// It is not the secret of a database.
    #[error("secret {id:?} is not a database secret")]
    Invalid {
        /// The secret.
        id: String,
        /// The problem.
        #[source]
        source: InvalidSecret,
    },
}

/// Reads a secret. Retries transient errors as long as the policy allows.
///
/// # Errors
/// [`SecretError`].
pub async fn read(client: &Client, id: &str, mut backoff: Backoff) -> Result<DatabaseSecret, SecretError> {
    loop {
        let (reason, transient) = match client.get_secret_value().secret_id(id).send().await {
            Ok(value) => {
                let text = value.secret_string().unwrap_or_default();
                return DatabaseSecret::parse(text)
                    .map_err(|source| SecretError::Invalid { id: id.to_owned(), source });
            }
            Err(error) => explain(&error),
        };
        if !transient || !backoff.pause().await {
            return Err(SecretError::Service { id: id.to_owned(), reason });
        }
    }
}

/// The error, and whether it is transient. Nothing of an answer that cannot be parsed is reported, not even the position
/// of the error: the answer may contain the secret.
fn explain<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> (String, bool) {
    if let Some((code, message)) = error.as_service_error().and_then(|e| Some((e.code()?, e.message()))) {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let class = ErrorClass::of(Some(code), status);
        return (format!("{code}: {}", message.unwrap_or_default()), class.is_transient());
    }
    if let Some(response) = error.raw_response() {
        let status = response.status();
        // A repeated call would return the same answer.
        return (format!("the answer cannot be parsed (HTTP {})", status.as_u16()), !status.is_success());
    }
    let kind = match error {
        SdkError::TimeoutError(_) => "timeout: no answer",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "timeout: no connection",
        SdkError::DispatchFailure(failure) if failure.is_io() => "no connection",
        SdkError::DispatchFailure(_) => "the request could not be sent; check the credentials",
        SdkError::ResponseError(_) | SdkError::ServiceError(_) => "the answer cannot be parsed",
        _ => "the request could not be created",
    };
    (kind.to_owned(), true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_secretsmanager::config::{BehaviorVersion, Config, Credentials, Region};
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Answers every request so, and counts them.
    fn serve(answer: &'static str) -> (String, std::sync::mpsc::Receiver<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (count, asked) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                // The body is the JSON object that ends with the secret's id.
                while !request.ends_with(b"}") {
                    let mut buffer = [0; 4096];
                    match stream.read(&mut buffer).unwrap() {
                        0 => break,
                        read => request.extend_from_slice(&buffer[..read]),
                    }
                }
                let length = answer.len();
                let text = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
                );
                if count.send(()).is_err() {
                    return;
                }
                stream.write_all(text.as_bytes()).unwrap();
            }
        });
        (url, asked)
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_read_is_not_shown_and_not_asked_for_again() {
        let (url, asked) =
            serve(r#"{"SecretString": "{\"password\": \"hunter22\"}", "VersionStages": hunter22}"#);
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("id", "key", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(url)
            .build();
        let read = read(&Client::from_conf(config), "rs/etl", Backoff::of_preparation()).await;
        let error = read.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter22"), "{error:?}");
        assert_eq!(
            error.to_string(),
            r#"secret "rs/etl" cannot be read: the answer cannot be parsed (HTTP 200)"#
        );
        assert_eq!(asked.try_iter().count(), 1);
    }
}
