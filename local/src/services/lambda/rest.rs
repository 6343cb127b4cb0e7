//! `Invoke` over HTTP.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::http::{AwsError, Reply};
use crate::services::lambda::Lambda;

/// The largest event of a synchronous invocation, in bytes.
const LARGEST_EVENT: usize = 6 * 1024 * 1024;

const JSON: &str = "application/json";

impl Lambda {
    /// A request below `/2015-03-31/`.
    pub(crate) async fn rest(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Reply, AwsError> {
        let function = path
            .strip_prefix("functions/")
            .and_then(|rest| rest.strip_suffix("/invocations"))
            .filter(|name| *method == Method::POST && !name.contains('/'));
        let Some(function) = function else {
            return Err(AwsError::not_implemented(format_args!("{method} {path} of Lambda")));
        };
        let function = decode(function);
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if body.len() > LARGEST_EVENT {
            let message = format!("{} byte payload is too large", body.len());
            return Err(AwsError::client("RequestTooLargeException", message).with_status(413));
        }
        let event: Value = if body.is_empty() {
            json!({})
        } else {
            serde_json::from_slice(body).map_err(|e| {
                let message = format!("Could not parse request body into json: {e}");
                AwsError::client("InvalidRequestContentException", message)
            })?
        };
        match header("x-amz-invocation-type").unwrap_or("RequestResponse") {
            "RequestResponse" => self.answer(&function, event).await,
            "Event" => {
                self.accept(&function, event)?;
                Ok(Reply { status: 202, ..Reply::json(JSON, Vec::new()) })
            }
            "DryRun" => {
                self.find(&function)?;
                Ok(Reply { status: 204, ..Reply::json(JSON, Vec::new()) })
            }
            other => {
                let message = format!("InvocationType {other} is not valid");
                Err(AwsError::client("InvalidParameterValueException", message))
            }
        }
    }

    async fn answer(&self, function: &str, event: Value) -> Result<Reply, AwsError> {
        let (payload, failed) = match self.invoke(function, event).await? {
            Ok(answer) => (serde_json::to_vec(&answer), false),
            Err(error) => (serde_json::to_vec(&error), true),
        };
        let mut reply = Reply::json(JSON, payload.map_err(AwsError::internal)?);
        reply.headers.push(("x-amz-executed-version", "$LATEST".to_owned()));
        if failed {
            reply.headers.push(("x-amz-function-error", "Unhandled".to_owned()));
        }
        Ok(reply)
    }
}

/// Undoes percent-encoding: clients encode the colons of an ARN.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded() {
        assert_eq!(decode("arn%3Aaws%3alambda"), "arn:aws:lambda");
        for text in ["plain", "50%", "%zz", "%"] {
            assert_eq!(decode(text), text);
        }
    }
}
