//! An endpoint for a test, and waiting for what it does.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use rsqlflow_core::{Deployment, Timing};
use rsqlflow_local::{Endpoint, Options};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// An endpoint in a directory of its own.
pub(crate) struct Local {
    pub(crate) endpoint: Endpoint,
    pub(crate) sdk: SdkConfig,
    pub(crate) dir: TempDir,
}

/// For clients as other processes have them: by the port.
pub(crate) fn by_port(endpoint: &Endpoint) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().build_http();
    endpoint.sdk_config().into_builder().http_client(http).build()
}

/// An endpoint with one instance.
pub(crate) async fn start() -> Local {
    start_with(|_| {}).await
}

/// An endpoint with other options.
pub(crate) async fn start_with(change: impl FnOnce(&mut Options)) -> Local {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    change(&mut options);
    let endpoint = Box::pin(Endpoint::start(options)).await.unwrap();
    Local { sdk: by_port(&endpoint), endpoint, dir }
}

/// Ends an endpoint and starts another one on its directory.
pub(crate) async fn restart(local: Local) -> Local {
    restart_with(local, |_| {}).await
}

/// As [`restart`], with other options.
pub(crate) async fn restart_with(local: Local, change: impl FnOnce(&mut Options)) -> Local {
    let Local { endpoint, dir, .. } = local;
    endpoint.shutdown().await;
    let mut options = options(dir.path());
    change(&mut options);
    let endpoint = Box::pin(Endpoint::start(options)).await.unwrap();
    Local { sdk: by_port(&endpoint), endpoint, dir }
}

pub(crate) fn options(dir: &Path) -> Options {
    let deployment = Deployment { timing: Timing::single_machine(), ..Deployment::default() };
    Options {
        port: 0,
        state_dir: dir.join("state"),
        instances: 1,
        agent_binary: dir.join("agent"),
        script_dir: dir.join("scripts"),
        paused: false,
        warehouses: Vec::new(),
        drop_statement_events: false,
        // Requests that these tests write by hand are not signed.
        authenticate: false,
        deployment,
    }
}

/// Puts a script where the agent is looked for.
pub(crate) fn agent(dir: &Path, script: &str) {
    let path = dir.join("agent");
    std::fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Asks until there is an answer. The pause only spares the processor; nothing depends on it.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A request of a JSON protocol, as clients that are no SDK send it.
pub(crate) async fn call(local: &Local, target: &str, body: serde_json::Value) -> Raw {
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
    raw(local, "POST /", &headers, body.to_string().as_bytes()).await
}

/// The error code of a refused request.
pub(crate) fn code<E, R>(refused: &SdkError<E, R>) -> &str
where
    E: ProvideErrorMetadata + std::fmt::Debug,
    R: std::fmt::Debug,
{
    refused.code().unwrap_or_else(|| panic!("no error code in {refused:?}"))
}

/// An answer as it came over the wire.
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Raw {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends a request as it is.
pub(crate) async fn raw(local: &Local, first_line: &str, headers: &[(&str, &str)], body: &[u8]) -> Raw {
    let address = local.endpoint.url().strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut request = format!("{first_line} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        request += &format!("host: {address}\r\n");
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    if !headers.iter().any(|(name, _)| *name == "content-length") {
        request += &format!("content-length: {}\r\n", body.len());
    }
    stream.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Raw { status, head: head.to_owned(), body: body.to_owned() }
}
