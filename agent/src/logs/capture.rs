//! The local file of one attempt's output.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rsqlflow_core::{ExecutionId, JobId};
use tokio::sync::watch;

use super::events::Marks;
use super::redact::Redactor;
use crate::clock::wall_clock;

/// How much of the file has been written, for its followers.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Bytes in the file.
    pub written: u64,
    /// When they came.
    pub marks: Marks,
    /// When it last grew.
    pub grown_at: Option<Instant>,
    /// The file is complete.
    pub ended: bool,
    /// How much of it the followers no longer need. `marks` are kept only for the rest.
    pub taken: Arc<AtomicU64>,
}

/// Writes the file. A full disk or a directory without write permission costs the log, but not the job: bytes are then
/// counted and dropped.
#[derive(Debug)]
pub struct Capture {
    path: PathBuf,
    file: Option<File>,
    trouble: Option<io::Error>,
    redactor: Redactor,
    total: u64,
    /// Whether the last byte was not the end of a line.
    within_line: bool,
    progress: watch::Sender<Progress>,
}

impl Capture {
    /// The file of an attempt: `<log_dir>/<execution>/<stage>-<position>-a<attempt>.log`.
    #[must_use]
    pub fn path_of(log_dir: &Path, execution: &ExecutionId, job: JobId, attempt: u32) -> PathBuf {
        log_dir.join(execution.as_str()).join(format!("{:04}-{:05}-a{attempt}.log", job.stage, job.position))
    }

    /// Opens the file for appending, after the output of an earlier process of the same attempt.
    #[must_use]
    pub fn open(path: PathBuf) -> (Self, watch::Receiver<Progress>) {
        let opened = open_locked(&path).and_then(|file| {
            let length = file.metadata()?.len();
            Ok((file, length))
        });
        let (file, written, trouble) = match opened {
            Ok((file, length)) => (Some(file), length, None),
            Err(error) => (None, 0, Some(error)),
        };
        let (progress, follow) = watch::channel(Progress { written, ..Progress::default() });
        (
            Self {
                path,
                file,
                trouble,
                redactor: Redactor::default(),
                total: 0,
                within_line: false,
                progress,
            },
            follow,
        )
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hides this secret from now on.
    pub fn hide(&mut self, secret: Option<&str>) {
        self.redactor = Redactor::new(secret);
    }

    /// Writes output of the script. `seen` gets the redacted output.
    pub fn push(&mut self, bytes: &[u8], seen: &mut dyn FnMut(&[u8])) {
        self.total += bytes.len() as u64;
        let mut redactor = std::mem::take(&mut self.redactor);
        redactor.push(bytes, &mut |bytes| {
            self.write(bytes);
            seen(bytes);
        });
        self.redactor = redactor;
    }

    /// A try has ended, so no redaction is pending.
    pub fn end_of_try(&mut self, seen: &mut dyn FnMut(&[u8])) {
        let mut redactor = std::mem::take(&mut self.redactor);
        redactor.finish(&mut |bytes| {
            self.write(bytes);
            seen(bytes);
        });
        self.redactor = redactor;
    }

    /// Writes a line of the agent, on a new line.
    pub fn remark(&mut self, text: &str) {
        let end = if self.within_line { "\n" } else { "" };
        self.write(format!("{end}rsqlflow: {text}\n").as_bytes());
    }

    /// The output is complete.
    pub fn close(&mut self) {
        self.progress.send_modify(|progress| progress.ended = true);
    }

    /// Number of bytes that the script has written, including dropped ones.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Why the file is incomplete, if it is.
    #[must_use]
    pub const fn trouble(&self) -> Option<&io::Error> {
        self.trouble.as_ref()
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.within_line = *last != b'\n';
        }
        let Some(file) = &mut self.file else { return };
        // A local disk is as fast as the pipe, and file operations cannot be awaited.
        if let Err(error) = file.write_all(bytes) {
            self.trouble = Some(error);
            self.file = None;
            return;
        }
        let now = wall_clock();
        self.progress.send_modify(|progress| {
            progress.marks.forget_before(progress.taken.load(Ordering::Relaxed));
            progress.marks.add(progress.written, now);
            progress.written += bytes.len() as u64;
            progress.grown_at = Some(Instant::now());
        });
    }
}

/// Interval of tries to lock a file.
const LOCKED: Duration = Duration::from_millis(5);

/// Opens a log so that [`super::clean`] does not remove it while it is open.
fn open_locked(path: &Path) -> io::Result<File> {
    let open = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        OpenOptions::new().create(true).append(true).mode(0o640).open(path)
    };
    // Old logs of the same run may be removed at this moment, each once, and then the run's folder.
    for _ in 0..8 {
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file?,
        };
        // This is done with a lease that runs, so no lock is waited for. Whoever holds one removes the file, and is
        // done in a moment. Where files cannot be locked, none is removed either.
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(LOCKED);
                continue;
            }
            Err(TryLockError::Error(_)) => return Ok(file),
            Ok(()) if is_current(&file, path) => return Ok(file),
            Ok(()) => {}
        }
    }
    open()
}

/// Whether an open file still exists at its path.
pub(super) fn is_current(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_reaches_neither_file_nor_reader() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("e/x.log");
        let (mut capture, follow) = Capture::open(path.clone());
        capture.hide(Some("hunter22"));
        let mut seen = Vec::new();
        for piece in [&b"password hun"[..], b"ter22\nhunt"] {
            capture.push(piece, &mut |bytes| seen.extend_from_slice(bytes));
        }
        capture.end_of_try(&mut |bytes| seen.extend_from_slice(bytes));
        assert_eq!(fs::read(&path).unwrap(), b"password ********\nhunt");
        assert_eq!(seen, b"password ********\nhunt");
        assert_eq!(follow.borrow().written, 22);
        assert_eq!(capture.total(), 22, "as many as came: the secret is as long as its mark");
    }

    #[test]
    fn a_lock_of_another_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let other = File::create(&path).unwrap();
        other.lock().unwrap();
        let (mut capture, _follow) = Capture::open(path.clone());
        capture.push(b"line\n", &mut |_| {});
        assert_eq!(fs::read(&path).unwrap(), b"line\n");
    }

    #[test]
    fn a_remark_is_a_line_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let (mut capture, _follow) = Capture::open(path.clone());
        capture.remark("first");
        capture.push(b"no end", &mut |_| {});
        capture.remark("second");
        assert_eq!(fs::read(&path).unwrap(), b"rsqlflow: first\nno end\nrsqlflow: second\n");
    }

    #[test]
    fn a_full_disk_costs_the_log_and_not_the_job() {
        let mut capture = Capture::open(PathBuf::from("/dev/full")).0;
        let mut seen = 0;
        for _ in 0..3 {
            capture.push(b"line\n", &mut |bytes| seen += bytes.len());
        }
        assert_eq!((capture.total(), seen), (15, 15));
        assert_eq!(capture.trouble().unwrap().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_directory_that_cannot_be_made_costs_the_log_too() {
        let mut capture = Capture::open(PathBuf::from("/dev/null/x/y.log")).0;
        capture.push(b"line\n", &mut |_| {});
        assert!(capture.trouble().is_some());
    }
}
