//! An endpoint that is killed, and what the next one on its directory makes of it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use rsqlflow_core::ExecutionId;
use rsqlflow_local::Endpoint;
use rsqlflow_store::Store;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::ssm::{FIRST, finished, parameters};
use crate::support::{agent, by_port, options, until};

/// Where the child is told its directory.
const DIR: &str = "KILLED_ENDPOINT_DIR";

/// Not a test: the endpoint that is killed. The tests start it as a process of its own.
#[test]
#[ignore = "started by the tests of this module"]
fn endpoint_process() {
    let dir = std::env::var_os(DIR).unwrap();
    let dir = Path::new(&dir);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let endpoint = Box::pin(Endpoint::start(options(dir))).await.unwrap();
        // Renamed, so that nobody reads half a URL.
        std::fs::write(dir.join("url.new"), endpoint.url()).unwrap();
        std::fs::rename(dir.join("url.new"), dir.join("url")).unwrap();
        std::future::pending::<()>().await;
    });
}

/// Starts an endpoint in another process; gives it and its configuration for clients.
async fn start(dir: &Path) -> (Child, SdkConfig) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::endpoint_process", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let url = until("the other process's endpoint", async || {
        assert_eq!(child.try_wait().unwrap(), None, "the other process ended");
        std::fs::read_to_string(dir.join("url")).ok()
    })
    .await;
    let credentials = Credentials::new("local", "local", None, None, "test");
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    (child, sdk)
}

#[tokio::test]
async fn a_command_under_way_is_delivered_again() {
    let dir = tempfile::tempdir().unwrap();
    let (runs, gate, second) = (dir.path().join("runs"), dir.path().join("gate"), dir.path().join("second"));
    // The first delivery waits at the gate for ever.
    agent(
        dir.path(),
        &format!(
            "[ -n \"$1\" ] && echo $$ >> {}; [ -e {} ] && exit 0; exec cat {}",
            runs.display(),
            second.display(),
            gate.display()
        ),
    );
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (mut child, sdk) = start(dir.path()).await;
    let client = aws_sdk_ssm::Client::new(&sdk);
    let sent = client
        .send_command()
        .document_name("rsqlflow-run-job")
        .instance_ids(FIRST)
        .comment("before the crash")
        .set_parameters(Some(parameters()))
        .send()
        .await
        .unwrap();
    let command = sent.command().unwrap().command_id().unwrap();
    let pids = || std::fs::read_to_string(&runs).unwrap_or_default();
    until("the first delivery", async || pids().ends_with('\n').then_some(())).await;
    child.kill().await.unwrap();

    std::fs::write(&second, "").unwrap();
    let endpoint = Box::pin(Endpoint::start(options(dir.path()))).await.unwrap();
    let client = aws_sdk_ssm::Client::new(&by_port(&endpoint));
    let done = finished(&client, command, FIRST).await;
    assert_eq!((done.status().unwrap().as_str(), done.comment()), ("Success", Some("before the crash")));
    assert_eq!(pids().lines().count(), 2, "delivered once before the crash and once after it");

    // The third endpoint has nothing to do, and knows it all.
    endpoint.shutdown().await;
    let endpoint = Box::pin(Endpoint::start(options(dir.path()))).await.unwrap();
    let client = aws_sdk_ssm::Client::new(&by_port(&endpoint));
    let listed = client.list_commands().send().await.unwrap();
    assert_eq!(listed.commands()[0].status().unwrap().as_str(), "Success");
    assert_eq!(listed.commands()[0].parameters().unwrap(), &parameters());
    endpoint.shutdown().await;
    assert_eq!(pids().lines().count(), 2);
    // Lets the first delivery's process end.
    std::fs::OpenOptions::new().write(true).open(&gate).unwrap();
}

#[tokio::test]
async fn an_accepted_event_runs_after_all() {
    let dir = tempfile::tempdir().unwrap();
    let tables = options(dir.path()).deployment.tables;
    let (mut child, sdk) = start(dir.path()).await;
    let store = Store::new(aws_sdk_dynamodb::Client::new(&sdk), tables.clone());
    let stage = json!({"execution_type": "parallel", "execution_flag": "n", "scripts": ["a.sh"]});
    let workflow = json!({"workflow_id": "w", "concurrency_policy": "allow", "workflow_stages": [stage]});
    store.config().put(&workflow).await.unwrap();
    let runs: Vec<_> = (0..10).map(|number| format!("run-{number}")).collect();
    for run in &runs {
        let event = json!({"workflow_id": "w", "workflow_execution_id": run});
        let accepted = aws_sdk_lambda::Client::new(&sdk)
            .invoke()
            .function_name("rsqlflow-workflow-trigger")
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(event.to_string()))
            .send()
            .await
            .unwrap();
        assert_eq!(accepted.status_code(), 202);
    }
    child.kill().await.unwrap();

    let endpoint = Box::pin(Endpoint::start(options(dir.path()))).await.unwrap();
    let store = Store::new(aws_sdk_dynamodb::Client::new(&by_port(&endpoint)), tables);
    for run in &runs {
        let id = ExecutionId::new(run).unwrap();
        until(run, async || store.workflows().get(&id).await.unwrap()).await;
    }
    tokio::time::timeout(Duration::from_secs(20), endpoint.shutdown()).await.unwrap();
}
