//! How many scripts run here at once: one file lock each. A lock ends with the last process that holds it, and
//! the guard holds it too, so a slot is free only when its script is gone.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rsqlflow_core::{ExecutionId, JobId, Timestamp};
use serde::{Deserialize, Serialize};

use super::result::{SpoolError, make_directory};

/// Who is in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occupant {
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// The job.
    pub job_id: JobId,
    /// The attempt.
    pub attempt: u32,
    /// The agent's process.
    pub agent_pid: u32,
    /// Since when.
    pub since: Timestamp,
}

/// The slots of this machine.
#[derive(Clone, Debug)]
pub struct Slots {
    directory: PathBuf,
    count: u16,
}

/// One slot, taken until it is dropped and the guard is gone.
#[derive(Debug)]
pub struct Slot {
    file: File,
}

impl Slots {
    /// Below a spool directory, so many.
    #[must_use]
    pub fn new(spool_dir: &Path, count: u16) -> Self {
        Self { directory: spool_dir.join("slots"), count }
    }

    /// Takes a slot, if one is free.
    ///
    /// # Errors
    /// If the locks cannot be made.
    pub fn take(&self, occupant: &Occupant) -> Result<Option<Slot>, SpoolError> {
        make_directory(&self.directory)?;
        for number in 0..self.count {
            let path = self.path(number);
            let error = |source| SpoolError { action: "lock", path: path.clone(), source };
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)
                .map_err(error)?;
            match file.try_lock() {
                Ok(()) => {
                    let mut slot = Slot { file };
                    // Only for people: a disk that is full must not keep the job from running.
                    let _ = slot.describe(occupant);
                    return Ok(Some(slot));
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(error(source)),
            }
        }
        Ok(None)
    }

    /// Who runs here now, in the order of the slots. Also those of an earlier, higher `max_jobs`.
    ///
    /// # Errors
    /// If the directory cannot be read. One that is not there is empty.
    pub fn occupants(&self) -> Result<Vec<Occupant>, SpoolError> {
        let unlistable = |source| SpoolError { action: "list", path: self.directory.clone(), source };
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unlistable(error)),
        };
        let mut paths =
            entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>().map_err(unlistable)?;
        paths.sort();
        let mut occupants = Vec::new();
        for path in paths {
            let Ok(file) = File::open(&path) else { continue };
            // A shared lock, so that two who look do not take each other for occupants.
            if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
                let text = fs::read_to_string(&path).unwrap_or_default();
                occupants.extend(serde_json::from_str::<Occupant>(&text).ok());
            }
        }
        Ok(occupants)
    }

    fn path(&self, number: u16) -> PathBuf {
        self.directory.join(format!("{number:04}"))
    }
}

impl Slot {
    /// The lock, for the guard to keep.
    #[must_use]
    pub fn keep(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    fn describe(&mut self, occupant: &Occupant) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.write_all(&serde_json::to_vec(occupant)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occupant(position: u32) -> Occupant {
        Occupant {
            workflow_execution_id: ExecutionId::new("e").unwrap(),
            job_id: JobId::new(0, position),
            attempt: 1,
            agent_pid: 1,
            since: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn so_many_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let slots = Slots::new(dir.path(), 2);
        assert!(slots.occupants().unwrap().is_empty());
        let first = slots.take(&occupant(1)).unwrap().unwrap();
        let _second = slots.take(&occupant(2)).unwrap().unwrap();
        assert!(slots.take(&occupant(3)).unwrap().is_none());
        assert_eq!(slots.occupants().unwrap(), [occupant(1), occupant(2)]);
        let guard = first.keep().try_clone_to_owned().unwrap();
        drop(first);
        assert!(slots.take(&occupant(3)).unwrap().is_none(), "its guard still holds it");
        drop(guard);
        assert!(slots.take(&occupant(3)).unwrap().is_some());
        assert_eq!(slots.occupants().unwrap(), [occupant(2)]);
    }
}
