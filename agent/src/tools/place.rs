//! The directory of the client and the credentials script.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::client::{self, NoClient};
use crate::config::AgentConfig;

/// The script that AWS's samples source as `$1/get_redshift_creds.sh $2`.
pub const CREDS: &str = "get_redshift_creds.sh";

const CREDS_TEXT: &str = include_str!("get_redshift_creds.sh");

/// The locations for a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// Directory of [`CREDS`], a script's first argument.
    pub creds_dir: PathBuf,
    /// `PATH`.
    pub path: String,
}

impl Tools {
    /// Writes both. If the directory cannot be written, the client beside the agent is used, and scripts that do not need the
    /// credentials script still run.
    ///
    /// # Errors
    /// [`NoClient`].
    pub fn prepare(config: &AgentConfig) -> Result<Self, NoClient> {
        let binary = config.rsql_binary.clone().unwrap_or_else(client::own);
        let chosen = config.rsql_client.choose(&config.path, &binary)?;
        let path = match chosen {
            None => config.path.clone(),
            Some(binary) => format!("{}:{}", client_dir(&config.tools_dir, &binary), config.path),
        };
        Ok(Self { creds_dir: creds_dir(config), path })
    }
}

/// A directory that contains only the client, so that other programs beside the agent do not hide those of the system.
fn client_dir(tools: &Path, binary: &Path) -> String {
    let directory = tools.join("bin");
    let usable = directory.to_str().filter(|text| !text.contains(':'));
    let linked = match usable {
        Some(text) => link(&directory, binary).map(|()| text.to_owned()),
        None => Err(io::Error::other("a PATH cannot hold this directory's name")),
    };
    linked.unwrap_or_else(|error| {
        tracing::warn!(directory = %directory.display(), %error, "rsql cannot be put there, so PATH names its own directory");
        binary.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned()
    })
}

fn link(directory: &Path, binary: &Path) -> io::Result<()> {
    let link = directory.join(client::NAME);
    if fs::read_link(&link).is_ok_and(|target| target == binary) {
        return Ok(());
    }
    directory.parent().map_or(Ok(()), make)?;
    make(directory)?;
    replace(&link, |new| symlink(binary, new))
}

fn creds_dir(config: &AgentConfig) -> PathBuf {
    if let Some(named) = &config.creds_dir {
        return named.clone();
    }
    // An existing script of the user is kept.
    if config.script_dir.join(CREDS).is_file() {
        return config.script_dir.clone();
    }
    let file = config.tools_dir.join(CREDS);
    if fs::read(&file).is_ok_and(|text| text == CREDS_TEXT.as_bytes()) {
        return config.tools_dir.clone();
    }
    let written = make(&config.tools_dir).and_then(|()| {
        replace(&file, |new| {
            fs::write(new, CREDS_TEXT)?;
            // It is sourced by the scripts' user.
            fs::set_permissions(new, Permissions::from_mode(0o644))
        })
    });
    if let Err(error) = written {
        tracing::warn!(directory = %config.tools_dir.display(), %error, "get_redshift_creds.sh cannot be put there");
    }
    config.tools_dir.clone()
}

/// Readable for every user, whatever the umask, because scripts may run as another user.
fn make(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
    fs::set_permissions(directory, Permissions::from_mode(0o755))
}

/// Atomic, because other agents may write and scripts may read at the same time.
fn replace(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let _ = fs::remove_file(&new);
    let made = make(&new).and_then(|()| fs::rename(&new, path));
    if made.is_err() {
        let _ = fs::remove_file(&new);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::RsqlClient;

    fn config(dir: &Path) -> AgentConfig {
        let config = AgentConfig::parse("", |_| None).unwrap();
        let binary = dir.join("agents own");
        fs::write(&binary, "").unwrap();
        fs::set_permissions(&binary, Permissions::from_mode(0o755)).unwrap();
        AgentConfig {
            tools_dir: dir.join("tools"),
            script_dir: dir.join("scripts"),
            rsql_client: RsqlClient::Bundled,
            rsql_binary: Some(binary),
            path: "/usr/bin:/bin".to_owned(),
            ..config
        }
    }

    #[test]
    fn both_are_there_and_readable_and_stay_right() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path());
        let tools = config.tools_dir.clone();
        for _ in 0..2 {
            let found = Tools::prepare(&config).unwrap();
            assert_eq!(found.creds_dir, tools);
            assert_eq!(found.path, format!("{}/bin:/usr/bin:/bin", tools.display()));
            assert_eq!(fs::read_link(tools.join("bin/rsql")).unwrap(), dir.path().join("agents own"));
            assert_eq!(fs::read_to_string(tools.join(CREDS)).unwrap(), CREDS_TEXT);
            assert_eq!(fs::metadata(&tools).unwrap().permissions().mode() & 0o777, 0o755);
            assert_eq!(fs::metadata(tools.join(CREDS)).unwrap().permissions().mode() & 0o777, 0o644);
            // An older agent's, and one that somebody has spoiled.
            fs::write(tools.join(CREDS), "old").unwrap();
            fs::remove_file(tools.join("bin/rsql")).unwrap();
            symlink("/nowhere", tools.join("bin/rsql")).unwrap();
        }
        assert_eq!(fs::read_dir(&tools).unwrap().count(), 2, "nothing is left over");
    }

    #[test]
    fn a_teams_own_credentials_script_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(dir.path());
        fs::create_dir(&config.script_dir).unwrap();
        fs::write(config.script_dir.join(CREDS), "").unwrap();
        assert_eq!(Tools::prepare(&config).unwrap().creds_dir, config.script_dir);
        config.creds_dir = Some("/elsewhere".into());
        assert_eq!(Tools::prepare(&config).unwrap().creds_dir, Path::new("/elsewhere"));
    }

    #[test]
    fn a_directory_that_cannot_be_written_costs_no_job() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(dir.path());
        fs::write(dir.path().join("file"), "").unwrap();
        for tools in ["file", "with:colon"] {
            config.tools_dir = dir.path().join(tools);
            let found = Tools::prepare(&config).unwrap();
            assert_eq!(found.path, format!("{}:/usr/bin:/bin", dir.path().display()));
        }
    }
}
