//! The simulated instances: their directories, and the configuration of their agents.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rsqlflow_core::config::Target;
use rsqlflow_core::{Deployment, env, show_duration};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::services::ssm::Instance;
use crate::storage::StateDir;
use crate::{LocalError, Options, place};

/// `agent.toml`. Missing settings have the agent's defaults.
#[derive(Serialize)]
struct AgentFile<'a> {
    instance_id: &'a str,
    region: &'static str,
    endpoint_url: &'a str,
    prefix: &'a str,
    config_table: &'a str,
    workflow_audit_table: &'a str,
    job_audit_table: &'a str,
    log_group: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    script_dir: &'a Path,
    log_dir: PathBuf,
    spool_dir: PathBuf,
    /// The `PATH` of scripts: the user's own, so that scripts find the same programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    /// The agent's own client, unless another is selected. Installed programs must not affect a run.
    rsql_client: &'a str,
    /// Scripts run as the user who started the endpoint, also if that is root and the package's user exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as: Option<&'static str>,
    cancel_poll: String,
}

/// A read of the embedded table costs almost nothing, so agents check for a cancel more often than on AWS.
const CANCEL_POLL: Duration = Duration::from_secs(2);

/// Creates the instances' directories and writes their configuration.
pub(super) fn instances(
    options: &Options,
    deployment: &Deployment,
    state: &StateDir,
    endpoint_url: &str,
) -> Result<Vec<Instance>, LocalError> {
    let tags = match &deployment.defaults.target {
        Some(Target::Tags(tags)) => BTreeMap::clone(tags),
        Some(Target::InstanceIds(_)) | None => own_tags(),
    };
    let script_dir = absolute(&options.script_dir)?;
    let path = std::env::var("PATH").ok();
    let rsql_client = rsql_client(std::env::var(env::RSQL_CLIENT).ok())?;
    (1..=options.instances)
        .map(|number| {
            let id = Instance::id(number);
            let folder = state.folder(Path::new("instances").join(&id))?;
            let file = AgentFile {
                instance_id: &id,
                region: place::REGION,
                endpoint_url,
                prefix: &deployment.prefix,
                config_table: &deployment.tables.config,
                workflow_audit_table: &deployment.tables.workflow_audit,
                job_audit_table: &deployment.tables.job_audit,
                log_group: &deployment.log_group,
                secret: deployment.defaults.secret.as_deref(),
                script_dir: &script_dir,
                log_dir: state.folder(folder.join("log"))?,
                spool_dir: state.folder(folder.join("spool"))?,
                path: path.as_deref(),
                rsql_client,
                run_as: nix::unistd::geteuid().is_root().then_some("root"),
                cancel_poll: show_duration(CANCEL_POLL),
            };
            let agent_config = folder.join("agent.toml");
            // Agents of an earlier endpoint may still read their configuration, so a read-only endpoint does not change it.
            if !(options.paused && agent_config.exists()) {
                write(&agent_config, &file)?;
            }
            let workers = Semaphore::new(Instance::WORKERS);
            Ok(Instance { id, tags: tags.clone(), folder, agent_config, workers })
        })
        .collect()
}

fn rsql_client(asked: Option<String>) -> Result<&'static str, LocalError> {
    let Some(value) = asked.filter(|value| !value.is_empty()) else { return Ok("bundled") };
    let known = env::RSQL_CLIENTS.into_iter().find(|name| *name == value);
    known.ok_or(LocalError::RsqlClient { value })
}

/// Tags that make the instances the default target of a deployment without one.
pub(super) fn own_tags() -> BTreeMap<String, String> {
    BTreeMap::from([("rsqlflow-local".to_owned(), "instance".to_owned())])
}

/// Agents are started in other directories, so their paths must be absolute.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, LocalError> {
    std::path::absolute(path).map_err(|source| LocalError::StateDir { path: path.to_owned(), source })
}

/// Writes the file atomically. An agent of an earlier endpoint may read it at the same time, and a partial file could be
/// valid with other times. The directory is locked by this endpoint, so no other process uses the same `.new`.
fn write(path: &Path, file: &AgentFile<'_>) -> Result<(), LocalError> {
    let failed = |source| LocalError::StateDir { path: path.to_owned(), source };
    let text = toml::to_string(file).map_err(|e| failed(std::io::Error::other(e)))?;
    let new = path.with_extension("toml.new");
    std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path)).map_err(failed)
}
