//! Logs that are not sent yet. Each job's has a record beside the results, with how much of the file the service has
//! taken, so that the end of a log is sent also when its agent, or the machine, dies before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rsqlflow_core::{ExecutionId, JobId, Owner};
use serde::{Deserialize, Serialize};

use super::result::make_directory;

/// Whose log it is, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsentLog {
    /// Of this format. An agent leaves records of a later one alone.
    pub version: u32,
    /// The run.
    pub workflow_execution_id: ExecutionId,
    /// The job.
    pub job_id: JobId,
    /// The attempt.
    pub attempt: u32,
    /// CloudWatch log group.
    pub log_group: String,
    /// CloudWatch log stream.
    pub log_stream: String,
    /// The file on this instance.
    pub path: PathBuf,
}

/// The format that this agent writes.
pub const VERSION: u32 = 1;

/// Digits of the number of bytes at the beginning of a record: it is written over in place, for each batch.
const DIGITS: usize = 20;

/// The directory of records.
#[derive(Clone, Debug)]
pub struct UnsentLogs {
    directory: PathBuf,
}

/// A record that nobody else uses as long as this lives.
#[derive(Debug)]
pub struct LogRecord {
    /// Whose log it is.
    pub log: UnsentLog,
    /// Bytes that the service had taken when the record was opened.
    pub sent: u64,
    file: File,
    path: PathBuf,
}

impl UnsentLogs {
    /// Below a spool directory.
    #[must_use]
    pub fn new(spool_dir: &Path) -> Self {
        Self { directory: spool_dir.join("logs") }
    }

    /// Makes the record of a log that begins.
    ///
    /// # Errors
    /// If it cannot be written. Then the end of the log is lost if this process dies before it is sent.
    pub fn begin(&self, log: UnsentLog, owner: &Owner) -> io::Result<LogRecord> {
        make_directory(&self.directory).map_err(|error| error.source)?;
        let UnsentLog { workflow_execution_id: execution, job_id: job, attempt, .. } = &log;
        let name = format!("{execution}_{:04}-{:05}_a{attempt}_{}", job.stage, job.position, owner.as_str());
        let path = self.directory.join(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        file.try_lock().map_err(io::Error::from)?;
        let text = format!("{:0DIGITS$}\n{}\n", 0, serde_json::to_string(&log)?);
        file.write_all_at(text.as_bytes(), 0)?;
        Ok(LogRecord { log, sent: 0, file, path })
    }

    /// Takes the records that no living agent holds.
    ///
    /// # Errors
    /// If the directory cannot be read. One that is not there is empty.
    pub fn take(&self) -> io::Result<Vec<LogRecord>> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut records = Vec::new();
        for entry in entries {
            let path = entry?.path();
            // What cannot be read is half of a record, or one of a later version.
            records.extend(open(&path).ok().flatten());
        }
        Ok(records)
    }
}

fn open(path: &Path) -> io::Result<Option<LogRecord>> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    if file.try_lock().is_err() {
        return Ok(None);
    }
    // Its owner may have removed it between opening and locking.
    path.metadata()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let (sent, json) = text.split_once('\n').ok_or(io::ErrorKind::InvalidData)?;
    let sent = sent.parse().map_err(io::Error::other)?;
    let log: UnsentLog = serde_json::from_str(json)?;
    Ok((log.version <= VERSION).then(|| LogRecord { log, sent, file, path: path.to_owned() }))
}

impl LogRecord {
    /// The service has taken so many bytes of the file.
    pub fn advance(&mut self, sent: u64) {
        self.sent = sent;
        // Without it some lines would be sent twice, if this process dies.
        let _ = self.file.write_all_at(format!("{sent:0DIGITS$}").as_bytes(), 0);
    }

    /// Nothing more is to be sent.
    pub fn forget(self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> UnsentLog {
        UnsentLog {
            version: VERSION,
            workflow_execution_id: ExecutionId::new("e").unwrap(),
            job_id: JobId::new(0, 1),
            attempt: 2,
            log_group: "/g".to_owned(),
            log_stream: "s".to_owned(),
            path: "/l/x.log".into(),
        }
    }

    #[test]
    fn a_record_is_found_after_its_agent_with_what_was_sent() {
        let dir = tempfile::tempdir().unwrap();
        let logs = UnsentLogs::new(dir.path());
        assert!(logs.take().unwrap().is_empty());
        let mut record = logs.begin(log(), &Owner::new("0123")).unwrap();
        record.advance(4711);
        assert!(logs.take().unwrap().is_empty(), "its agent lives");
        drop(record);
        let mut found = logs.take().unwrap();
        let record = found.pop().unwrap();
        assert_eq!((record.log.clone(), record.sent), (log(), 4711));
        record.forget();
        assert!(logs.take().unwrap().is_empty());
        fs::write(dir.path().join("logs/torn"), "000").unwrap();
        assert!(logs.take().unwrap().is_empty());
    }
}
