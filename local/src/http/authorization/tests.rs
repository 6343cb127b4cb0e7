use axum::http::{HeaderName, HeaderValue, Method, Request};
use proptest::prelude::*;

use super::*;

fn keys() -> Credentials {
    let dir = tempfile::tempdir().unwrap();
    Credentials::of(dir.path()).unwrap()
}

/// 2026-01-01T00:00:00Z
const NOW: u64 = 1_767_225_600;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn parts(method: Method, target: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

/// Signs as a client does: host and whatever headers there are.
fn signed(keys: &Credentials, mut head: Parts, body: &[u8], service: &str) -> Parts {
    let identity = keys.for_sdk().into();
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = aws_sigv4::http_request::PayloadChecksumKind::XAmzSha256;
    }
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name(service)
        .time(at(NOW))
        .settings(settings)
        .build()
        .unwrap();
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
        .collect();
    let target = head.uri.to_string();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = SignableRequest::new(head.method.as_str(), target, headers, SignableBody::Bytes(body));
    let (instructions, _) = sign(request.unwrap(), &params.into()).unwrap().into_parts();
    for (name, value) in instructions.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        head.headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    head
}

fn request() -> Parts {
    let headers =
        [("host", "127.0.0.1:4566"), ("content-type", "application/x-amz-json-1.0"), ("x-amz-target", "S.O")];
    parts(Method::POST, "/", &headers)
}

#[test]
fn what_is_signed_with_the_keys_is_taken_and_nothing_else() {
    let (keys, others) = (keys(), keys());
    let check_at =
        |keys: &Credentials, head: &Parts, body: &[u8], seconds| check(Some(keys), head, body, at(seconds));
    let good = signed(&keys, request(), b"{}", "states");
    assert_eq!(check_at(&keys, &good, b"{}", NOW), Ok(()));
    assert_eq!(check_at(&keys, &good, b"{}", NOW + 900), Ok(()));
    assert_eq!(check_at(&keys, &good, b"{}", NOW - 900), Ok(()));
    assert!(
        matches!(check_at(&keys, &good, b"{}", NOW + 901), Err(Refusal::Mismatch(m)) if m.contains("expired"))
    );
    assert!(
        matches!(check_at(&keys, &good, b"{}", NOW - 901), Err(Refusal::Mismatch(m)) if m.contains("not yet"))
    );
    assert_eq!(check_at(&keys, &good, b"{ }", NOW), Err(mismatch()), "another body");
    assert_eq!(check_at(&others, &good, b"{}", NOW), Err(Refusal::UnknownKey));
    assert_eq!(check_at(&keys, &request(), b"{}", NOW), Err(Refusal::Missing));

    let mut other = good.clone();
    other.headers.insert("x-amz-target", HeaderValue::from_static("S.P"));
    assert_eq!(check_at(&keys, &other, b"{}", NOW), Err(mismatch()), "another operation");
    let mut other = good.clone();
    other.uri = "/?a=b".parse().unwrap();
    assert_eq!(check_at(&keys, &other, b"{}", NOW), Err(mismatch()), "another path");
    let mut other = good.clone();
    let authorization = good.headers[header::AUTHORIZATION].to_str().unwrap();
    let unsigned_host = authorization.replace("host;", "");
    other.headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&unsigned_host).unwrap());
    assert!(matches!(check_at(&keys, &other, b"{}", NOW), Err(Refusal::Mismatch(m)) if m.contains("'Host'")));
    let mut other = good.clone();
    let yesterday = authorization.replace("/20260101/", "/20251231/");
    other.headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&yesterday).unwrap());
    assert!(matches!(check_at(&keys, &other, b"{}", NOW), Err(Refusal::Mismatch(m)) if m.contains("scope")));
}

#[test]
fn without_keys_only_the_form_is_looked_at() {
    assert_eq!(check(None, &request(), b"{}", at(0)), Ok(()));
    let good = signed(&keys(), request(), b"{}", "states");
    assert_eq!(check(None, &good, b"another body", at(0)), Ok(()));
    let refused = |authorization: &str| {
        let mut head = good.clone();
        head.headers.insert(header::AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
        match check(None, &head, b"", at(0)) {
            Err(Refusal::Incomplete(message)) => message,
            other => panic!("{authorization}: {other:?}"),
        }
    };
    for (authorization, says) in [
        ("Basic dXNlcjpzM2NyZXQ=", "AWS4-HMAC-SHA256"),
        ("AWS4-HMAC-SHA256", "'Credential' parameter"),
        ("AWS4-HMAC-SHA256 Credential=a/b, Signature=s3cret", "'SignedHeaders' parameter"),
        ("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=s3cret", "keyid/date/region"),
    ] {
        let message = refused(authorization);
        assert!(message.contains(says), "{message}");
        assert!(!message.contains("cret"), "it repeats the header: {message}");
    }
}

#[test]
fn refusals_have_the_names_of_their_protocol() {
    let named = |refusal: Refusal| {
        let refusal = move || match &refusal {
            Refusal::Incomplete(text) => Refusal::Incomplete(text.clone()),
            Refusal::Mismatch(text) => Refusal::Mismatch(text.clone()),
            Refusal::Missing => Refusal::Missing,
            Refusal::UnknownKey => Refusal::UnknownKey,
        };
        [Protocol::Json, Protocol::Query, Protocol::Rest].map(|protocol| {
            let error = refusal().error(protocol);
            (error.status, error.code.into_owned())
        })
    };
    let expect = |json: &str, query: &str, rest: u16| {
        let query_status = if rest == 400 { 400 } else { 403 };
        [(400, json.to_owned()), (query_status, query.to_owned()), (rest, json.to_owned())]
    };
    assert_eq!(named(incomplete("")), expect("IncompleteSignatureException", "IncompleteSignature", 400));
    assert_eq!(
        named(Refusal::Missing),
        expect("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403)
    );
    assert_eq!(
        named(Refusal::UnknownKey),
        expect("UnrecognizedClientException", "InvalidClientTokenId", 403)
    );
    assert_eq!(named(mismatch()), expect("InvalidSignatureException", "SignatureDoesNotMatch", 403));
}

proptest! {
    /// Whatever a client sends, the signature that it made is the one that is expected.
    #[test]
    fn every_request_of_a_client_is_taken(
        path in "(/[a-z%0-9A-F:.]{0,3}[a-z]{1,6}){1,4}",
        query in "([a-zA-Z]{1,4}=[a-z0-9._~-]{0,4}(&[a-z]{1,3}=%2[0-9A-F])?)?",
        extra in "[ -~]{0,20}",
        body in prop::collection::vec(any::<u8>(), 0..100),
        service in prop::sample::select(vec!["dynamodb", "lambda", "s3", "sns"]),
    ) {
        let path = path.replace('%', "%25");
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        let headers = [("host", "localhost:4566"), ("x-extra", extra.as_str()), ("content-type", "text/plain")];
        let keys = keys();
        let head = signed(&keys, parts(Method::PUT, &target, &headers), &body, service);
        prop_assert_eq!(check(Some(&keys), &head, &body, at(NOW)), Ok(()));
        let changed = [body.as_slice(), b"x"].concat();
        prop_assert_eq!(check(Some(&keys), &head, &changed, at(NOW)), Err(mismatch()));
    }
}
