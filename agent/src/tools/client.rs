//! Selects the `rsql` on the `PATH` of scripts.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The client's name.
pub const NAME: &str = "rsql";

/// The `rsql` for scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RsqlClient {
    /// The one on the `PATH`, such as Amazon's, or else the agent's own.
    #[default]
    Auto,
    /// Always the agent's own.
    Bundled,
    /// Only the one on the `PATH`.
    System,
}

/// The agent's own client is required, but does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rsql_client is \"bundled\", but {} does not exist", binary.display())]
pub struct NoClient {
    /// Its expected path.
    pub binary: PathBuf,
}

impl RsqlClient {
    /// The agent's own client, if scripts are to use it. `binary` is its expected path.
    ///
    /// # Errors
    /// [`NoClient`] if it is required but does not exist.
    pub fn choose(self, path: &str, binary: &Path) -> Result<Option<PathBuf>, NoClient> {
        let there = is_program(binary).then(|| binary.to_owned());
        match self {
            Self::System => Ok(None),
            Self::Auto if on_path(path) => Ok(None),
            Self::Auto => Ok(there),
            Self::Bundled => there.map(Some).ok_or_else(|| NoClient { binary: binary.to_owned() }),
        }
    }
}

/// Path of the agent's own client in the packages, relative to the agent's directory. It is not on the `PATH`.
const PACKAGED: &str = "../lib/rsqlflow";

/// Path of the agent's own client: that of the packages, else beside the agent.
#[must_use]
pub fn own() -> PathBuf {
    own_of(&std::env::current_exe().unwrap_or_default())
}

fn own_of(agent: &Path) -> PathBuf {
    // First, because an `rsql` beside a packaged agent is Amazon's.
    let packaged = agent.with_file_name(PACKAGED).join(NAME);
    packaged.canonicalize().unwrap_or_else(|_| agent.with_file_name(NAME))
}

/// Whether a shell with this `PATH` would find an `rsql`.
fn on_path(path: &str) -> bool {
    std::env::split_paths(path).any(|directory| is_program(&directory.join(NAME)))
}

/// Whether an executable file exists.
pub(crate) fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packaged_client_is_told_from_amazons() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let agent = root.join("bin/rsqlflow-agent");
        assert_eq!(own_of(&agent), root.join("bin/rsql"));
        std::fs::create_dir_all(root.join("bin")).unwrap();
        std::fs::create_dir_all(root.join("lib/rsqlflow")).unwrap();
        std::fs::write(root.join("bin/rsql"), "Amazon's").unwrap();
        std::fs::write(root.join("lib/rsqlflow/rsql"), "").unwrap();
        assert_eq!(own_of(&agent), root.join("lib/rsqlflow/rsql"));
    }

    #[test]
    fn amazons_goes_first_unless_told_otherwise() {
        let dir = tempfile::tempdir().unwrap();
        let program = |name: &str, mode: u32| {
            let folder = dir.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join(NAME), "").unwrap();
            std::fs::set_permissions(folder.join(NAME), std::fs::Permissions::from_mode(mode)).unwrap();
            folder
        };
        let (amazon, ours, text) = (program("amazon", 0o755), program("ours", 0o755), program("text", 0o644));
        let (with, without) =
            (format!("/nowhere:{}", amazon.display()), format!("/nowhere:{}", text.display()));
        let (ours, missing) = (ours.join(NAME), dir.path().join("missing"));

        assert_eq!(RsqlClient::Auto.choose(&with, &ours), Ok(None));
        assert_eq!(RsqlClient::Auto.choose(&without, &ours), Ok(Some(ours.clone())));
        assert_eq!(RsqlClient::Auto.choose(&without, &missing), Ok(None));
        assert_eq!(RsqlClient::Bundled.choose(&with, &ours), Ok(Some(ours.clone())));
        assert_eq!(RsqlClient::Bundled.choose(&with, &missing), Err(NoClient { binary: missing }));
        assert_eq!(RsqlClient::System.choose(&without, &ours), Ok(None));
    }
}
