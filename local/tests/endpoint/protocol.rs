//! HTTP below the SDK: wrong requests, and what is not supported.

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
    for line in ["GET /", "GET /bucket/key", "GET /2015-03-31/functions/"] {
        let answer = raw(&local, line, &[], b"").await;
        assert_eq!(answer.status, 501, "{line}");
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
async fn a_target_without_sense_is_refused() {
    let local = start().await;
    for target in ["", "GetItem", "Nobody.Knows", "DynamoDB_20120810."] {
        let answer = raw(&local, "POST /", &[JSON, ("x-amz-target", target)], b"{}").await;
        assert_eq!(answer.status, 501, "{target:?}");
    }
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
