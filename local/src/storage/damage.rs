//! Checks whether a file is a complete SQLite database before SQLite opens it. SQLite's own messages ("file is encrypted or
//! is not a database", "malformed") do not help to repair it.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::LocalError;

/// The first bytes of every database, and the length of its header (<https://www.sqlite.org/fileformat.html>, section 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER: usize = 100;

/// Checks a database that is about to be opened. An empty file is a new database.
///
/// # Errors
/// [`LocalError::Damaged`] if the file is not a database, or is truncated.
pub(crate) fn check(path: &Path) -> Result<(), LocalError> {
    let damaged = |reason: String| LocalError::Damaged { path: path.to_owned(), reason };
    let failed = |source| LocalError::StateDir { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length == 0 {
        return Ok(());
    }
    let mut header = [0; HEADER];
    match file.read_exact(&mut header) {
        Ok(()) if header.starts_with(MAGIC) => {}
        Ok(()) => return Err(damaged("it is not a SQLite database".to_owned())),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            return Err(damaged(format!("it has only {length} bytes")));
        }
        Err(error) => return Err(failed(error)),
    }
    let declared = declared(&header);
    // Pages that a checkpoint had not copied when the process was killed are still in the log.
    if length < declared && !has_log(path).map_err(failed)? {
        return Err(damaged(format!("it is truncated: {length} of {declared} bytes exist")));
    }
    Ok(())
}

/// Whether an error message of SQLite means a damaged file.
pub(crate) fn is_told_by(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    ["not a database", "malformed", "disk image"].iter().any(|part| reason.contains(part))
}

/// The size of a database by its header. `None` if the header does not contain it (same page, sections 1.3.2 and 1.3.7).
fn declared(header: &[u8; HEADER]) -> u64 {
    let word = |at: usize| {
        let bytes = header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        u32::from_be_bytes(bytes.unwrap_or_default())
    };
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    // The count is valid only if the change counter is the one for which it was written.
    if word(24) == word(92) { page * u64::from(word(28)) } else { 0 }
}

fn has_log(path: &Path) -> io::Result<bool> {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    match std::fs::metadata(name) {
        Ok(log) => Ok(log.len() > 0),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn filled(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        let fill = "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000));";
        connection.execute_batch(fill).unwrap();
        connection
    }

    fn reason(path: &Path) -> String {
        match check(path) {
            Err(LocalError::Damaged { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn damage_is_told_and_what_is_whole_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sqlite3");
        std::fs::write(&path, "").unwrap();
        check(&path).unwrap();
        let open = filled(&path);
        check(&path).unwrap();
        drop(open);
        check(&path).unwrap();

        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(reason(&path).starts_with("it is truncated"));
        std::fs::write(&path, &whole[..40]).unwrap();
        assert_eq!(reason(&path), "it has only 40 bytes");
        std::fs::write(&path, [7; 4_096]).unwrap();
        assert_eq!(reason(&path), "it is not a SQLite database");
    }

    #[test]
    fn what_a_log_still_holds_is_not_missing() {
        let dir = tempfile::tempdir().unwrap();
        let (path, log) = (dir.path().join("a.sqlite3"), dir.path().join("a.sqlite3-wal"));
        drop(filled(&path));
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..4_096]).unwrap();
        std::fs::write(&log, "frames").unwrap();
        check(&path).unwrap();
    }
}
