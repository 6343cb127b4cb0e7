//! Who may use the endpoint: whoever signs with the keys of its state directory, by Signature Version 4.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::Credentials;
use crate::http::AwsError;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const PARTS: [&str; 3] = ["Credential", "SignedHeaders", "Signature"];

/// By how much the clocks of client and endpoint may differ (AWS API request signing, "Elements of a request signature").
const SKEW: Duration = Duration::from_secs(15 * 60);

const DATE: &str = "x-amz-date";
const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// Why a request is refused. The messages are AWS's, and repeat nothing that is secret.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    /// Not even the form of the header is right.
    Incomplete(String),
    /// It is not signed.
    Missing,
    /// It is signed with keys that are not the endpoint's.
    UnknownKey,
    /// It is not what was signed, or was signed with another secret, or at another time.
    Mismatch(String),
}

/// How errors are written, which decides on their names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Protocol {
    Json,
    Query,
    Rest,
}

impl Refusal {
    /// As services of this protocol say it ("Common errors" of their API references; the JSON protocols answer 400).
    pub(super) fn error(self, protocol: Protocol) -> AwsError {
        let is_query = protocol == Protocol::Query;
        let (code, query_code, message) = match self {
            Self::Incomplete(message) => {
                let code = if is_query { "IncompleteSignature" } else { "IncompleteSignatureException" };
                return AwsError::client(code, message);
            }
            Self::Missing => (
                "MissingAuthenticationTokenException",
                "MissingAuthenticationToken",
                "Request is missing Authentication Token".to_owned(),
            ),
            Self::UnknownKey => (
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                "The security token included in the request is invalid.".to_owned(),
            ),
            Self::Mismatch(message) => ("InvalidSignatureException", "SignatureDoesNotMatch", message),
        };
        let status = if protocol == Protocol::Json { 400 } else { 403 };
        AwsError::client(if is_query { query_code } else { code }, message).with_status(status)
    }
}

/// Takes a request that is signed with `keys`. Without keys (`--no-auth`) it also takes one that is not signed, or signed
/// with any keys, as long as the header has its form: a client that signs wrongly should learn it before it meets AWS.
///
/// # Errors
/// [`Refusal`].
pub(super) fn check(
    keys: Option<&Credentials>,
    head: &Parts,
    body: &[u8],
    now: SystemTime,
) -> Result<(), Refusal> {
    let Some(value) = head.headers.get(header::AUTHORIZATION) else {
        return if keys.is_some() { Err(Refusal::Missing) } else { Ok(()) };
    };
    let text = value.to_str().map_err(|_| incomplete("the Authorization header is not ASCII text"))?;
    let signed = Signed::parse(text, &head.headers)?;
    keys.map_or(Ok(()), |keys| signed.verify(keys, head, body, now))
}

/// What an `Authorization` header says.
struct Signed<'a> {
    key_id: &'a str,
    /// As in the scope: `20261128`.
    date: &'a str,
    region: &'a str,
    service: &'a str,
    headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Signed<'a> {
    fn parse(text: &'a str, headers: &HeaderMap) -> Result<Self, Refusal> {
        let (algorithm, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if algorithm != ALGORITHM {
            return Err(incomplete(format!("the Authorization header does not name {ALGORITHM}")));
        }
        let find = |wanted: &str| {
            let mut pairs = rest.split(',').filter_map(|part| part.trim().split_once('='));
            pairs.find(|(name, value)| *name == wanted && !value.is_empty()).map(|(_, value)| value)
        };
        let [Some(credential), Some(signed_headers), Some(signature)] = PARTS.map(find) else {
            let missing: Vec<String> = PARTS
                .iter()
                .filter(|part| find(part).is_none())
                .map(|part| format!("Authorization header requires '{part}' parameter."))
                .collect();
            return Err(incomplete(missing.join(" ")));
        };
        let scope: Vec<&str> = credential.split('/').collect();
        let [key_id, date, region, service, "aws4_request"] = scope[..] else {
            return Err(incomplete("Credential must be keyid/date/region/service/aws4_request"));
        };
        if !headers.contains_key(DATE) && !headers.contains_key(header::DATE) {
            return Err(incomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
            ));
        }
        let headers = signed_headers.split(';').collect();
        Ok(Self { key_id, date, region, service, headers, signature })
    }

    fn verify(&self, keys: &Credentials, head: &Parts, body: &[u8], now: SystemTime) -> Result<(), Refusal> {
        if self.key_id != keys.access_key_id() {
            return Err(Refusal::UnknownKey);
        }
        let (text, time) = self.time(&head.headers)?;
        if time + SKEW < now {
            return Err(Refusal::Mismatch(format!("Signature expired: {text} is more than 15 min ago")));
        }
        if now + SKEW < time {
            return Err(Refusal::Mismatch(format!(
                "Signature not yet current: {text} is more than 15 min ahead"
            )));
        }
        if !self.headers.iter().any(|name| name.eq_ignore_ascii_case("host")) {
            let message = "'Host' must be a 'SignedHeader' in the AWS Authorization.";
            return Err(Refusal::Mismatch(message.to_owned()));
        }
        let expected = self.signature_by(keys, head, body, time).ok_or_else(mismatch)?;
        if is_same(expected.as_bytes(), self.signature.as_bytes()) { Ok(()) } else { Err(mismatch()) }
    }

    fn time<'h>(&self, headers: &'h HeaderMap) -> Result<(&'h str, SystemTime), Refusal> {
        let text = headers.get(DATE).and_then(|value| value.to_str().ok());
        let text = text.ok_or_else(|| incomplete("the endpoint needs the header 'X-Amz-Date'"))?;
        let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text);
        let zoned = parsed.and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC));
        let time = zoned.map_err(|_| incomplete("Date must be in ISO-8601 'basic format'."))?;
        if text.split('T').next() != Some(self.date) {
            let message = "Date in Credential scope does not match the date of the header 'X-Amz-Date'.";
            return Err(Refusal::Mismatch(message.to_owned()));
        }
        Ok((text, time.timestamp().into()))
    }

    /// The signature that `keys` make of this request; `None` for a request that could not have been signed.
    fn signature_by(
        &self,
        keys: &Credentials,
        head: &Parts,
        body: &[u8],
        time: SystemTime,
    ) -> Option<String> {
        let mut settings = SigningSettings::default();
        // What the client has signed, is checked; the crate leaves some headers out.
        settings.excluded_headers = None;
        let mut signable = SignableBody::Bytes(body);
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            // Either the digest of the body, or a word instead of it ("Authenticating Requests: Using the Authorization
            // Header", S3 API reference). A digest of something else is noticed here.
            let declared = head.headers.get(CONTENT_SHA256)?.to_str().ok()?;
            if declared.contains('-') {
                signable = SignableBody::Precomputed(declared.to_owned());
            }
        }
        let mut headers = Vec::with_capacity(self.headers.len());
        for name in &self.headers {
            for value in head.headers.get_all(*name) {
                headers.push((*name, value.to_str().ok()?));
            }
        }
        let identity = keys.for_sdk().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(time)
            .settings(settings)
            .build()
            .ok()?;
        let target = head.uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
        let request =
            SignableRequest::new(head.method.as_str(), target, headers.into_iter(), signable).ok()?;
        let (_, signature) = sign(request, &params.into()).ok()?.into_parts();
        Some(signature)
    }
}

/// In a time that does not depend on where two signatures differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

fn incomplete(message: impl Into<String>) -> Refusal {
    Refusal::Incomplete(message.into())
}

fn mismatch() -> Refusal {
    let message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                   Access Key and signing method. Consult the service documentation for details.";
    Refusal::Mismatch(message.to_owned())
}

#[cfg(test)]
mod tests;
