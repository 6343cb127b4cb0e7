//! Lambda over HTTP.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use axum::http::{HeaderMap, Method, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use tokio::time::Instant;

use crate::http::{AwsError, Constraints, Reply};
use crate::services::lambda::operation::Operation;
use crate::services::lambda::{Function, FunctionError, Lambda, payload};

const JSON: &str = "application/json";

/// Headers that request unsupported features.
const UNSUPPORTED: [&str; 3] = ["x-amz-client-context", "x-amz-durable-execution-name", "x-amz-tenant-id"];

impl Lambda {
    /// A request whose path begins with a version of Lambda's API.
    pub(crate) async fn rest(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
        request_id: &str,
    ) -> Result<Reply, AwsError> {
        let parameters: Vec<(String, String)> =
            serde_urlencoded::from_str(uri.query().unwrap_or_default())
                .map_err(|e| AwsError::client("MalformedQueryString", e.to_string()))?;
        let named = |name: &str| qualified(name, &parameters);
        let answer = match Operation::of(method, uri.path()) {
            Operation::Invoke(name) => {
                return self.invoke_rest(&named(name)?, headers, body, request_id).await;
            }
            Operation::GetFunction(name) => self.get_function(&named(name)?),
            Operation::GetFunctionConfiguration(name) => self.get_function_configuration(&named(name)?),
            Operation::ListFunctions => self.list_functions(&parameters),
            Operation::Other(name) => Err(AwsError::unknown_operation("Lambda", name)),
            Operation::Unknown => {
                Err(AwsError::not_implemented(format_args!("{method} {} of Lambda", uri.path())))
            }
        };
        Ok(Reply::json(JSON, answer?))
    }

    async fn invoke_rest(
        &self,
        function: &str,
        headers: &HeaderMap,
        body: &[u8],
        request_id: &str,
    ) -> Result<Reply, AwsError> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(name) = UNSUPPORTED.into_iter().find(|name| headers.contains_key(*name)) {
            return Err(AwsError::not_implemented(format_args!("the header {name} of Invoke")));
        }
        let kind = header("x-amz-invocation-type").unwrap_or("RequestResponse");
        let log_type = header("x-amz-log-type").unwrap_or("None");
        let mut constraints = Constraints::default();
        constraints.one_of("invocationType", Some(kind), &["Event", "RequestResponse", "DryRun"]);
        constraints.one_of("logType", Some(log_type), &["None", "Tail"]);
        constraints.check("ValidationException")?;
        self.find(function)?;
        match kind {
            "Event" => payload::check_event(body.len())?,
            _ => payload::check_request(body.len())?,
        }
        let body = if body.is_empty() { b"{}" } else { body };
        let event: Value = serde_json::from_slice(body).map_err(|e| {
            let message = format!("Could not parse request body into json: {e}");
            AwsError::client("InvalidRequestContentException", message)
        })?;
        match kind {
            "Event" => {
                // The original text, which is no longer than the measured one.
                let text = String::from_utf8_lossy(body).into_owned();
                self.accept_as(function, text, request_id.to_owned()).await?;
                Ok(Reply { status: 202, ..Reply::json(JSON, Vec::new()) })
            }
            "DryRun" => Ok(Reply { status: 204, ..Reply::json(JSON, Vec::new()) }),
            _ => self.answer(function, event, log_type == "Tail", request_id).await,
        }
    }

    async fn answer(
        &self,
        function: &str,
        event: Value,
        tail: bool,
        request_id: &str,
    ) -> Result<Reply, AwsError> {
        let started = Instant::now();
        let answer = self.invoke_as(function, event, request_id).await?;
        let elapsed = started.elapsed();
        let error = answer.as_ref().err().cloned();
        let body = match &answer {
            Ok(answer) => serde_json::to_vec(answer),
            Err(error) => serde_json::to_vec(error),
        };
        let mut reply = Reply::json(JSON, body.map_err(AwsError::internal)?);
        reply.headers.push(("x-amz-executed-version", "$LATEST".to_owned()));
        if tail {
            let log = log(request_id, elapsed, error.as_ref());
            reply.headers.push(("x-amz-log-result", BASE64.encode(log)));
        }
        if error.is_some() {
            reply.headers.push(("x-amz-function-error", "Unhandled".to_owned()));
        }
        Ok(reply)
    }
}

/// The lines that Lambda itself logs for an invocation. The functions' own lines go to the log of this process.
fn log(request_id: &str, elapsed: std::time::Duration, error: Option<&FunctionError>) -> String {
    let milliseconds = elapsed.as_secs_f64() * 1000.0;
    let mut log = format!("START RequestId: {request_id} Version: $LATEST\n");
    if let Some(error) = error {
        // The service returns the last 4 KB.
        let message: String = error.error_message.chars().take(2_000).collect();
        log += &format!("{}: {message}\n", error.error_type);
    }
    log + &format!(
        "END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {milliseconds:.2} ms\tBilled \
         Duration: {:.0} ms\tMemory Size: {} MB\n",
        milliseconds.ceil(),
        Function::MEMORY_MB,
    )
}

/// The function that a path and the parameter `Qualifier` name, in the form of `find`.
fn qualified(name: &str, parameters: &[(String, String)]) -> Result<String, AwsError> {
    let name = decode(name);
    // The first part of the pattern may be an ARN. It is looked up later, so only invalid characters are refused.
    let mut constraints = Constraints::default();
    constraints.length("functionName", Some(&name), 1..=256);
    constraints.pattern(
        "functionName",
        Some(&name),
        "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)\
         (:(\\$LATEST|[a-zA-Z0-9-_]+))?",
        |name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:$".contains(&b)),
    );
    constraints.check("ValidationException")?;
    match parameters.iter().find(|(parameter, _)| parameter == "Qualifier") {
        None => Ok(name),
        Some((_, qualifier)) => Ok(format!("{name}:{qualifier}")),
    }
}

/// Decodes percent-encoding: clients encode the colons of an ARN.
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
