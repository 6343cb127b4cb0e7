//! SQLite databases of the services that keep something.

use std::path::Path;

use rusqlite::Connection;

use crate::LocalError;
use crate::storage::{StateDir, damage};

/// What a service's database looks like.
pub(crate) struct Schema<'a> {
    /// File name within the state directory.
    pub(crate) file: &'static str,
    /// Version, kept in the file's `user_version`. Raise it with every change of `tables`.
    pub(crate) version: i64,
    /// `CREATE TABLE` statements for a new file.
    pub(crate) tables: &'a str,
}

impl Schema<'_> {
    /// Opens the database in `dir`, and creates its tables if it is new.
    pub(crate) fn open(&self, dir: &Path) -> Result<Connection, LocalError> {
        let path = dir.join(self.file);
        let failed = |e: rusqlite::Error| LocalError::of_database(&path, e.to_string());
        StateDir::private_file(&path)?;
        damage::check(&path)?;
        let mut connection = Connection::open(&path).map_err(failed)?;
        // With a write-ahead log, NORMAL survives `kill -9` of this process at any moment; only a power cut may
        // lose the last commits, and no file is corrupted by it (sqlite.org/pragma.html#pragma_synchronous).
        // What was read stays in the system's page cache anyway: each file's own cache (KiB, `cache_size`) is kept small.
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;
                 PRAGMA cache_size = -256;",
            )
            .map_err(failed)?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
        if found == 0 {
            let transaction = connection.transaction().map_err(failed)?;
            transaction.execute_batch(self.tables).map_err(failed)?;
            transaction.pragma_update(None, "user_version", self.version).map_err(failed)?;
            transaction.commit().map_err(failed)?;
        } else if found != self.version {
            return Err(LocalError::StateVersion { path, found, known: self.version });
        }
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let schema = |version| Schema { file: "a.sqlite3", version, tables: "CREATE TABLE t (x);" };
        drop(schema(1).open(dir.path()).unwrap());
        assert!(schema(1).open(dir.path()).is_ok());
        let error = schema(2).open(dir.path()).unwrap_err();
        assert!(matches!(error, LocalError::StateVersion { found: 1, known: 2, .. }), "{error}");
    }
}
