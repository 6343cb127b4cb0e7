//! An endpoint in this process, on a state directory.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use rsqlflow_core::Timing;
use rsqlflow_core::env::AGENT;
use rsqlflow_local::{Endpoint, LocalError, Options};

use super::last_endpoint::{StartedWith, last_address, started_with, store};
use super::remote::local_sdk;
use super::{Backend, deployment, keys, warehouses};
use crate::args;
use crate::failure::Failure;
use crate::failure::hint::replace_state_dir;

/// Options of an endpoint in this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Serving<'a> {
    /// State directory, instances, secrets.
    pub embedded: &'a args::Embedded,
    /// Loopback port. 0 selects the port of the last endpoint on the directory, or a free port.
    pub port: u16,
    /// The scripts' directory.
    pub scripts: &'a Path,
    /// Whether requests must be signed with the keys of the state directory.
    pub authenticate: bool,
}

/// How long a command that only reads may hold a state directory.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

impl Backend {
    /// Starts an embedded endpoint that executes runs.
    ///
    /// # Errors
    /// The endpoint cannot be started.
    pub(crate) async fn serve(serving: Serving<'_>) -> Result<Self, Failure> {
        let embedded = serving.embedded;
        let secrets = read_secrets(&embedded.secret)?;
        let mut deployment = deployment(Timing::single_machine())?;
        if deployment.defaults.secret.is_none() {
            deployment.defaults.secret = secrets.first().map(|(name, _)| name.clone());
        }
        let options = Options {
            port: serving.port,
            state_dir: embedded.backend.state_dir.clone(),
            instances: usize::from(embedded.instances),
            agent_binary: agent_binary()?,
            script_dir: script_directory(serving.scripts)?,
            paused: false,
            warehouses: warehouses::read_all(&embedded.warehouse)?,
            drop_statement_events: embedded.drop_statement_events,
            authenticate: serving.authenticate,
            deployment,
        };
        let backend = open(options, &embedded.warehouse).await.map_err(not_started)??;
        for (name, value) in secrets {
            backend.put_secret(&name, value).await?;
        }
        Ok(backend)
    }

    fn of(endpoint: Endpoint) -> Self {
        let url = endpoint.url().to_owned();
        let dir = endpoint.state_dir().to_owned();
        let name = format!("the state directory {}", dir.display());
        let mut backend = Self::over(endpoint.sdk_config(), endpoint.deployment().clone(), name, url);
        backend.endpoint = Some(Box::new(endpoint));
        backend.state_dir = Some(dir);
        backend
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

/// Opens a state directory to read it, or connects to the endpoint that serves it.
///
/// # Errors
/// The directory does not exist, or cannot be opened.
pub(super) async fn look(state_dir: &Path) -> Result<Backend, Failure> {
    exists(state_dir)?;
    let options = Options {
        port: 0,
        state_dir: state_dir.to_owned(),
        instances: 1,
        agent_binary: agent_binary()?,
        script_dir: state_dir.to_owned(),
        paused: true,
        warehouses: Vec::new(),
        drop_statement_events: false,
        authenticate: true,
        deployment: deployment(Timing::single_machine())?,
    };
    let asked = Instant::now();
    loop {
        match Endpoint::start(options.clone()).await {
            Ok(endpoint) => return Ok(Backend::of(endpoint)),
            Err(error @ LocalError::StateDirInUse { .. }) => match joined(state_dir)? {
                Some(backend) => return Ok(backend),
                None if asked.elapsed() < READ_TIMEOUT => tokio::time::sleep(READ_TIMEOUT / 50).await,
                None => return Err(not_started(error)),
            },
            Err(error) => return Err(not_started(error)),
        }
    }
}

/// Connects to the endpoint that serves a state directory. If no endpoint serves it, starts one in this process, with the
/// options of the last one.
///
/// # Errors
/// The directory does not exist, or the directory of the scripts is not known.
pub(super) async fn serve_or_join(state_dir: &Path, scripts: Option<&Path>) -> Result<Backend, Failure> {
    exists(state_dir)?;
    let asked = Instant::now();
    loop {
        if let Some(backend) = joined(state_dir)? {
            return Ok(backend);
        }
        let with = started_with(state_dir);
        let scripts = match (scripts, &with) {
            (Some(scripts), _) => script_directory(scripts)?,
            (None, Some(with)) => with.scripts.clone(),
            (None, None) => {
                return Err(Failure::input(
                    format!(
                        "no endpoint serves the state directory {}, and the directory of its scripts is not known",
                        state_dir.display()
                    ),
                    "start `rsqlflow local --scripts DIR` in another terminal",
                ));
            }
        };
        let with = with.unwrap_or_default();
        let mut deployment = deployment(Timing::single_machine())?;
        deployment.defaults.secret = deployment.defaults.secret.or(with.default_secret.clone());
        let options = Options {
            port: 0,
            state_dir: state_dir.to_owned(),
            instances: with.instances.max(1),
            agent_binary: agent_binary()?,
            script_dir: scripts,
            paused: false,
            warehouses: warehouses::read_all(&with.warehouses)?,
            drop_statement_events: false,
            authenticate: true,
            deployment,
        };
        match open(options, &with.warehouses).await {
            Ok(backend) => return backend,
            // Another process started to serve it in the meantime.
            Err(LocalError::StateDirInUse { .. }) if asked.elapsed() < READ_TIMEOUT => {}
            Err(error) => return Err(not_started(error)),
        }
    }
}

/// The file of the tables. A directory that contains it is a state directory.
const TABLES: &str = "dynamodb.sqlite3";

/// Whether the directory has tables. If that cannot be checked, it may have them.
pub(super) fn has_tables(state_dir: &Path) -> bool {
    state_dir.join(TABLES).try_exists().unwrap_or(true)
}

fn exists(state_dir: &Path) -> Result<(), Failure> {
    let tables = state_dir.join(TABLES);
    match tables.metadata() {
        Ok(found) if found.is_file() => {
            // Opening the tables may have to repair the effects of a crash, so the endpoint always needs write access.
            let opened = std::fs::OpenOptions::new().read(true).write(true).open(&tables);
            return opened.map(drop).map_err(|error| unusable(state_dir, &error));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(unusable(state_dir, &error));
        }
        Err(_) => {}
    }
    Err(Failure::input(
        match state_dir.is_dir() {
            true => format!("{} is not the state directory of an embedded endpoint", state_dir.display()),
            false => format!("the state directory {} does not exist", state_dir.display()),
        },
        "for runs on this machine, add `--state-dir DIR`; for AWS, add `--profile` or `--region`",
    ))
}

fn unusable(state_dir: &Path, error: &std::io::Error) -> Failure {
    Failure::environment(
        anyhow::anyhow!("the state directory {} cannot be used: {error}", state_dir.display()),
        "run the command as the user who owns the directory, or change its owner or mode",
    )
}

/// The endpoint of another process that serves the directory, if one answers.
fn joined(state_dir: &Path) -> Result<Option<Backend>, Failure> {
    let Some(url) = last_address(state_dir) else { return Ok(None) };
    if !is_locked(state_dir) || !answers(&url) {
        return Ok(None);
    }
    let deployment = deployment(Timing::single_machine())?;
    let name = format!("the state directory {}", state_dir.display());
    let mut backend = Backend::over(local_sdk(&url, &keys::of_state_dir(state_dir)), deployment, name, url);
    backend.state_dir = Some(state_dir.to_owned());
    Ok(Some(backend))
}

/// Whether a process holds the directory. The port of an endpoint that ended may belong to another program.
fn is_locked(state_dir: &Path) -> bool {
    let Ok(file) = std::fs::File::open(state_dir.join("endpoint.lock")) else { return false };
    matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock))
}

fn answers(url: &str) -> bool {
    let address = port_of(url).map(|port| ([127, 0, 0, 1], port).into());
    address.is_some_and(|address| TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok())
}

/// Starts an endpoint. Without a port, it uses the port of the last endpoint on this directory.
async fn open(
    mut options: Options,
    warehouses: &[args::WarehouseSource],
) -> Result<Result<Backend, Failure>, LocalError> {
    let since = jiff::Timestamp::now().into();
    let state_dir = options.state_dir.clone();
    let with = StartedWith {
        scripts: options.script_dir.clone(),
        instances: options.instances,
        default_secret: options.deployment.defaults.secret.clone(),
        // A URL may hold a password, which is not left in a file.
        warehouses: warehouses.iter().filter(|source| source.is_reference()).cloned().collect(),
    };
    let asked = options.port;
    if asked == 0 {
        options.port = last_address(&state_dir).and_then(|url| port_of(&url)).unwrap_or(0);
    }
    let began = Instant::now();
    let endpoint = loop {
        match Endpoint::start(options.clone()).await {
            Err(LocalError::PortTaken { .. }) if asked == 0 && options.port != 0 => options.port = 0,
            // A command that only reads holds the directory for a short time, and does not answer.
            Err(LocalError::StateDirInUse { .. })
                if began.elapsed() < READ_TIMEOUT
                    && !last_address(&state_dir).is_some_and(|url| answers(&url)) =>
            {
                tokio::time::sleep(READ_TIMEOUT / 50).await;
            }
            started => break started?,
        }
    };
    let backend = Backend { since, ..Backend::of(endpoint) };
    Ok(store(&state_dir, backend.url(), &with).map(|()| backend).map_err(Failure::from))
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

fn port_of(url: &str) -> Option<u16> {
    url.rsplit(':').next()?.trim_end_matches('/').parse().ok()
}

fn not_started(error: LocalError) -> Failure {
    let hint = hint_for(&error);
    Failure::Environment {
        error: anyhow::Error::new(error).context("the embedded endpoint did not start"),
        hint,
        passes: false,
    }
}

fn read_secrets(secrets: &[(String, PathBuf)]) -> Result<Vec<(String, String)>, Failure> {
    let read = |(name, file): &(String, PathBuf)| {
        let form = r#"it holds JSON such as {"host": "…", "port": 5439, "username": "…", "password": "…", "dbname": "…"}"#;
        let text = std::fs::read_to_string(file).map_err(|error| {
            Failure::input(format!("the secret's file {} cannot be read: {error}", file.display()), form)
        })?;
        // The parser's message would quote the text, which is secret.
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(serde_json::Value::Object(fields)) => {
                // Read as the agent reads it, so that a mistake is reported now and not by a job.
                let has =
                    |names: &[&str]| names.iter().any(|name| fields.get(*name).is_some_and(|v| !v.is_null()));
                match has(&["username", "user"]) {
                    true => Ok((name.clone(), text)),
                    false => Err(Failure::input(format!("{} has no \"username\"", file.display()), form)),
                }
            }
            _ => Err(Failure::input(format!("{} is not a JSON object", file.display()), form)),
        }
    };
    secrets.iter().map(read).collect()
}

fn agent_binary() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os(AGENT) {
        return Ok(path.into());
    }
    let here = std::env::current_exe().context("cannot find the path of this program")?;
    let beside = here.with_file_name("rsqlflow-agent");
    if beside.is_file() {
        return Ok(beside);
    }
    Err(Failure::environment(
        anyhow::anyhow!("the agent was not found at {}", beside.display()),
        format!("build it with `make build`, or set {AGENT} to its path"),
    ))
}

fn hint_for(error: &LocalError) -> Option<String> {
    let hint = match error {
        LocalError::StateDirInUse { .. } => {
            "another `rsqlflow local` or `rsqlflow run` uses it: wait until it ends, or use another --state-dir"
        }
        LocalError::PortTaken { .. } => "add `--port 0` to use a free port",
        LocalError::Damaged { path, .. } => {
            return Some(replace_state_dir(Some(path.parent().unwrap_or(path))));
        }
        LocalError::StateDir { .. } => "use another directory with --state-dir",
        _ => return None,
    };
    Some(hint.to_owned())
}
