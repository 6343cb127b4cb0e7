//! SQLite databases of the services.

use std::path::Path;

use rusqlite::Connection;

use crate::LocalError;
use crate::storage::{StateDir, damage};

/// The definition of a service's database.
pub(crate) struct Schema<'a> {
    /// File name within the state directory.
    pub(crate) file: &'static str,
    /// Version, stored as the file's `user_version`. Increase it with every change of `tables`.
    pub(crate) version: i64,
    /// `CREATE TABLE` statements for a new file.
    pub(crate) tables: &'a str,
    /// Versions of released programs, each with the statements that lead to the next version.
    pub(crate) upgrades: &'a [(i64, &'a str)],
}

impl Schema<'_> {
    /// Opens the database in `dir`, and creates its tables if it is new.
    pub(crate) fn open(&self, dir: &Path) -> Result<Connection, LocalError> {
        let path = dir.join(self.file);
        let failed = |e: rusqlite::Error| LocalError::of_database(&path, e.to_string());
        StateDir::private_file(&path)?;
        damage::check(&path)?;
        let mut connection = Connection::open(&path).map_err(failed)?;
        // With a write-ahead log, NORMAL survives `kill -9` at any time. Only a power failure may lose the last commits, and it
        // corrupts no file (sqlite.org/pragma.html#pragma_synchronous). Pages stay in the system's page cache, so each file's
        // own cache (`cache_size`, in KiB) is small.
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
            let Some(steps) = self.steps_from(found) else {
                return Err(LocalError::StateVersion { path, found, known: self.version });
            };
            let transaction = connection.transaction().map_err(failed)?;
            for step in steps {
                transaction.execute_batch(step).map_err(failed)?;
            }
            transaction.pragma_update(None, "user_version", self.version).map_err(failed)?;
            transaction.commit().map_err(failed)?;
        }
        Ok(connection)
    }

    /// What brings a file of version `found` up to this version; `None` if nothing does.
    fn steps_from(&self, found: i64) -> Option<Vec<&str>> {
        (found..self.version)
            .map(|version| Some(self.upgrades.iter().find(|(from, _)| *from == version)?.1))
            .collect::<Option<Vec<_>>>()
            .filter(|steps| !steps.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let schema =
            |version| Schema { file: "a.sqlite3", version, tables: "CREATE TABLE t (x);", upgrades: &[] };
        drop(schema(1).open(dir.path()).unwrap());
        assert!(schema(1).open(dir.path()).is_ok());
        let error = schema(2).open(dir.path()).unwrap_err();
        assert!(matches!(error, LocalError::StateVersion { found: 1, known: 2, .. }), "{error}");
    }

    #[test]
    fn a_file_of_a_released_version_is_brought_up_to_date_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let schema = |version, upgrades| Schema {
            file: "a.sqlite3",
            version,
            tables: "CREATE TABLE t (x);",
            upgrades,
        };
        let old = schema(1, &[]).open(dir.path()).unwrap();
        old.execute("INSERT INTO t VALUES (1)", []).unwrap();
        drop(old);
        let broken = schema(3, &[(1, "ALTER TABLE t ADD COLUMN y;"), (2, "no statement")]);
        assert!(matches!(broken.open(dir.path()), Err(LocalError::Database { .. })));
        let upgrades: &[(i64, &str)] = &[(1, "ALTER TABLE t ADD COLUMN y;"), (2, "UPDATE t SET y = x + 1;")];
        for _ in 0..2 {
            let new = schema(3, upgrades).open(dir.path()).unwrap();
            assert_eq!(new.query_row("SELECT y FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
        }
        assert!(matches!(
            schema(2, upgrades).open(dir.path()),
            Err(LocalError::StateVersion { found: 3, .. })
        ));
    }
}
