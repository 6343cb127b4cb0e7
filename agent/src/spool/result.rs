//! Results that are not delivered yet. Each goes to disk as soon as its script has ended, so that a crash before the
//! last answer loses nothing.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::posix_fallocate;
use rsqlflow_core::protocol::Outcome;
use rsqlflow_core::{ExecutionId, JobId, Owner, Timestamp};
use serde::{Deserialize, Serialize};

/// One result. It has no task token: the row's is read when it is delivered, and may be a newer one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Of this format. An agent leaves files of a later one alone.
    pub version: u32,
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// The job.
    pub job_id: JobId,
    /// The attempt.
    pub attempt: u32,
    /// The agent process that ran it, which the row must still name.
    pub owner: Owner,
    /// How it ended.
    pub outcome: Outcome,
    /// When.
    pub ended_at: Timestamp,
}

/// The format that this agent writes.
pub const VERSION: u32 = 1;

/// The spool cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct SpoolError {
    /// What was tried.
    pub action: &'static str,
    /// Where.
    pub path: PathBuf,
    /// What the operating system says.
    #[source]
    pub source: io::Error,
}

/// The directory of results.
#[derive(Clone, Debug)]
pub struct Results {
    directory: PathBuf,
}

/// A result that nobody else delivers as long as this lives.
#[derive(Debug)]
pub struct Held {
    /// The result.
    pub entry: Entry,
    path: PathBuf,
    _lock: File,
}

/// Room on the disk for a result that will come.
#[derive(Debug)]
pub struct Room {
    file: File,
    path: PathBuf,
    name: String,
}

/// Bytes kept free for one result, of which an outcome's message is most.
const ROOM: i64 = 64 * 1024;

/// The file of a result that nobody needs any more, for the next one. ext4 does not give the inode of a removed file to
/// another for some minutes, and whoever makes a file looks at all of them first: with a file made and removed for each
/// job, that came to a millisecond a job.
const SPARE: &str = ".spare";

/// What the spool holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// Results that can be delivered.
    pub held: Vec<Held>,
    /// Files whose own agent still lives.
    pub busy: usize,
    /// Files that are no results, or of a later format, with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
}

impl Results {
    /// Below a spool directory.
    #[must_use]
    pub fn new(spool_dir: &Path) -> Self {
        Self { directory: spool_dir.join("results") }
    }

    /// Makes room for the result of a job that begins, so that a script that fills the disk does not cost it.
    ///
    /// # Errors
    /// If the disk is full, or the directory cannot be written. The result may find room all the same.
    pub fn reserve(
        &self,
        execution: &ExecutionId,
        job: JobId,
        attempt: u32,
        owner: &Owner,
    ) -> Result<Room, SpoolError> {
        let room = self.room(name_of(execution, job, attempt, owner))?;
        match posix_fallocate(&room.file, 0, ROOM) {
            // Some file systems cannot.
            Ok(()) | Err(Errno::EOPNOTSUPP | Errno::EINVAL | Errno::ENOSYS) => Ok(room),
            Err(error) => {
                let path = room.path.clone();
                room.give_back();
                Err(SpoolError { action: "reserve", path, source: error.into() })
            }
        }
    }

    fn room(&self, name: String) -> Result<Room, SpoolError> {
        make_directory(&self.directory)?;
        let path = self.directory.join(format!(".{name}.new"));
        // Where there is none, the next line makes one.
        let _ = fs::rename(self.directory.join(SPARE), &path);
        let open = || {
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            // It is new, so nobody holds it, unless somebody removes it at this moment. The lease runs: nothing is waited
            // for.
            file.try_lock().map_err(io::Error::from)?;
            // Until it is locked it looks like what a dead agent left, which others remove.
            path.metadata().map(|_| file)
        };
        match open().or_else(|_| open()) {
            Ok(file) => Ok(Room { file, path, name }),
            Err(source) => Err(SpoolError { action: "make", path, source }),
        }
    }

    /// Keeps a result: written and synced under another name, then renamed, then the directory synced, so that
    /// there is a whole file or none (fsync(2), rename(2)).
    ///
    /// # Errors
    /// If the disk is full and there is no room reserved, or the directory cannot be written.
    pub fn keep(&self, entry: Entry, room: Option<Room>) -> Result<Held, SpoolError> {
        let name = name_of(&entry.workflow_execution_id, entry.job_id, entry.attempt, &entry.owner);
        let room = match room.filter(|room| room.name == name) {
            Some(room) => room,
            None => self.room(name)?,
        };
        let path = self.directory.join(&room.name);
        let write = || -> io::Result<()> {
            let bytes = serde_json::to_vec(&entry)?;
            room.file.write_all_at(&bytes, 0)?;
            room.file.set_len(bytes.len() as u64)?;
            room.file.sync_all()?;
            fs::rename(&room.path, &path)?;
            File::open(&self.directory)?.sync_all()
        };
        match write() {
            Ok(()) => Ok(Held { entry, path, _lock: room.file }),
            Err(source) => {
                room.give_back();
                Err(SpoolError { action: "keep the result in", path, source })
            }
        }
    }

    /// Takes what no living agent holds.
    ///
    /// # Errors
    /// If the directory cannot be read. One that is not there is empty.
    pub fn take(&self) -> Result<Listing, SpoolError> {
        let mut listing = Listing::default();
        let unlistable = |source| SpoolError { action: "list", path: self.directory.clone(), source };
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(listing),
            Err(error) => return Err(unlistable(error)),
        };
        for entry in entries {
            let path = entry.map_err(unlistable)?.path();
            let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
            if hidden && path.extension().is_some_and(|extension| extension == "new") {
                remove_if_left(&path);
            }
            if hidden || path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match hold(&path) {
                Ok(Some(held)) => listing.held.push(held),
                Ok(None) => listing.busy += 1,
                // Delivered by its owner in between.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => listing.unreadable.push((path, error.to_string())),
            }
        }
        listing.held.sort_by_key(|held| held.entry.ended_at);
        Ok(listing)
    }
}

fn name_of(execution: &ExecutionId, job: JobId, attempt: u32, owner: &Owner) -> String {
    format!("{execution}_{:04}-{:05}_a{attempt}_{}.json", job.stage, job.position, owner.as_str())
}

/// Takes a file out of the results. Who opens it next waits for its lock, hence for the end of whoever had it.
fn put_aside(path: &Path) -> io::Result<()> {
    fs::rename(path, path.with_file_name(SPARE))
}

/// Removes room that a dead agent has reserved. Should it fail, the next one does it.
fn remove_if_left(path: &Path) {
    if let Ok(file) = File::open(path)
        && file.try_lock().is_ok()
    {
        let _ = fs::remove_file(path);
    }
}

impl Room {
    /// There will be no result.
    pub fn give_back(self) {
        // What stays is removed by whoever next looks for results.
        let _ = put_aside(&self.path);
    }
}

fn hold(path: &Path) -> io::Result<Option<Held>> {
    let mut file = File::open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Its owner may have removed it between opening and locking.
    path.metadata()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let entry: Entry = serde_json::from_slice(&bytes)?;
    if entry.version > VERSION {
        return Err(io::Error::other(format!("it has format {}, newer than this agent's", entry.version)));
    }
    Ok(Some(Held { entry, path: path.to_owned(), _lock: file }))
}

impl Held {
    /// Forgets a result that has been delivered.
    ///
    /// # Errors
    /// If the file cannot be removed; it will then be delivered once more, which changes nothing.
    pub fn forget(self) -> Result<(), SpoolError> {
        put_aside(&self.path).map_err(|source| SpoolError {
            action: "remove",
            path: self.path.clone(),
            source,
        })
    }
}

/// For the agent alone. What is above it may be passed through, since scripts of another user find their tools there.
pub(super) fn make_directory(directory: &Path) -> Result<(), SpoolError> {
    let parent = directory.parent().unwrap_or(directory);
    let made = DirBuilder::new().recursive(true).mode(0o711).create(parent);
    made.and_then(|()| DirBuilder::new().recursive(true).mode(0o700).create(directory))
        .map_err(|source| SpoolError { action: "make", path: directory.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsqlflow_core::protocol::JobStatus;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn entry(attempt: u32) -> Entry {
        Entry {
            version: VERSION,
            workflow_execution_id: ExecutionId::new("e-1").unwrap(),
            job_id: JobId::new(1, 2),
            attempt,
            owner: Owner::new("0123abcd"),
            outcome: Outcome {
                status: JobStatus::Failed,
                exit_code: Some(3),
                error_message: Some("exit 3".to_owned()),
                error_name: None,
            },
            ended_at: Timestamp::from_millis(i64::from(attempt)),
        }
    }

    #[test]
    fn a_result_is_held_by_its_agent_and_found_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let results = Results::new(&dir.path().join("spool"));
        assert!(results.take().unwrap().held.is_empty());
        let held = results.keep(entry(2), None).unwrap();
        assert_eq!(held.path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let listing = results.take().unwrap();
        assert_eq!((listing.held.len(), listing.busy), (0, 1));
        drop(held);
        results.keep(entry(1), None).unwrap();
        let listing = results.take().unwrap();
        let found: Vec<_> = listing.held.iter().map(|held| held.entry.clone()).collect();
        assert_eq!(found, [entry(1), entry(2)]);
        for held in listing.held {
            held.forget().unwrap();
        }
        assert!(results.take().unwrap().held.is_empty());
    }

    #[test]
    fn what_is_no_result_is_left_alone_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let results = Results::new(dir.path());
        let directory = dir.path().join("results");
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("torn.json"), b"{\"version\":1,").unwrap();
        fs::write(directory.join(".x.json.new"), b"half").unwrap();
        let newer = Entry { version: VERSION + 1, ..entry(1) };
        fs::write(directory.join("newer.json"), serde_json::to_vec(&newer).unwrap()).unwrap();
        let listing = results.take().unwrap();
        assert_eq!((listing.held.len(), listing.unreadable.len()), (0, 2));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2, "what a dead agent had begun is removed");
    }

    #[test]
    fn reserved_room_is_used_and_outlives_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let results = Results::new(dir.path());
        let Entry { workflow_execution_id, job_id, owner, .. } = entry(1);
        let reserve = |attempt| results.reserve(&workflow_execution_id, job_id, attempt, &owner).unwrap();
        let results_dir = dir.path().join("results");
        let spare = || results_dir.join(SPARE).exists();
        let files = || fs::read_dir(&results_dir).unwrap().count() - usize::from(spare());
        let room = reserve(1);
        assert_eq!(room.file.metadata().unwrap().len(), 64 * 1024);
        assert!(results.take().unwrap().held.is_empty());
        assert_eq!(files(), 1, "its agent lives");
        drop(results.keep(entry(1), Some(room)).unwrap());
        let listing = results.take().unwrap();
        assert_eq!(listing.held.first().unwrap().entry, entry(1));
        assert_eq!(files(), 1);
        reserve(2).give_back();
        assert_eq!((files(), spare()), (1, true));
        drop(reserve(3));
        assert_eq!((files(), spare()), (2, false));
        results.take().unwrap();
        assert_eq!(files(), 1, "its agent is dead");
    }

    #[test]
    fn the_file_of_a_delivered_result_is_the_next_ones() {
        let dir = tempfile::tempdir().unwrap();
        let results = Results::new(dir.path());
        let Entry { workflow_execution_id, job_id, owner, .. } = entry(1);
        let reserve = |attempt| results.reserve(&workflow_execution_id, job_id, attempt, &owner).unwrap();
        let inode = |room: &Room| room.file.metadata().unwrap().ino();
        let first = reserve(1);
        let file = inode(&first);
        let long = Outcome { error_message: Some("x".repeat(9_000)), ..entry(1).outcome };
        results.keep(Entry { outcome: long, ..entry(1) }, Some(first)).unwrap().forget().unwrap();
        assert!(results.take().unwrap().held.is_empty());
        let second = reserve(2);
        assert_eq!((inode(&second), second.file.metadata().unwrap().len()), (file, 64 * 1024));
        drop(results.keep(entry(2), Some(second)).unwrap());
        let listing = results.take().unwrap();
        assert!(listing.unreadable.is_empty());
        assert_eq!(listing.held.first().unwrap().entry, entry(2), "nothing is left of the first");
    }

    #[test]
    fn the_first_format_still_loads() {
        let json = r#"{"version":1,"workflow_execution_id":"e-1","job_id":"0001#00002","attempt":2,
            "owner":"0123abcd","outcome":{"status":"Failed","exit_code":3,"error_message":"exit 3"},
            "ended_at":"1970-01-01T00:00:00.002Z"}"#;
        assert_eq!(serde_json::from_str::<Entry>(json).unwrap(), entry(2));
    }
}
