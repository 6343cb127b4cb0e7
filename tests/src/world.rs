//! One endpoint, one directory of scripts, and what users do with them.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_lambda::primitives::Blob;
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{Deployment, ExecutionId, Function, JobId, WorkflowStatus};
use rsqlflow_store::{JobRow, JobSummary, Store, WorkflowRow};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Keys, binary, command, eventually};

/// How a world is made.
#[derive(Default)]
pub struct WorldOptions {
    /// Pretended instances; one, if 0.
    pub instances: u16,
    /// Environment of the endpoint, and so the deployment's settings.
    pub env: Vec<(String, String)>,
    /// Warehouses: name and URL.
    pub warehouses: Vec<(String, String)>,
    /// Completion events of statements are lost.
    pub drop_statement_events: bool,
    /// Secrets: name and JSON.
    pub secrets: Vec<(String, Value)>,
    /// Commands are delivered but do nothing, until [`World::release_commands`].
    pub hold_commands: bool,
    /// Where its directory is made; where the system keeps such, if `None`.
    pub parent: Option<PathBuf>,
}

/// An endpoint at work. It ends, and takes its directory with it, when this is dropped.
pub struct World {
    dir: TempDir,
    options: WorldOptions,
    endpoint: Child,
    /// For clients of any service.
    pub sdk: SdkConfig,
    /// The tables.
    pub store: Store,
    /// The names of things.
    pub deployment: Deployment,
    /// The endpoint's address.
    pub url: String,
    /// With which its requests are signed.
    pub keys: Keys,
}

/// Starts `rsqlflow local` in a world's directory.
fn serve(dir: &Path, options: &WorldOptions, port: u16) -> (Child, String) {
    let mut command = command("rsqlflow");
    command
        .args(["local", "--output", "json", "--port", &port.to_string(), "--state-dir"])
        .arg(dir.join("state"))
        .arg("--scripts")
        .arg(dir.join("scripts"))
        .args(["--instances", &options.instances.max(1).to_string()])
        .envs(options.env.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if options.hold_commands {
        command.env("RSQLFLOW_AGENT", holdable_agent(dir));
    }
    if options.drop_statement_events {
        command.arg("--drop-statement-events");
    }
    for (name, url) in &options.warehouses {
        command.arg("--warehouse").arg(format!("{name}={url}"));
    }
    for (name, value) in &options.secrets {
        let file = dir.join(format!("secret-{name}.json"));
        std::fs::write(&file, value.to_string()).expect("a secret's file");
        command.arg("--secret").arg(format!("{name}={}", file.display()));
    }
    let mut endpoint = command.spawn().expect("rsqlflow local starts");
    let url = read_url(&mut endpoint);
    (endpoint, url)
}

/// What a function answered instead of an answer.
#[derive(Debug, Clone)]
pub struct Refused {
    /// `errorType`.
    pub error_type: String,
    /// `errorMessage`.
    pub message: String,
}

/// A closed run.
#[derive(Debug)]
pub struct Run {
    /// Its row.
    pub workflow: WorkflowRow,
    /// Its jobs' rows, in plan order.
    pub jobs: Vec<JobSummary>,
}

impl Run {
    /// The statuses in plan order.
    #[must_use]
    pub fn statuses(&self) -> Vec<JobStatus> {
        self.jobs.iter().map(|job| job.state.status).collect()
    }

    /// The message of a job, empty if it has none.
    #[must_use]
    pub fn message(&self, position: usize) -> &str {
        self.jobs[position].state.error_message.as_deref().unwrap_or_default()
    }
}

impl World {
    /// A world with one instance and no secrets.
    pub async fn start() -> Self {
        Self::with(WorldOptions::default()).await
    }

    /// A world made to measure.
    ///
    /// # Panics
    /// Where the endpoint does not start.
    pub async fn with(options: WorldOptions) -> Self {
        let parent = options.parent.clone().unwrap_or_else(std::env::temp_dir);
        let dir = tempfile::Builder::new().prefix("rsqlflow-test-").tempdir_in(parent).expect("a directory");
        std::fs::create_dir(dir.path().join("scripts")).expect("a script directory");
        let (endpoint, url) = serve(dir.path(), &options, 0);
        let keys = Keys::read(&dir.path().join("state/credentials"));
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&url)
            .credentials_provider(keys.provider())
            .build();
        let deployment = Deployment::default();
        let store = Store::new(aws_sdk_dynamodb::Client::new(&sdk), deployment.tables.clone());
        Self { dir, options, endpoint, sdk, store, deployment, url, keys }
    }

    /// Kills the endpoint, as a power cut or the out-of-memory killer would. Its agents live on.
    ///
    /// # Panics
    /// Where it cannot be killed.
    pub fn kill(&mut self) {
        self.endpoint.kill().expect("the endpoint is killed");
        self.endpoint.wait().expect("the endpoint is gone");
    }

    /// Starts the endpoint again after a [`kill`](Self::kill), at the same address.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn restart(&mut self) {
        let port = self.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let (endpoint, url) = serve(self.dir.path(), &self.options, port);
        assert_eq!(url, self.url);
        self.endpoint = endpoint;
    }

    /// The endpoint's process.
    #[must_use]
    pub fn endpoint_pid(&self) -> u32 {
        self.endpoint.id()
    }

    /// Where scripts lie.
    #[must_use]
    pub fn scripts(&self) -> PathBuf {
        self.dir.path().join("scripts")
    }

    /// A file that scripts and tests may write.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The endpoint's state directory.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Writes an executable bash script.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.raw_script(name, &format!("#!/usr/bin/env bash\n{body}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a script's mode");
        path
    }

    /// Writes a script as it is, not executable.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn raw_script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.scripts().join(name);
        std::fs::create_dir_all(path.parent().expect("a script has a directory")).expect("its directory");
        std::fs::write(&path, text).expect("a script");
        path
    }

    /// Puts a workflow item as a user does, without validating it.
    ///
    /// # Panics
    /// Where the table refuses it.
    pub async fn put(&self, workflow: &Value) {
        self.store.config().put(workflow).await.expect("the item is put");
    }

    /// Puts a workflow of one stage.
    pub async fn put_stage(&self, id: &str, execution_type: &str, scripts: Value) {
        self.put(&json!({
            "workflow_id": id,
            "workflow_stages": [{ "execution_type": execution_type, "scripts": scripts }],
        }))
        .await;
    }

    /// Invokes a function.
    ///
    /// # Errors
    /// What the function threw.
    ///
    /// # Panics
    /// Where the endpoint does not invoke it at all.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Value, Refused> {
        let answer = aws_sdk_lambda::Client::new(&self.sdk)
            .invoke()
            .function_name(function)
            .payload(Blob::new(payload.to_string()))
            .send()
            .await
            .expect("the function is invoked");
        let payload: Value = serde_json::from_slice(answer.payload().map(Blob::as_ref).unwrap_or_default())
            .expect("an answer");
        if answer.function_error().is_none() {
            return Ok(payload);
        }
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        Err(Refused { error_type: text("errorType"), message: text("errorMessage") })
    }

    /// Invokes the trigger function.
    ///
    /// # Errors
    /// What it threw.
    pub async fn trigger(&self, request: Value) -> Result<Value, Refused> {
        self.invoke(&self.deployment.functions[Function::WorkflowTrigger], &request).await
    }

    /// Starts a workflow and names the run.
    ///
    /// # Panics
    /// Where the trigger refuses.
    pub async fn begin(&self, workflow: &str) -> ExecutionId {
        let answer = self.trigger(json!({ "workflow_id": workflow })).await.expect("the workflow is started");
        answer["workflow_execution_id"].as_str().expect("the run's id").parse().expect("a valid id")
    }

    /// Waits until a run is closed.
    pub async fn end(&self, id: &ExecutionId) -> Run {
        let workflow = eventually(&format!("the end of {id}"), async || {
            self.store
                .workflows()
                .get(id)
                .await
                .expect("the row is read")
                .filter(|row| row.execution_status.is_closed())
        })
        .await;
        let jobs = self.store.jobs().all_summaries(id).await.expect("the rows are read");
        Run { workflow, jobs }
    }

    /// Starts a workflow and waits for its end.
    pub async fn run(&self, workflow: &str) -> Run {
        let id = self.begin(workflow).await;
        self.end(&id).await
    }

    /// A job's row.
    ///
    /// # Panics
    /// Where the table cannot be read.
    pub async fn job(&self, id: &ExecutionId, stage: u16, position: u32) -> Option<JobRow> {
        self.store.jobs().get(id, JobId::new(stage, position)).await.expect("the row is read")
    }

    /// Waits until a job has a status.
    pub async fn reach(&self, id: &ExecutionId, position: u32, status: JobStatus) -> JobRow {
        eventually(&format!("job {position} of {id} to be {status}"), async || {
            self.job(id, 0, position).await.filter(|row| row.state.status == status)
        })
        .await
    }

    /// Everything that a job wrote, as CloudWatch Logs has it; nothing, as long as nothing has arrived.
    ///
    /// # Panics
    /// Where the log cannot be read.
    pub async fn log(&self, job: &JobSummary) -> Vec<String> {
        let client = aws_sdk_cloudwatchlogs::Client::new(&self.sdk);
        let mut lines = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = client
                .get_log_events()
                .log_group_name(job.log_group.clone().expect("the job has a log group"))
                .log_stream_name(job.log_stream.clone().expect("the job has a log stream"))
                .start_from_head(true)
                .set_next_token(token.clone())
                .send()
                .await;
            let page = match page {
                Err(error)
                    if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) =>
                {
                    return lines;
                }
                page => page.expect("the log is read"),
            };
            lines.extend(page.events().iter().map(|e| e.message().unwrap_or_default().to_owned()));
            let next = page.next_forward_token().map(str::to_owned);
            if next == token {
                return lines;
            }
            token = next;
        }
    }

    /// Status and history of the master execution: `(status, event types)`.
    ///
    /// # Panics
    /// Where it cannot be read.
    pub async fn history(&self, arn: &str) -> Vec<String> {
        let client = aws_sdk_sfn::Client::new(&self.sdk);
        let mut events = client.get_execution_history().execution_arn(arn).into_paginator().items().send();
        let mut types = Vec::new();
        while let Some(event) = events.next().await {
            types.push(event.expect("the history is read").r#type().as_str().to_owned());
        }
        types
    }

    /// Stops the master execution of a run, as a person does in the console.
    ///
    /// # Panics
    /// Where it cannot be stopped.
    pub async fn stop(&self, id: &ExecutionId) {
        let row = self.store.workflows().get(id).await.expect("the row is read").expect("there is a row");
        aws_sdk_sfn::Client::new(&self.sdk)
            .stop_execution()
            .execution_arn(row.state_machine_execution_arn.expect("the execution is known"))
            .send()
            .await
            .expect("the execution is stopped");
    }

    /// Process ids whose command line holds `text`.
    ///
    /// # Panics
    /// Where `/proc` cannot be read.
    #[must_use]
    pub fn processes(text: &str) -> Vec<i32> {
        let holds = |pid: &i32| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(text))
        };
        std::fs::read_dir("/proc")
            .expect("/proc")
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(holds)
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.endpoint.id()).unwrap_or(i32::MAX));
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.endpoint.wait();
        if std::thread::panicking() {
            show_agent_logs(&self.state_dir());
        }
    }
}

/// What becomes of a command where it may be held: nothing, as long as there is a file `hold`.
fn holdable_agent(dir: &Path) -> PathBuf {
    let (path, hold) = (dir.join("held-agent"), dir.join("hold"));
    let agent = binary("rsqlflow-agent");
    let text = format!("#!/bin/sh\n[ -e '{}' ] || exec '{}' \"$@\"\n", hold.display(), agent.display());
    std::fs::write(&path, text).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a script's mode");
    std::fs::write(hold, "").expect("a file");
    path
}

/// What the agents had to say, for whoever reads a failed test.
fn show_agent_logs(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        // Not through links: a test may have put a device there, which has no end.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            show_agent_logs(&path);
        } else if kind.is_file()
            && path.file_name().is_some_and(|name| name.to_string_lossy().contains("agent"))
            && path.extension().is_some_and(|e| e == "log")
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            eprintln!("--- {}\n{text}", path.display());
        }
    }
}

fn read_url(endpoint: &mut Child) -> String {
    let stdout = endpoint.stdout.take().expect("the endpoint's output");
    let mut document = String::new();
    for line in BufReader::new(stdout).lines() {
        document.push_str(&line.expect("the endpoint's output is text"));
        if let Ok(value) = serde_json::from_str::<Value>(&document) {
            return value["endpoint_url"]
                .as_str()
                .unwrap_or_else(|| panic!("no address: {value}"))
                .to_owned();
        }
    }
    panic!("rsqlflow local ended before it served: {document}");
}

/// So that tests can say what they mean.
impl Run {
    /// Whether the workflow completed.
    #[must_use]
    pub fn completed(&self) -> bool {
        self.workflow.execution_status == WorkflowStatus::Completed
    }
}
