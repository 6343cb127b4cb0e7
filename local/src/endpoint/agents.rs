//! The pretended instances: their folders, and the agents' configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rsqlflow_core::config::Target;
use rsqlflow_core::{Deployment, Timing};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::services::ssm::Instance;
use crate::storage::StateDir;
use crate::{LocalError, Options, place};

/// `agent.toml`.
#[derive(Serialize)]
struct AgentFile<'a> {
    instance_id: &'a str,
    region: &'static str,
    endpoint_url: &'a str,
    workflow_audit_table: &'a str,
    job_audit_table: &'a str,
    log_group: &'a str,
    script_dir: &'a Path,
    log_dir: PathBuf,
    spool_dir: PathBuf,
    creds_dir: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_secret: Option<&'a str>,
    timing: &'a Timing,
}

/// Makes the instances' folders and writes their configuration.
pub(super) fn instances(
    options: &Options,
    deployment: &Deployment,
    state: &StateDir,
    endpoint_url: &str,
) -> Result<Vec<Instance>, LocalError> {
    let tags = match &deployment.defaults.target {
        Some(Target::Tags(tags)) => tags.clone(),
        Some(Target::InstanceIds(_)) | None => own_tags(),
    };
    let script_dir = absolute(&options.script_dir)?;
    (1..=options.instances)
        .map(|number| {
            let id = Instance::id(number);
            let folder = state.folder(Path::new("instances").join(&id))?;
            let file = AgentFile {
                instance_id: &id,
                region: place::REGION,
                endpoint_url,
                workflow_audit_table: &deployment.tables.workflow_audit,
                job_audit_table: &deployment.tables.job_audit,
                log_group: &deployment.log_group,
                script_dir: &script_dir,
                log_dir: state.folder(folder.join("log"))?,
                spool_dir: state.folder(folder.join("spool"))?,
                creds_dir: state.folder(folder.join("creds"))?,
                default_secret: deployment.defaults.secret.as_deref(),
                timing: &deployment.timing,
            };
            let agent_config = folder.join("agent.toml");
            write(&agent_config, &file)?;
            let workers = Semaphore::new(Instance::WORKERS);
            Ok(Instance { id, tags: tags.clone(), folder, agent_config, workers })
        })
        .collect()
}

/// Tags that make the instances the default target of a deployment that has none.
pub(super) fn own_tags() -> BTreeMap<String, String> {
    BTreeMap::from([("rsqlflow-local".to_owned(), "instance".to_owned())])
}

/// Agents are started in other folders, so what they are told must be absolute.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, LocalError> {
    std::path::absolute(path).map_err(|source| LocalError::StateDir { path: path.to_owned(), source })
}

fn write(path: &Path, file: &AgentFile<'_>) -> Result<(), LocalError> {
    let failed = |source| LocalError::StateDir { path: path.to_owned(), source };
    let text = toml::to_string(file).map_err(|e| failed(std::io::Error::other(e)))?;
    std::fs::write(path, text).map_err(failed)
}
