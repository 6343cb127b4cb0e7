//! The database of Step Functions, in SQLite: state machines, executions, journals, histories, task tokens.
//!
//! A running execution is its row and its journal: the inputs that changed it, each with its time. Replaying them restores
//! it after a crash. An execution that has ended is its row and its events.

mod executions;
mod history;
mod journal;
mod machines;
mod prune;

use std::path::Path;

use rusqlite::Connection;

use crate::LocalError;
use crate::http::AwsError;
use crate::storage::{Schema, Worker};

pub(super) use executions::{Inserted, NewExecution, Parent, Row};
pub(super) use journal::{Ending, Record, Recording};
pub(super) use machines::MachineRow;

/// From version 0.1.0, which could redrive executions. One that was redriven and is under way has a journal that cannot be
/// replayed any more.
const OF_0_1_0: &str = "
    DROP INDEX execution_to_tell;
    DROP TABLE redrive;
    UPDATE execution SET status = 'ABORTED', error = 'EndpointUpgraded', stopped = CAST(unixepoch('subsec') * 1000 AS INTEGER)
        WHERE stopped IS NULL AND redrives > 0;
    DELETE FROM journal WHERE execution_id IN (SELECT id FROM execution WHERE stopped IS NOT NULL);
    ALTER TABLE execution DROP COLUMN redrives;
    ALTER TABLE execution DROP COLUMN redriven;
    ALTER TABLE execution RENAME COLUMN announced TO reported;
    CREATE INDEX execution_to_report ON execution (id) WHERE reported = 0;";

const SCHEMA: Schema = Schema {
    file: "stepfunctions.sqlite3",
    version: 2,
    tables: "
        -- Texts of definitions, each once: an execution keeps the one that it was started with.
        CREATE TABLE definition (
            id INTEGER PRIMARY KEY,
            text TEXT NOT NULL UNIQUE
        ) STRICT;
        CREATE TABLE machine (
            arn TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            role_arn TEXT NOT NULL,
            definition_id INTEGER NOT NULL REFERENCES definition (id),
            created INTEGER NOT NULL,
            updated INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE execution (
            id INTEGER PRIMARY KEY,
            arn TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            machine_arn TEXT NOT NULL,
            machine_name TEXT NOT NULL,
            role_arn TEXT NOT NULL,
            definition_id INTEGER NOT NULL REFERENCES definition (id),
            input TEXT NOT NULL,
            started INTEGER NOT NULL,
            seed BLOB NOT NULL,
            -- The Task state that started it; awaited if that waits for its end.
            parent_id INTEGER,
            parent_task INTEGER,
            awaited INTEGER NOT NULL,
            status TEXT NOT NULL,
            stopped INTEGER,
            output TEXT,
            error TEXT,
            cause TEXT,
            -- Whether its end was reported.
            reported INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX execution_of_machine ON execution (machine_arn, id);
        CREATE UNIQUE INDEX execution_of_task ON execution (parent_id, parent_task) WHERE parent_id IS NOT NULL;
        CREATE INDEX execution_to_report ON execution (id) WHERE reported = 0;
        CREATE TABLE journal (
            execution_id INTEGER NOT NULL REFERENCES execution (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            moment INTEGER NOT NULL,
            input TEXT NOT NULL,
            PRIMARY KEY (execution_id, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE event (
            execution_id INTEGER NOT NULL REFERENCES execution (id) ON DELETE CASCADE,
            id INTEGER NOT NULL,
            event TEXT NOT NULL,
            PRIMARY KEY (execution_id, id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE token (
            token TEXT PRIMARY KEY,
            execution_id INTEGER NOT NULL REFERENCES execution (id) ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX token_of_execution ON token (execution_id);",
    upgrades: &[(1, OF_0_1_0)],
};

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Database {
    worker: Worker<Connection>,
}

impl Database {
    /// Opens or creates it in `dir`.
    pub(super) fn open(dir: &Path) -> Result<Self, LocalError> {
        let connection = SCHEMA.open(dir)?;
        let worker = Worker::start("stepfunctions", connection).map_err(LocalError::Thread)?;
        Ok(Self { worker })
    }

    /// Closes the file after all earlier queries.
    pub(super) async fn close(&self) {
        self.worker.close().await;
    }

    /// Limits the file to its current number of pages, to simulate a full disk, or removes the limit.
    #[cfg(test)]
    pub(super) async fn fill(&self, full: bool) {
        let limited = self.run(move |db| {
            let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let most = if full { pages } else { i64::from(i32::MAX) };
            db.query_row(&format!("PRAGMA max_page_count = {most}"), [], |row| row.get::<_, i64>(0))
        });
        assert!(limited.await.is_ok());
    }

    async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R, AwsError> {
        Ok(self.worker.run(work).await??)
    }
}

/// The id of a definition's text. Inserts the text if it is new.
fn definition_id(db: &Connection, text: &str) -> rusqlite::Result<i64> {
    db.prepare_cached("INSERT OR IGNORE INTO definition (text) VALUES (?1)")?.execute([text])?;
    db.prepare_cached("SELECT id FROM definition WHERE text = ?1")?.query_row([text], |row| row.get(0))
}
