//! What an endpoint leaves in its state directory: its address, so that others find it while it runs and the next
//! one takes the same port; and what it was started with, so that a command that goes on with its runs need not be
//! told again.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::args::WarehouseSource;

/// Agents that are still at work find the next endpoint here.
const ADDRESS: &str = "endpoint.url";
const STARTED_WITH: &str = "endpoint.json";

/// What an endpoint was started with. It names the default secret, and holds none.
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

/// What the last endpoint of the directory was started with.
pub(super) fn started_with(state_dir: &Path) -> Option<StartedWith> {
    let text = std::fs::read_to_string(state_dir.join(STARTED_WITH)).ok()?;
    serde_json::from_str(&text).ok().filter(|with: &StartedWith| with.scripts.is_dir())
}

/// Leaves both.
///
/// # Errors
/// Where the directory cannot be written.
pub(super) fn leave(state_dir: &Path, url: &str, with: &StartedWith) -> anyhow::Result<()> {
    let write = |name: &str, text: String| {
        let path = state_dir.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write(STARTED_WITH, serde_json::to_string(with).context("cannot write what the endpoint has")?)?;
    write(ADDRESS, url.to_owned())
}
