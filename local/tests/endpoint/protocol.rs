//! HTTP below the SDK: wrong requests, and what is not supported.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{raw, start};

const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.0");

#[tokio::test]
async fn an_unknown_operation_is_501_by_name() {
    let local = start().await;
    for (target, name) in [
        ("DynamoDB_20120810.CreateBackup", "CreateBackup"),
        ("AWSStepFunctions.CreateActivity", "CreateActivity"),
        ("AmazonSSM.PutParameter", "PutParameter"),
        ("Logs_20140328.StartQuery", "StartQuery"),
        ("secretsmanager.RotateSecret", "RotateSecret"),
        ("AmazonSQS.SendMessage", "SendMessage"),
    ] {
        let answer = raw(&local, "POST /", &[JSON, ("x-amz-target", target)], b"{}").await;
        assert_eq!(answer.status, 501, "{target}: {}", answer.body);
        let body = answer.json();
        assert_eq!(body["__type"], "NotImplemented");
        assert!(body["message"].as_str().unwrap().contains(name), "{body}");
        assert!(answer.head.contains("x-amzn-requestid: "), "{}", answer.head);
    }
}

#[tokio::test]
async fn the_query_protocol_and_paths_answer_501_too() {
    let local = start().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let answer = raw(&local, "POST /", &[form], b"Action=AddPermission&Version=2010-03-31").await;
    assert_eq!(answer.status, 501);
    assert!(answer.body.contains("<Code>NotImplemented</Code>"), "{}", answer.body);
    assert!(answer.body.contains("AddPermission"), "{}", answer.body);
    for (line, name) in [
        ("GET /", "GET /"),
        ("GET /bucket/key", "GET /bucket/key"),
        ("POST /2015-03-31/functions", "CreateFunction"),
        ("PUT /2017-10-31/functions/f/concurrency", "PutFunctionConcurrency"),
        ("GET /2015-03-31/functions/f/nonsense", "nonsense"),
    ] {
        let answer = raw(&local, line, &[], b"").await;
        assert_eq!(answer.status, 501, "{line}");
        assert!(answer.body.contains(name), "{line}: {}", answer.body);
        assert!(answer.head.contains("x-amzn-errortype: NotImplemented"), "{}", answer.head);
    }
}

#[tokio::test]
async fn malformed_json_is_a_serialization_exception() {
    let local = start().await;
    for target in [
        "DynamoDB_20120810.GetItem",
        "AWSStepFunctions.StartExecution",
        "AmazonSSM.SendCommand",
        "Logs_20140328.PutLogEvents",
        "secretsmanager.GetSecretValue",
    ] {
        let answer = raw(&local, "POST /", &[JSON, ("x-amz-target", target)], b"{\"a\": ").await;
        assert_eq!(answer.status, 400, "{target}");
        let kind = answer.json()["__type"].as_str().unwrap().to_owned();
        assert!(kind.ends_with("SerializationException"), "{target}: {kind}");
    }
}

#[tokio::test]
async fn a_member_that_would_be_ignored_is_refused_by_name() {
    let local = start().await;
    let body = br#"{"DocumentName": "d", "OutputS3BucketName": "b"}"#;
    let answer = raw(&local, "POST /", &[JSON, ("x-amz-target", "AmazonSSM.SendCommand")], body).await;
    assert_eq!(answer.status, 501);
    assert!(answer.body.contains("OutputS3BucketName"), "{}", answer.body);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let local = start().await;
    let headers = [JSON, ("x-amz-target", "DynamoDB_20120810.PutItem"), ("content-length", "100000000")];
    let answer = raw(&local, "POST /", &headers, b"").await;
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains("larger than"), "{}", answer.body);
}

#[tokio::test]
async fn a_body_is_within_its_services_limit() {
    let local = start().await;
    // The client sends it all before it reads, and still gets its answer.
    let large = vec![b' '; 10 * 1024 * 1024];
    for target in [
        "AWSStepFunctions.StartExecution",
        "AmazonSSM.SendCommand",
        "Logs_20140328.PutLogEvents",
        "Nobody.Knows",
    ] {
        let answer = raw(&local, "POST /", &[JSON, ("x-amz-target", target)], &large).await;
        assert_eq!(answer.status, 413, "{target}");
        assert_eq!(answer.json()["__type"], "RequestEntityTooLargeException");
    }
    let answer = raw(&local, "POST /2015-03-31/functions/f/invocations", &[], &large).await;
    assert_eq!(answer.status, 413);
    assert!(answer.head.contains("x-amzn-errortype: RequestEntityTooLargeException"), "{}", answer.head);
    let answer = raw(&local, "POST /", &[], &large).await;
    assert!(
        answer.status == 413 && answer.body.contains("<Code>RequestEntityTooLarge</Code>"),
        "{}",
        answer.body
    );
    let headers = [JSON, ("x-amz-target", "DynamoDB_20120810.ListTables")];
    let taken = raw(&local, "POST /", &headers, &[&large[..], b"{}"].concat()).await;
    assert_eq!(taken.status, 200, "DynamoDB takes 16 MB: {}", taken.body);
}

#[tokio::test]
async fn a_signature_has_a_form() {
    let local = start().await;
    let target = ("x-amz-target", "AmazonSSM.ListCommands");
    let date = ("x-amz-date", "20260101T000000Z");
    let scope = "Credential=AK/20260101/us-east-1/ssm/aws4_request";
    let good = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host;x-amz-date, Signature=00");
    let answer = raw(&local, "POST /", &[JSON, target, date, ("authorization", &good)], b"{}").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(raw(&local, "POST /", &[JSON, target], b"{}").await.status, 200, "unsigned");
    for bad in ["Basic dXNlcjpwYXNz", "AWS4-HMAC-SHA256 Signature=00", &format!("AWS4-HMAC-SHA256 {scope}")] {
        let answer = raw(&local, "POST /", &[JSON, target, date, ("authorization", bad)], b"{}").await;
        assert_eq!(answer.status, 400, "{bad}");
        assert_eq!(answer.json()["__type"], "IncompleteSignatureException");
        let form = b"Action=GetCallerIdentity&Version=2011-06-15";
        let answer = raw(&local, "POST /", &[("authorization", bad)], form).await;
        assert!(
            answer.status == 400 && answer.body.contains("<Code>IncompleteSignature</Code>"),
            "{}",
            answer.body
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_clients_at_once_are_all_served() {
    let local = start().await;
    let (ssm, sts) = (aws_sdk_ssm::Client::new(&local.sdk), aws_sdk_sts::Client::new(&local.sdk));
    let logs = aws_sdk_cloudwatchlogs::Client::new(&local.sdk);
    let lambda = aws_sdk_lambda::Client::new(&local.sdk);
    let group = local.endpoint.deployment().log_group.clone();
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (ssm, sts, logs, lambda) = (ssm.clone(), sts.clone(), logs.clone(), lambda.clone());
        let (group, stream) = (group.clone(), format!("stream-{number}"));
        clients.spawn(async move {
            logs.create_log_stream().log_group_name(&group).log_stream_name(&stream).send().await.unwrap();
            for round in 0..5 {
                let event = aws_sdk_cloudwatchlogs::types::InputLogEvent::builder()
                    .timestamp(jiff::Timestamp::now().as_millisecond())
                    .message(format!("{number}/{round}"))
                    .build()
                    .unwrap();
                let put = logs.put_log_events().log_group_name(&group).log_stream_name(&stream);
                put.log_events(event).send().await.unwrap();
                assert_eq!(sts.get_caller_identity().send().await.unwrap().account(), Some("000000000000"));
                ssm.list_commands().send().await.unwrap();
                lambda.list_functions().send().await.unwrap();
            }
            let read = logs.get_log_events().log_group_name(&group).log_stream_name(&stream);
            assert_eq!(read.start_from_head(true).send().await.unwrap().events().len(), 5);
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_missing_member_is_told_in_the_services_words() {
    let local = start().await;
    let headers = [JSON, ("x-amz-target", "AmazonSSM.GetCommandInvocation")];
    let answer = raw(&local, "POST /", &headers, b"{}").await;
    assert_eq!((answer.status, answer.json()["__type"].as_str()), (400, Some("ValidationException")));
    assert_eq!(
        answer.json()["message"],
        "1 validation error detected: Value null at 'commandId' failed to satisfy constraint: Member must not be null"
    );
}

#[tokio::test]
async fn a_target_without_sense_is_refused() {
    let local = start().await;
    for target in ["", "GetItem", "Nobody.Knows", "DynamoDB_20120810."] {
        let answer = raw(&local, "POST /", &[JSON, ("x-amz-target", target)], b"{}").await;
        assert_eq!(answer.status, 501, "{target:?}");
    }
    let answer = raw(&local, "POST /", &[JSON], b"{}").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["__type"], "UnknownOperationException");
    let answer = raw(&local, "POST /", &[], b"").await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("MissingAction"), "{}", answer.body);
}

#[tokio::test]
async fn a_page_in_a_browser_is_refused() {
    let local = start().await;
    let target = ("x-amz-target", "AWSSecurityTokenServiceV20110615.GetCallerIdentity");
    for headers in
        [[JSON, target, ("host", "evil.example")], [JSON, target, ("origin", "http://127.0.0.1:1")]]
    {
        let answer = raw(&local, "POST /", &headers, b"{}").await;
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    let answer =
        raw(&local, "POST /", &[JSON, ("x-amz-target", "Nobody.Knows"), ("host", "localhost:4566")], b"{}")
            .await;
    assert_eq!(answer.status, 501, "the name of this machine will do");
}

/// More than the endpoint has connections for: half of the heads, or heads without their bodies.
#[tokio::test]
async fn half_sent_requests_keep_nobody_out() {
    let local = start().await;
    let address = local.endpoint.url().strip_prefix("http://").unwrap();
    let halves =
        ["POST / HTTP/1.1\r\nhost: 127", "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\n{"];
    let mut clients = Vec::new();
    for half in halves.iter().cycle().take(1_200) {
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        client.write_all(half.as_bytes()).await.unwrap();
        clients.push(client);
    }
    let answer = raw(&local, "POST /", &[JSON, ("x-amz-target", "DynamoDB_20120810.ListTables")], b"{}");
    let answer = tokio::time::timeout(Duration::from_secs(10), answer).await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.body);
    // The oldest had to go.
    let mut rest = Vec::new();
    let end = clients[0].read_to_end(&mut rest);
    let _ = tokio::time::timeout(Duration::from_secs(10), end).await.expect("it is closed");
}
