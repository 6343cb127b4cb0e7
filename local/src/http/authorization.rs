//! The form of an `Authorization` header. Nobody is authenticated here, but what AWS would not even read is
//! refused as AWS refuses it: a client that signs wrongly should hear of it before it meets AWS.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html>

use axum::http::{HeaderMap, header};

use crate::http::AwsError;

/// Signature Version 4, and its variant for more than one region.
const ALGORITHMS: [&str; 2] = ["AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"];

const PARTS: [&str; 3] = ["Credential", "SignedHeaders", "Signature"];

/// Takes a request without the header, which is enough for `curl` on the own machine, or with one of the right
/// form.
///
/// # Errors
/// `IncompleteSignatureException`. The message repeats nothing of the header.
pub(super) fn check(headers: &HeaderMap) -> Result<(), AwsError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(()) };
    let text = value.to_str().map_err(|_| incomplete("the Authorization header is not ASCII text"))?;
    let (algorithm, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if !ALGORITHMS.contains(&algorithm) {
        return Err(incomplete("the Authorization header does not name AWS4-HMAC-SHA256"));
    }
    let find = |wanted: &str| {
        let pairs = rest.split(',').filter_map(|part| part.trim().split_once('='));
        pairs.into_iter().find(|(name, value)| *name == wanted && !value.is_empty()).map(|(_, value)| value)
    };
    let missing: Vec<String> = PARTS
        .iter()
        .filter(|part| find(part).is_none())
        .map(|part| format!("Authorization header requires '{part}' parameter."))
        .collect();
    if !missing.is_empty() {
        return Err(incomplete(missing.join(" ")));
    }
    // SigV4a has no region in its scope.
    let slashes = if algorithm == ALGORITHMS[0] { 4 } else { 3 };
    let scope = find("Credential").unwrap_or_default();
    if scope.matches('/').count() != slashes || !scope.ends_with("/aws4_request") {
        return Err(incomplete("Credential must be keyid/date/region/service/aws4_request"));
    }
    if !headers.contains_key("x-amz-date") && !headers.contains_key(header::DATE) {
        return Err(incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ));
    }
    Ok(())
}

fn incomplete(message: impl Into<String>) -> AwsError {
    AwsError::client("IncompleteSignatureException", message)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn refused(authorization: &str, date: bool) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
        if date {
            headers.insert("x-amz-date", HeaderValue::from_static("20260101T000000Z"));
        }
        check(&headers).err().map(|e| e.message)
    }

    #[test]
    fn only_the_form_of_a_signature_is_read() {
        assert_eq!(check(&HeaderMap::new()), Ok(()));
        let good = "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/ssm/aws4_request, \
                    SignedHeaders=host;x-amz-date, Signature=0123";
        assert_eq!(refused(good, true), None);
        assert!(refused(good, false).unwrap().contains("'X-Amz-Date'"));
        for (header, says) in [
            ("Basic dXNlcjpzM2NyZXQ=", "AWS4-HMAC-SHA256"),
            ("AWS4-HMAC-SHA256", "'Credential' parameter"),
            ("AWS4-HMAC-SHA256 Credential=a/b, Signature=s3cret", "'SignedHeaders' parameter"),
            ("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=s3cret", "keyid/date/region"),
        ] {
            let message = refused(header, true).unwrap();
            assert!(message.contains(says), "{message}");
            assert!(!message.contains("cret"), "it repeats the header: {message}");
        }
    }
}
