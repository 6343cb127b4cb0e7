//! The state directory and its lock.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::LocalError;

/// How long, and how often, a directory in use is tried again.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);

/// The directory, ours alone as long as this lives.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    /// Holds the lock; the system frees it with the process, however that ends.
    _lock: File,
}

impl StateDir {
    /// Creates the directory if it is missing, readable by its owner only (it holds secrets), and locks it.
    pub(crate) fn lock(path: &Path) -> Result<Self, LocalError> {
        make_dir(path)?;
        // Agents are started in other directories, so what they are told must be absolute.
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

    /// As [`Self::lock`], but waits a moment for an endpoint that is going: a process that it was about to start
    /// when it was killed holds its lock until that process has become another program.
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

    /// Makes a file that only its owner can read, before a database fills it: SQLite gives its journals the mode of
    /// the database.
    pub(crate) fn private_file(path: &Path) -> Result<(), LocalError> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        file.and_then(|file| file.set_permissions(Permissions::from_mode(0o600))).map_err(|e| failed(path, e))
    }

    /// Absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a folder below the directory.
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
