//! Start, end, and what survives in between.

use aws_sdk_dynamodb::types::AttributeValue;
use rsqlflow_local::{Endpoint, LocalError};

use crate::support::{by_port, options, start};

#[tokio::test]
async fn it_serves_a_ready_deployment() {
    let local = start().await;
    assert!(local.endpoint.url().starts_with("http://127.0.0.1:"));
    let tables = aws_sdk_dynamodb::Client::new(&local.sdk).list_tables().send().await.unwrap();
    assert_eq!(
        tables.table_names(),
        ["rsqlflow-config-table", "rsqlflow-job-audit-table", "rsqlflow-workflow-audit-table"]
    );
    let groups = aws_sdk_cloudwatchlogs::Client::new(&local.sdk).describe_log_groups().send().await.unwrap();
    assert_eq!(groups.log_groups()[0].log_group_name(), Some("/ops/rsql-logs/"));
    let who = aws_sdk_sts::Client::new(&local.sdk).get_caller_identity().send().await.unwrap();
    assert_eq!(who.account(), Some("000000000000"));
    let machines = aws_sdk_sfn::Client::new(&local.sdk).list_state_machines().send().await.unwrap();
    let arns: Vec<_> = machines.state_machines().iter().map(|m| m.state_machine_arn()).collect();
    let deployed = &local.endpoint.deployment().machines;
    for machine in [&deployed.master, &deployed.sequential, &deployed.parallel] {
        assert!(arns.contains(&machine.arn.as_deref().unwrap()), "{machine:?} in {arns:?}");
    }
    local.endpoint.shutdown().await;
}

#[tokio::test]
async fn tables_logs_and_secrets_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = Endpoint::start(options(dir.path())).await.unwrap();
    let sdk = by_port(&first);
    aws_sdk_dynamodb::Client::new(&sdk)
        .put_item()
        .table_name("rsqlflow-config-table")
        .item("workflow_id", AttributeValue::S("w".to_owned()))
        .send()
        .await
        .unwrap();
    let logs = aws_sdk_cloudwatchlogs::Client::new(&sdk);
    logs.create_log_stream().log_group_name("/ops/rsql-logs/").log_stream_name("s").send().await.unwrap();
    aws_sdk_secretsmanager::Client::new(&sdk)
        .create_secret()
        .name("db")
        .secret_string("hidden")
        .send()
        .await
        .unwrap();
    first.shutdown().await;

    let second = Endpoint::start(options(dir.path())).await.unwrap();
    let sdk = by_port(&second);
    let item = aws_sdk_dynamodb::Client::new(&sdk)
        .get_item()
        .table_name("rsqlflow-config-table")
        .key("workflow_id", AttributeValue::S("w".to_owned()))
        .send()
        .await
        .unwrap();
    assert!(item.item().is_some());
    let logs = aws_sdk_cloudwatchlogs::Client::new(&sdk);
    let streams = logs.describe_log_streams().log_group_name("/ops/rsql-logs/").send().await.unwrap();
    assert_eq!(streams.log_streams()[0].log_stream_name(), Some("s"));
    let secret =
        aws_sdk_secretsmanager::Client::new(&sdk).get_secret_value().secret_id("db").send().await.unwrap();
    assert_eq!(secret.secret_string(), Some("hidden"));
    second.shutdown().await;
}

#[tokio::test]
async fn a_second_endpoint_on_the_directory_is_refused() {
    let local = start().await;
    let error = Endpoint::start(options(local.dir.path())).await.unwrap_err();
    assert!(matches!(error, LocalError::StateDirInUse { .. }), "{error}");
    assert!(error.to_string().contains("another endpoint uses the state directory"), "{error}");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    options.port = port;
    let error = Endpoint::start(options.clone()).await.unwrap_err();
    assert!(matches!(error, LocalError::PortTaken { port: p } if p == port), "{error}");
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    // What it had taken is free again.
    drop(taken);
    Endpoint::start(options).await.unwrap();
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    std::fs::write(dir.path().join("file"), "").unwrap();
    options.state_dir = dir.path().join("file/state");
    let error = Endpoint::start(options).await.unwrap_err();
    assert!(matches!(error, LocalError::StateDir { .. }), "{error}");
}

#[tokio::test]
async fn what_holds_secrets_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let local = start().await;
    let mode = std::fs::metadata(local.endpoint.state_dir()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
