//! Where a command works: an endpoint that somebody runs, or one embedded in this process.

use std::path::{Path, PathBuf};

use anyhow::Context;
use aws_config::SdkConfig;
use rsqlflow_core::{Deployment, ExecutionId, Timing};
use rsqlflow_local::{Endpoint, LocalError, Options};
use rsqlflow_store::Store;

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
    endpoint: Endpoint,
}

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
        let scripts = scripts.canonicalize().map_err(|error| {
            Failure::input(
                format!("the script directory {} cannot be used: {error}", scripts.display()),
                "name it with --scripts",
            )
        })?;
        let place = Self::open(&embedded.place, deployment, port, embedded.instances, scripts).await?;
        for (name, value) in secrets {
            place.put_secret(&name, value).await?;
        }
        Ok(place)
    }

    /// Opens what an embedded endpoint has left behind, to read it.
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
        Self::open(place, deployment()?, 0, 1, place.state_dir.clone()).await
    }

    async fn open(
        place: &args::Place,
        deployment: Deployment,
        port: u16,
        instances: u16,
        scripts: PathBuf,
    ) -> Result<Self, Failure> {
        let options = Options {
            port,
            state_dir: place.state_dir.clone(),
            instances: usize::from(instances),
            agent_binary: agent_binary()?,
            script_dir: scripts,
            deployment,
        };
        let endpoint = Endpoint::start(options).await.map_err(|error| {
            let hint = hint_for(&error);
            Failure::Environment {
                error: anyhow::Error::new(error).context("the embedded endpoint did not start"),
                hint,
            }
        })?;
        let sdk = endpoint.sdk_config();
        let deployment = endpoint.deployment().clone();
        let store = Store::new(aws_sdk_dynamodb::Client::new(&sdk), deployment.tables.clone());
        Ok(Self { sdk, deployment, store, endpoint })
    }

    /// The endpoint's address.
    #[must_use]
    pub(crate) fn url(&self) -> String {
        self.endpoint.url().to_string()
    }

    /// Ends the endpoint.
    pub(crate) async fn close(self) {
        self.endpoint.shutdown().await;
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
            "an `rsqlflow local` or `run` works there: wait for its end, or use its endpoint"
        }
        LocalError::PortTaken { .. } => "--port 0 takes a free one",
        LocalError::StateDir { .. } => "--state-dir names another directory",
        _ => return None,
    };
    Some(hint.to_owned())
}
