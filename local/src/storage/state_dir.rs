//! The state directory and its lock.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::LocalError;

/// Timeout and interval of the retries for a directory in use.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);

/// The locked directory.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    /// Holds the lock. The system releases it when the process ends, however it ends.
    _lock: File,
}

impl StateDir {
    /// Creates the directory if it is missing, readable only by its owner (it contains secrets), and locks it.
    pub(crate) fn lock(path: &Path) -> Result<Self, LocalError> {
        make_dir(path)?;
        // Agents are started in other directories, so their paths must be absolute.
        let path = path.canonicalize().map_err(|source| failed(path, source))?;
        let file = path.join("endpoint.lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&file)
            .map_err(|source| failed(&file, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(LocalError::StateDirInUse { path }),
            Err(TryLockError::Error(source)) => Err(failed(&file, source)),
        }
    }

    /// As [`Self::lock`], but waits for an endpoint that is ending: a process that it was starting when it was killed holds
    /// the lock until it has executed another program.
    pub(crate) async fn lock_soon(path: &Path) -> Result<Self, LocalError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Self::lock(path) {
                Err(LocalError::StateDirInUse { .. }) if Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                locked => return locked,
            }
        }
    }

    /// Creates a file that only its owner can read, before a database uses it: SQLite gives its journals the mode of the
    /// database.
    pub(crate) fn private_file(path: &Path) -> Result<(), LocalError> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        file.and_then(|file| file.set_permissions(Permissions::from_mode(0o600))).map_err(|e| failed(path, e))
    }

    /// Absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates a subdirectory.
    pub(crate) fn folder(&self, relative: impl AsRef<Path>) -> Result<PathBuf, LocalError> {
        let path = self.path.join(relative);
        make_dir(&path)?;
        Ok(path)
    }
}

fn make_dir(path: &Path) -> Result<(), LocalError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: io::Error) -> LocalError {
    LocalError::StateDir { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_may_hold_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = StateDir::lock(dir.path()).unwrap();
        assert!(matches!(StateDir::lock(dir.path()), Err(LocalError::StateDirInUse { .. })));
        drop(first);
        assert!(StateDir::lock(dir.path()).is_ok());
    }
}
