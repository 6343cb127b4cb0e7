//! Files that an endpoint writes into its state directory: its address, so that other commands find it and the next
//! endpoint uses the same port, and its options, so that a command that continues its runs does not need them again.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::args::WarehouseSource;

/// Agents that still run find the next endpoint at this address.
const ADDRESS: &str = "endpoint.url";
const STARTED_WITH: &str = "endpoint.json";

/// The options of an endpoint. They include the name of the default secret, but no secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StartedWith {
    pub(super) scripts: PathBuf,
    pub(super) instances: usize,
    pub(super) default_secret: Option<String>,
    /// Those whose URL is in a file or variable.
    pub(super) warehouses: Vec<WarehouseSource>,
}

/// The address of the endpoint that serves the directory, or served it last.
pub(super) fn last_address(state_dir: &Path) -> Option<String> {
    let url = std::fs::read_to_string(state_dir.join(ADDRESS)).ok()?;
    url.starts_with("http://127.0.0.1:").then_some(url)
}

/// The options of the last endpoint of the directory.
pub(super) fn started_with(state_dir: &Path) -> Option<StartedWith> {
    let text = std::fs::read_to_string(state_dir.join(STARTED_WITH)).ok()?;
    serde_json::from_str(&text).ok().filter(|with: &StartedWith| with.scripts.is_dir())
}

/// Writes both files.
///
/// # Errors
/// The directory cannot be written.
pub(super) fn store(state_dir: &Path, url: &str, with: &StartedWith) -> anyhow::Result<()> {
    let write = |name: &str, text: String| {
        let path = state_dir.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write(
        STARTED_WITH,
        serde_json::to_string(with).context("cannot serialize the options of the endpoint")?,
    )?;
    write(ADDRESS, url.to_owned())
}
