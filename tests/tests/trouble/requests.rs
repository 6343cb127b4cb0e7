//! What is thrown at it while it serves.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use rsqlflow_tests::{Answer, Keys, Served, directory, local, send};
use serde_json::{Value, json};

/// An operation of each service of the JSON protocols.
const JSON_TARGETS: [&str; 5] = [
    "DynamoDB_20120810.PutItem",
    "AWSStepFunctions.StartExecution",
    "AmazonSSM.SendCommand",
    "Logs_20140328.PutLogEvents",
    "secretsmanager.CreateSecret",
];

#[test]
fn a_body_that_is_no_json_is_a_serialization_exception() {
    let dir = directory();
    let served = Served::on(dir.path());
    let deep = "[".repeat(100_000);
    for target in JSON_TARGETS {
        for body in ["", "{", "[]", "\"text\"", "{\"a\": NaN}", "{} {}", "\u{0}\u{1}", &deep] {
            let answer = served.raw(&[("x-amz-target", target)], body.as_bytes());
            assert_eq!(answer.status, 400, "{target} {body:.20}: {answer:?}");
            let kind = answer.json()["__type"].as_str().expect("a type").to_owned();
            let fits = [
                "SerializationException",
                "ValidationException",
                "MissingParameter",
                "InvalidParameterException",
            ];
            assert!(fits.iter().any(|fit| kind.ends_with(fit)), "{target} {body:.20}: {kind}");
        }
        let answer = served.raw(&[("x-amz-target", target)], b"{\"a\": \"\xff\xfe\"}");
        assert_eq!(answer.status, 400, "{target}: bytes that are no text: {answer:?}");
    }
    let invoke = "POST /2015-03-31/functions/rsqlflow-workflow-trigger/invocations";
    let answer = served.send(invoke, &[], b"{");
    assert_eq!(answer.status, 400);
    assert!(answer.head.contains("x-amzn-errortype: invalidrequestcontentexception"), "{answer:?}");
    assert!(served.serves());
}

/// Kilobytes of memory that a process holds.
fn resident(served: &Served) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A request of each service whose payload has so many bytes.
fn payload(bytes: usize) -> [(&'static str, Value); 4] {
    let text = "x".repeat(bytes);
    let machine = "arn:aws:states:us-east-1:000000000000:stateMachine:rsqlflow-master";
    let item = json!({ "workflow_id": { "S": "big" }, "data": { "S": text } });
    let event = json!({ "timestamp": 0, "message": text });
    [
        (
            "AWSStepFunctions.StartExecution",
            json!({ "stateMachineArn": machine, "input": json!(text).to_string() }),
        ),
        (
            "Logs_20140328.PutLogEvents",
            json!({ "logGroupName": "/ops/rsql-logs/", "logStreamName": "s", "logEvents": [event] }),
        ),
        (
            "secretsmanager.CreateSecret",
            json!({ "Name": "big", "SecretString": text, "ClientRequestToken": "t".repeat(32) }),
        ),
        ("DynamoDB_20120810.PutItem", json!({ "TableName": "rsqlflow-config-table", "Item": item })),
    ]
}

fn kind(answer: &Answer) -> String {
    let body = answer.json();
    let kind = body["__type"].as_str().unwrap_or_else(|| panic!("{body}"));
    kind.rsplit('#').next().unwrap_or_default().to_owned()
}

#[test]
fn ten_megabytes_are_refused_and_leave_no_trace() {
    let dir = directory();
    let served = Served::on(dir.path());
    for (target, body) in payload(10 << 20) {
        let answer = served.call(target, &body);
        // DynamoDB takes 16 MB in a request, but no item of more than 400 KB.
        let expected = match target.split_once('_') {
            Some(("DynamoDB", _)) => (400, "ValidationException"),
            _ => (413, "RequestEntityTooLargeException"),
        };
        assert_eq!((answer.status, kind(&answer).as_str()), expected, "{target}: {:.300}", answer.body);
        assert!(answer.body.len() < 1_000, "{target} sends it all back");
    }
    let invoke = "POST /2015-03-31/functions/rsqlflow-workflow-trigger/invocations";
    let event = json!("x".repeat(10 << 20)).to_string();
    assert_eq!(served.send(invoke, &[], event.as_bytes()).status, 413);
    let answer = send(&served.url, "POST /", &[("content-length", "1000000000000")], b"");
    assert_eq!(answer.expect("an answer").status, 413, "a terabyte is refused before it comes");
    assert!(served.serves());
    assert!(resident(&served) < 150 << 10, "{} kB resident", resident(&served));
}

#[test]
fn a_payload_over_its_limit_is_refused_in_the_words_of_its_service() {
    let dir = directory();
    let served = Served::on(dir.path());
    // Over 256 KiB of input, 64 KiB of secret, 400 KiB of item; a log event may have no more than 1 MiB.
    for (bytes, target, expected) in [
        (263_000, "AWSStepFunctions", "InvalidExecutionInput"),
        (1_100_000, "Logs_20140328", "InvalidParameterException"),
        (66_000, "secretsmanager", "ValidationException"),
        (420_000, "DynamoDB_20120810", "ValidationException"),
    ] {
        let (target, body) =
            payload(bytes).into_iter().find(|(t, _)| t.starts_with(target)).expect("a request");
        let answer = served.call(target, &body);
        assert_eq!(
            (answer.status, kind(&answer).as_str()),
            (400, expected),
            "{target}: {:.300}",
            answer.body
        );
    }
}

#[test]
fn a_target_that_names_nothing_is_501_by_name() {
    let dir = directory();
    let served = Served::on(dir.path());
    for (target, named) in [
        ("AWSStepFunctions.MakeCoffee", "MakeCoffee"),
        ("DynamoDB_20120810.putitem", "putitem"),
        ("AmazonSQS.SendMessage", "SendMessage"),
        ("AWSStepFunctions", "AWSStepFunctions"),
        ("", ""),
    ] {
        let answer = served.raw(&[("x-amz-target", target)], b"{}");
        assert_eq!(answer.status, 501, "{target}: {answer:?}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(named) && message.contains("not supported"), "{message}");
        assert!(answer.head.contains("x-amzn-requestid: "), "{answer:?}");
    }
    let answer = served.send("POST /", &[], b"Action=MakeCoffee&Version=2011-06-15");
    assert_eq!(answer.status, 501);
    assert!(answer.body.contains("MakeCoffee"), "{answer:?}");
}

/// A signature that AWS could not even read is refused in the same words, whoever may use the endpoint.
#[test]
fn a_signature_must_have_the_form_of_one() {
    let dir = directory();
    let served = Served::on(dir.path());
    let call = |authorization: &str| {
        let date = ("x-amz-date", "20261121T000000Z");
        let target = ("x-amz-target", "AWSStepFunctions.ListStateMachines");
        served.raw(&[target, date, ("authorization", authorization)], b"{}")
    };
    let long = "A".repeat(6_000);
    for malformed in [
        "",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=, SignedHeaders=, Signature=",
        "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=s3cret",
        "Basic bG9jYWw6bG9jYWw=",
        &long,
    ] {
        let answer = call(malformed);
        assert_eq!(
            (answer.status, kind(&answer).as_str()),
            (400, "IncompleteSignatureException"),
            "{malformed}"
        );
        assert!(!answer.body.contains("s3cret"), "{answer:?}");
    }
    assert!(served.serves());
}

/// Another user of this machine can reach the port. Without the keys, which are for the endpoint's owner only, nothing is
/// answered.
#[test]
fn only_who_has_the_keys_is_answered() {
    let dir = directory();
    let served = Served::on(dir.path());
    let file = dir.path().join("credentials");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let wrong = Keys { secret: "another".to_owned(), ..served.keys.clone() };
    let host = ("host", served.url.trim_start_matches("http://"));
    let json = ("content-type", "application/x-amz-json-1.0");
    let secret = ("x-amz-target", "secretsmanager.GetSecretValue");
    let invoke = "POST /2015-03-31/functions/rsqlflow-workflow-trigger/invocations";
    let whoami = "Action=GetCallerIdentity&Version=2011-06-15".as_bytes();
    let requests = [
        ("POST /", vec![host, json, secret], &b"{\"SecretId\": \"db\"}"[..], 400),
        ("POST /", vec![host, json, ("x-amz-target", "DynamoDB_20120810.ListTables")], b"{}", 400),
        ("POST /", vec![host], whoami, 403),
        (invoke, vec![host], b"{}", 403),
    ];
    for (line, headers, body, status) in requests {
        let with = |keys: Option<&Keys>| {
            let signature = keys.map(|keys| keys.sign(line, &headers, body)).unwrap_or_default();
            let signature = signature.iter().map(|(name, value)| (*name, value.as_str()));
            send(&served.url, line, &headers.iter().copied().chain(signature).collect::<Vec<_>>(), body)
                .expect("an answer")
        };
        for (keys, codes) in [
            (None, ["MissingAuthenticationToken", "MissingAuthenticationToken"]),
            (Some(Keys::wrong()), ["UnrecognizedClient", "InvalidClientTokenId"]),
            (Some(wrong.clone()), ["InvalidSignature", "SignatureDoesNotMatch"]),
        ] {
            let answer = with(keys.as_ref());
            assert_eq!(answer.status, status, "{line} {keys:?}: {answer:?}");
            let all = format!("{}{}", answer.head, answer.body).to_ascii_lowercase();
            assert!(
                codes.iter().any(|code| all.contains(&code.to_ascii_lowercase())),
                "{line} {keys:?}: {answer:?}"
            );
        }
        let answer = with(Some(&served.keys));
        assert!(
            !answer.body.contains("Signature") && !answer.body.contains("ecurity token"),
            "{line}: {answer:?}"
        );
    }
    assert!(served.serves());
    let keys = served.keys.clone();
    assert_eq!(served.end(), Some(0));
    let next = Served::on(dir.path());
    assert_eq!((&next.keys.id, &next.keys.secret), (&keys.id, &keys.secret), "agents of the last one go on");
}

#[test]
fn without_authentication_everybody_is_answered() {
    let dir = directory();
    let mut command = local(dir.path());
    command.arg("--no-auth");
    let served = Served::start(command);
    let json = ("content-type", "application/x-amz-json-1.0");
    let headers = [json, ("x-amz-target", "AWSStepFunctions.ListStateMachines")];
    assert_eq!(send(&served.url, "POST /", &headers, b"{}").expect("an answer").status, 200);
    let host = ("host", served.url.trim_start_matches("http://"));
    let headers = [headers[0], headers[1], host];
    let signature = Keys::wrong().sign("POST /", &headers, b"{}");
    let signature = signature.iter().map(|(name, value)| (*name, value.as_str()));
    let headers: Vec<_> = headers.into_iter().chain(signature).collect();
    assert_eq!(send(&served.url, "POST /", &headers, b"{}").expect("an answer").status, 200);
}

#[test]
fn a_request_for_another_host_is_refused() {
    let dir = directory();
    let served = Served::on(dir.path());
    let port = served.port();
    let target = ("x-amz-target", "AWSStepFunctions.ListStateMachines");
    let foreign = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("0.0.0.0:{port}"),
        "states.us-east-1.amazonaws.com".to_owned(),
    ];
    for host in &foreign {
        let answer = served.raw(&[target, ("host", host)], b"{}");
        assert_eq!(answer.status, 403, "{host}: {answer:?}");
        assert!(answer.body.contains("loopback"), "{answer:?}");
        for line in ["POST /", "POST /2015-03-31/functions/rsqlflow-workflow-trigger/invocations", "GET /"] {
            let answer = send(&served.url, line, &[("host", host)], b"{}").expect("an answer");
            assert_eq!(answer.status, 403, "{line} to {host}");
        }
    }
    for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), "localhost".to_owned()] {
        assert_eq!(served.raw(&[target, ("host", &host)], b"{}").status, 200, "{host}");
    }
    let answer = served.raw(&[target, ("origin", "http://localhost:3000")], b"{}");
    assert_eq!(answer.status, 403, "a page in a browser: {answer:?}");
}

#[test]
fn what_is_not_even_http_disturbs_nobody() {
    let dir = directory();
    let served = Served::on(dir.path());
    let address = served.url.trim_start_matches("http://").to_owned();
    let many_headers = format!("POST / HTTP/1.1\r\n{}", "x-a: b\r\n".repeat(10_000));
    let long_header = format!("POST / HTTP/1.1\r\nx-a: {}\r\n\r\n", "b".repeat(5 << 20));
    let garbage: [&[u8]; 7] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        many_headers.as_bytes(),
        long_header.as_bytes(),
    ];
    // Connections that begin a request and never end it stay open meanwhile.
    let silent: Vec<_> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{").unwrap();
            stream
        })
        .collect();
    for bytes in garbage {
        let mut stream = TcpStream::connect(&address).unwrap();
        // It may hang up before it has read all.
        let _ = stream.write_all(bytes);
        drop(stream);
        assert!(served.serves());
    }
    assert_eq!(silent.len(), 50);
    assert_eq!(served.end(), Some(0), "nor does it keep the endpoint from ending");
}
