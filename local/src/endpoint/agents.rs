//! The pretended instances: their folders, and the agents' configuration.

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

/// `agent.toml`. What is missing here has the agent's own default.
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
    /// The scripts' `PATH`: what the user's own scripts find, they find here too.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    /// Our own unless somebody wants another: what is installed here must not decide what a run does.
    rsql_client: &'a str,
    /// Scripts run as whoever has started the endpoint: also where that is root and the package's user is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as: Option<&'static str>,
    cancel_poll: String,
}

/// A read of the embedded table costs next to nothing, so a cancel is heard of sooner than on AWS.
const CANCEL_POLL: Duration = Duration::from_secs(2);

/// Makes the instances' folders and writes their configuration.
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
            // Agents that an endpoint before this one started may still read theirs: who only looks leaves it.
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

/// Tags that make the instances the default target of a deployment that has none.
pub(super) fn own_tags() -> BTreeMap<String, String> {
    BTreeMap::from([("rsqlflow-local".to_owned(), "instance".to_owned())])
}

/// Agents are started in other folders, so what they are told must be absolute.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, LocalError> {
    std::path::absolute(path).map_err(|source| LocalError::StateDir { path: path.to_owned(), source })
}

/// Whole or not at all: an agent that an endpoint before this one started may read it at this moment, and half a file
/// is a valid one with other times in it. The directory is this endpoint's alone, so nobody else has the same `.new`.
fn write(path: &Path, file: &AgentFile<'_>) -> Result<(), LocalError> {
    let failed = |source| LocalError::StateDir { path: path.to_owned(), source };
    let text = toml::to_string(file).map_err(|e| failed(std::io::Error::other(e)))?;
    let new = path.with_extension("toml.new");
    std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path)).map_err(failed)
}
