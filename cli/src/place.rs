//! Where a command works: an endpoint that somebody runs, or one embedded in this process.

use std::path::{Path, PathBuf};

use anyhow::Context;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_lambda::primitives::Blob;
use rsqlflow_core::{Deployment, ExecutionId, Timestamp, Timing};
use rsqlflow_local::{Endpoint, LocalError, Options};
use rsqlflow_store::Store;
use serde_json::Value;

use crate::args;
use crate::error::Failure;

/// An endpoint, and the way to it.
pub(crate) struct Place {
    /// For clients of any service.
    pub sdk: SdkConfig,
    /// Names, times and defaults.
    pub deployment: Deployment,
    /// The tables.
    pub store: Store,
    /// Since when it is ours; what started before was left by an earlier endpoint.
    pub since: Timestamp,
    /// `None` where another process serves the state directory.
    endpoint: Option<Endpoint>,
    url: String,
}

/// Where an endpoint writes its address, below its state directory, for those who want to look at it while it runs
/// and for the next one, which takes the same port so that agents that are still at work find it.
const ADDRESS: &str = "endpoint.url";

/// Overrides the agent's binary, which is otherwise looked for beside this one.
pub(crate) const AGENT: &str = "RSQLFLOW_AGENT";

impl Place {
    /// Starts an embedded endpoint for scripts to run on.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub(crate) async fn start(embedded: &args::Embedded, port: u16, scripts: &Path) -> Result<Self, Failure> {
        let secrets = read_secrets(&embedded.secret)?;
        let mut deployment = deployment()?;
        if deployment.defaults.secret.is_none() {
            deployment.defaults.secret = secrets.first().map(|(name, _)| name.clone());
        }
        let scripts = script_directory(scripts)?;
        let place = Self::open(Options {
            port,
            state_dir: embedded.place.state_dir.clone(),
            instances: usize::from(embedded.instances),
            agent_binary: agent_binary()?,
            script_dir: scripts,
            paused: false,
            deployment,
        })
        .await?;
        for (name, value) in secrets {
            place.put_secret(&name, value).await?;
        }
        Ok(place)
    }

    /// Opens what an embedded endpoint has left behind, or is at work on, to read it.
    ///
    /// # Errors
    /// Where there is nothing, or it cannot be opened.
    pub(crate) async fn reopen(place: &args::Place) -> Result<Self, Failure> {
        if !place.state_dir.is_dir() {
            return Err(Failure::input(
                format!("there is no state directory {}", place.state_dir.display()),
                "name the one of the run with --state-dir",
            ));
        }
        let options = Options {
            port: 0,
            state_dir: place.state_dir.clone(),
            instances: 1,
            agent_binary: agent_binary()?,
            script_dir: place.state_dir.clone(),
            paused: true,
            deployment: deployment()?,
        };
        match Endpoint::start(options).await {
            Ok(endpoint) => Ok(Self::of(endpoint)),
            Err(error @ LocalError::StateDirInUse { .. }) => match last_address(&place.state_dir) {
                Some(url) => Ok(Self::at(url, deployment()?)),
                None => Err(not_started(error)),
            },
            Err(error) => Err(not_started(error)),
        }
    }

    /// Starts an endpoint, on the port that the last one on this directory had if none is asked for.
    async fn open(mut options: Options) -> Result<Self, Failure> {
        let since = jiff::Timestamp::now().into();
        let state_dir = options.state_dir.clone();
        let asked = options.port;
        if asked == 0 {
            options.port = last_address(&state_dir).and_then(|url| port_of(&url)).unwrap_or(0);
        }
        let endpoint = match Endpoint::start(options.clone()).await {
            Err(LocalError::PortTaken { .. }) if asked == 0 => {
                options.port = 0;
                Endpoint::start(options).await
            }
            started => started,
        };
        let place = Self { since, ..Self::of(endpoint.map_err(not_started)?) };
        let address = state_dir.join(ADDRESS);
        std::fs::write(&address, &place.url)
            .with_context(|| format!("cannot write {}", address.display()))?;
        Ok(place)
    }

    fn of(endpoint: Endpoint) -> Self {
        let sdk = endpoint.sdk_config();
        let deployment = endpoint.deployment().clone();
        let store = Store::new(aws_sdk_dynamodb::Client::new(&sdk), deployment.tables.clone());
        let url = endpoint.url().to_string();
        Self { sdk, deployment, store, since: jiff::Timestamp::now().into(), endpoint: Some(endpoint), url }
    }

    /// An endpoint of another process on this machine.
    fn at(url: String, deployment: Deployment) -> Self {
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&url)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "local", "local", None, None, "embedded",
            )))
            .build();
        let store = Store::new(aws_sdk_dynamodb::Client::new(&sdk), deployment.tables.clone());
        Self { sdk, deployment, store, since: jiff::Timestamp::now().into(), endpoint: None, url }
    }

    /// The endpoint's address.
    #[must_use]
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends the endpoint, if it is this process's.
    pub(crate) async fn close(self) {
        if let Some(endpoint) = self.endpoint {
            endpoint.shutdown().await;
        }
    }

    /// Invokes a function: its payload, or the error it threw.
    ///
    /// # Errors
    /// Where it cannot be invoked at all.
    pub(crate) async fn invoke(
        &self,
        function: &str,
        payload: &Value,
    ) -> anyhow::Result<Result<Value, Value>> {
        let answer = aws_sdk_lambda::Client::new(&self.sdk)
            .invoke()
            .function_name(function)
            .payload(Blob::new(payload.to_string()))
            .send()
            .await
            .with_context(|| format!("cannot invoke the function {function}"))?;
        let payload = answer.payload().map(Blob::as_ref).unwrap_or_default();
        let payload: Value = serde_json::from_slice(payload)
            .with_context(|| format!("{function} answered with something else than JSON"))?;
        Ok(if answer.function_error().is_some() { Err(payload) } else { Ok(payload) })
    }

    /// Whether the master execution of a run is there, at work or ended.
    ///
    /// # Errors
    /// Where Step Functions does not answer.
    pub(crate) async fn has_execution(&self, id: &ExecutionId) -> anyhow::Result<bool> {
        let arn = self.deployment.machines.master.execution_arn(id.as_str());
        let described = aws_sdk_sfn::Client::new(&self.sdk).describe_execution().set_execution_arn(arn);
        match described.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_execution_does_not_exist()) => {
                Ok(false)
            }
            Err(error) => {
                Err(anyhow::Error::new(error).context(format!("cannot look at the execution of {id}")))
            }
        }
    }

    async fn put_secret(&self, name: &str, value: String) -> Result<(), Failure> {
        let client = aws_sdk_secretsmanager::Client::new(&self.sdk);
        let created = client.create_secret().name(name).secret_string(&value).send().await;
        let Err(error) = created else { return Ok(()) };
        let exists = error.as_service_error().is_some_and(|e| e.is_resource_exists_exception());
        if !exists {
            return Err(anyhow::Error::new(error).context(format!("cannot store the secret {name}")).into());
        }
        client
            .put_secret_value()
            .secret_id(name)
            .secret_string(value)
            .send()
            .await
            .with_context(|| format!("cannot store the secret {name}"))?;
        Ok(())
    }
}

/// The id of a run as the operator typed it.
///
/// # Errors
/// Where it cannot be one.
pub(crate) fn execution_id(text: &str) -> Result<ExecutionId, Failure> {
    ExecutionId::new(text)
        .map_err(|error| Failure::input(error.to_string(), "take it from the first line that `run` printed"))
}

/// The deployment as the environment describes it, with times that fit one machine.
///
/// # Errors
/// Every problem of the environment.
pub(crate) fn deployment() -> Result<Deployment, Failure> {
    let defaults = Deployment { timing: Timing::single_machine(), ..Deployment::default() };
    let names = defaults.to_env();
    let get = |name: &str| {
        std::env::var(name).ok().or_else(|| names.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone()))
    };
    Deployment::from_env(get)
        .map_err(|problems| Failure::Workflow { what: "the environment".to_owned(), problems })
}

fn script_directory(scripts: &Path) -> Result<PathBuf, Failure> {
    let unusable = |reason: &dyn std::fmt::Display| {
        Failure::input(
            format!("the script directory {} cannot be used: {reason}", scripts.display()),
            "name it with --scripts",
        )
    };
    let found = scripts.canonicalize().map_err(|error| unusable(&error))?;
    if found.is_dir() { Ok(found) } else { Err(unusable(&"it is not a directory")) }
}

fn last_address(state_dir: &Path) -> Option<String> {
    let url = std::fs::read_to_string(state_dir.join(ADDRESS)).ok()?;
    url.starts_with("http://127.0.0.1:").then_some(url)
}

fn port_of(url: &str) -> Option<u16> {
    url.rsplit(':').next()?.trim_end_matches('/').parse().ok()
}

fn not_started(error: LocalError) -> Failure {
    let hint = hint_for(&error);
    Failure::Environment {
        error: anyhow::Error::new(error).context("the embedded endpoint did not start"),
        hint,
    }
}

fn read_secrets(secrets: &[(String, PathBuf)]) -> Result<Vec<(String, String)>, Failure> {
    let read = |(name, file): &(String, PathBuf)| {
        let form = r#"it holds JSON such as {"host": "…", "port": 5439, "username": "…", "password": "…", "dbname": "…"}"#;
        let text = std::fs::read_to_string(file).map_err(|error| {
            Failure::input(format!("the secret's file {} cannot be read: {error}", file.display()), form)
        })?;
        // The reader's own message would quote the text, which is secret.
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(value) if value.is_object() => Ok((name.clone(), text)),
            _ => Err(Failure::input(format!("{} is not a JSON object", file.display()), form)),
        }
    };
    secrets.iter().map(read).collect()
}

fn agent_binary() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os(AGENT) {
        return Ok(path.into());
    }
    let here = std::env::current_exe().context("cannot tell where this program is")?;
    let beside = here.with_file_name("rsqlflow-agent");
    if beside.is_file() {
        return Ok(beside);
    }
    Err(Failure::environment(
        anyhow::anyhow!("the agent is not at {}", beside.display()),
        format!("build it with `make build`, or name it in {AGENT}"),
    ))
}

fn hint_for(error: &LocalError) -> Option<String> {
    let hint = match error {
        LocalError::StateDirInUse { .. } => {
            "an `rsqlflow local` or `run` works there: wait for its end, or name another --state-dir"
        }
        LocalError::PortTaken { .. } => "--port 0 takes a free one",
        LocalError::StateDir { .. } => "--state-dir names another directory",
        _ => return None,
    };
    Some(hint.to_owned())
}
