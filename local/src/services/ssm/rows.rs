//! Commands and invocations in SQLite.
//!
//! The database is the only store: `ListCommands` returns the same before and after a crash, and memory does not grow with
//! the age of the endpoint.

use std::path::Path;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};
use serde::{Deserialize, Serialize};

use crate::LocalError;
use crate::place;
use crate::services::ssm::document::Values;
use crate::services::ssm::instances::Filter;
use crate::services::ssm::launch::Outcome;
use crate::services::ssm::progress::Progress;
use crate::storage::{Schema, Worker};

const SCHEMA: Schema = Schema {
    file: "ssm.sqlite3",
    version: 1,
    tables: "
        CREATE TABLE command (
            id INTEGER PRIMARY KEY,
            command_id TEXT NOT NULL UNIQUE,
            document TEXT NOT NULL,
            sent TEXT NOT NULL,
            requested INTEGER NOT NULL,
            cancelled INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE TABLE invocation (
            id INTEGER PRIMARY KEY,
            command INTEGER NOT NULL REFERENCES command (id) ON DELETE CASCADE,
            instance_id TEXT NOT NULL,
            progress TEXT NOT NULL,
            response_code INTEGER NOT NULL DEFAULT -1,
            stdout TEXT NOT NULL DEFAULT '',
            stderr TEXT NOT NULL DEFAULT '',
            started INTEGER,
            ended INTEGER,
            UNIQUE (command, instance_id)
        ) STRICT;
        CREATE INDEX invocation_open ON invocation (command) WHERE ended IS NULL;",
    upgrades: &[],
};

/// Maximum number of stored invocations, and of commands without one. The service keeps them for 30 days; here the oldest
/// are removed.
const REMEMBERED: i64 = 20_000;

/// The immutable part of a command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) document: String,
    pub(super) document_version: String,
    pub(super) comment: String,
    pub(super) parameters: Values,
    pub(super) instance_ids: Vec<String>,
    pub(super) targets: Vec<Filter>,
    pub(super) max_concurrency: String,
    pub(super) max_errors: String,
    /// Delivery timeout in seconds.
    pub(super) timeout: u64,
    /// The agent's arguments.
    pub(super) arguments: Vec<String>,
}

/// A command.
#[derive(Debug, Clone)]
pub(crate) struct CommandRow {
    pub(super) id: i64,
    pub(super) command_id: String,
    pub(super) sent: Sent,
    pub(super) requested: i64,
    pub(super) cancelled: bool,
}

/// A command on one instance.
#[derive(Debug, Clone)]
pub(crate) struct InvocationRow {
    pub(super) id: i64,
    pub(super) instance_id: String,
    pub(super) outcome: Outcome,
    pub(super) started: Option<i64>,
    pub(super) ended: Option<i64>,
}

/// Opens or creates the database in `dir`.
pub(super) fn open(dir: &Path) -> Result<Worker<Connection>, LocalError> {
    Worker::start("ssm", SCHEMA.open(dir)?).map_err(LocalError::Thread)
}

/// Inserts a command with an invocation for each instance. Returns the command's row and the invocations' ids. Removes
/// the oldest commands that have ended.
pub(super) fn insert(
    db: &mut Connection,
    command_id: &str,
    sent: &Sent,
    instances: &[String],
) -> rusqlite::Result<(CommandRow, Vec<i64>)> {
    let transaction = db.transaction()?;
    let requested = place::now_ms();
    let text = serde_json::to_string(sent).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    transaction
        .prepare_cached(
            "INSERT INTO command (command_id, document, sent, requested) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((command_id, &sent.document, text, requested))?;
    let id = transaction.last_insert_rowid();
    let mut ids = Vec::with_capacity(instances.len());
    for instance in instances {
        transaction
            .prepare_cached("INSERT INTO invocation (command, instance_id, progress) VALUES (?1, ?2, ?3)")?
            .execute((id, instance, Progress::Pending.details()))?;
        ids.push(transaction.last_insert_rowid());
    }
    forget(&transaction, REMEMBERED)?;
    transaction.commit()?;
    let sent = sent.clone();
    Ok((CommandRow { id, command_id: command_id.to_owned(), sent, requested, cancelled: false }, ids))
}

fn forget(transaction: &Transaction<'_>, remembered: i64) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached(
            "DELETE FROM command WHERE
                (id <= (SELECT MAX(id) FROM command) - ?1
                 OR id < (SELECT command FROM invocation
                          WHERE id > (SELECT MAX(id) FROM invocation) - ?1 ORDER BY id LIMIT 1))
                AND NOT EXISTS (SELECT 1 FROM invocation i WHERE i.command = command.id AND i.ended IS NULL)",
        )?
        .execute([remembered])
}

/// A command by its id.
pub(super) fn command(db: &Connection, command_id: &str) -> rusqlite::Result<Option<CommandRow>> {
    db.prepare_cached("SELECT id, command_id, sent, requested, cancelled FROM command WHERE command_id = ?1")?
        .query_row([command_id], read_command)
        .optional()
}

/// The progress of a command's invocations, in the order of its instances, without their output.
pub(super) fn progress(db: &Connection, command: i64) -> rusqlite::Result<Vec<Progress>> {
    db.prepare_cached("SELECT progress FROM invocation WHERE command = ?1 ORDER BY id")?
        .query_map([command], |row| read_progress(&row.get::<_, String>(0)?))?
        .collect()
}

fn read_progress(text: &str) -> rusqlite::Result<Progress> {
    Progress::read(text).ok_or(rusqlite::Error::InvalidQuery)
}

/// A command's invocations, in the order of its instances.
pub(super) fn invocations(db: &Connection, command: i64) -> rusqlite::Result<Vec<InvocationRow>> {
    db.prepare_cached(
        "SELECT id, instance_id, progress, response_code, stdout, stderr, started, ended FROM invocation
         WHERE command = ?1 ORDER BY id",
    )?
    .query_map([command], read_invocation)?
    .collect()
}

/// Starts the invocation, unless it was cancelled in the meantime.
pub(super) fn start(db: &Connection, id: i64) -> rusqlite::Result<bool> {
    let changed = db
        .prepare_cached("UPDATE invocation SET progress = ?2, started = ?3 WHERE id = ?1 AND progress = ?4")?
        .execute((id, Progress::Started.details(), place::now_ms(), Progress::Pending.details()))?;
    Ok(changed == 1)
}

/// Ends an invocation. Returns false, without a change, if it has already ended.
pub(super) fn end(db: &Connection, id: i64, outcome: &Outcome) -> rusqlite::Result<bool> {
    let changed = db
        .prepare_cached(
            "UPDATE invocation SET progress = ?2, response_code = ?3, stdout = ?4, stderr = ?5, ended = ?6
         WHERE id = ?1 AND ended IS NULL",
        )?
        .execute((
            id,
            outcome.progress.details(),
            outcome.response_code,
            &outcome.stdout,
            &outcome.stderr,
            place::now_ms(),
        ))?;
    Ok(changed == 1)
}

/// Marks a command as cancelled on these instances, or on all. Returns the ids of the invocations to stop. Invocations
/// that were not delivered end with this.
pub(super) fn cancel(db: &mut Connection, command: i64, instances: &[String]) -> rusqlite::Result<Vec<i64>> {
    let transaction = db.transaction()?;
    let now = place::now_ms();
    transaction.prepare_cached("UPDATE command SET cancelled = 1 WHERE id = ?1")?.execute([command])?;
    let mut stopped = Vec::new();
    for row in invocations(&transaction, command)? {
        let meant = instances.is_empty() || instances.contains(&row.instance_id);
        let (next, ended) = match row.outcome.progress {
            Progress::Pending if meant => (Progress::Cancelled, Some(now)),
            Progress::Started if meant => (Progress::Cancelling, None),
            _ => continue,
        };
        transaction
            .prepare_cached("UPDATE invocation SET progress = ?2, ended = ?3 WHERE id = ?1")?
            .execute((row.id, next.details(), ended))?;
        stopped.push(row.id);
    }
    transaction.commit()?;
    Ok(stopped)
}

/// Commands with open invocations, oldest first. Each open invocation is delivered again, because it is not known
/// whether it had started. A cancellation in progress counts as complete.
pub(super) fn reopen(db: &mut Connection) -> rusqlite::Result<Vec<(CommandRow, Vec<InvocationRow>)>> {
    let transaction = db.transaction()?;
    transaction.execute(
        "UPDATE invocation SET progress = ?1, ended = ?2 WHERE progress = ?3 AND ended IS NULL",
        (Progress::Cancelled.details(), place::now_ms(), Progress::Cancelling.details()),
    )?;
    transaction.execute(
        "UPDATE invocation SET progress = ?1, started = NULL WHERE progress = ?2 AND ended IS NULL",
        (Progress::Pending.details(), Progress::Started.details()),
    )?;
    transaction.commit()?;
    let open: Vec<CommandRow> = db
        .prepare(
            "SELECT id, command_id, sent, requested, cancelled FROM command
             WHERE id IN (SELECT command FROM invocation WHERE ended IS NULL) ORDER BY id",
        )?
        .query_map([], read_command)?
        .collect::<rusqlite::Result<_>>()?;
    open.into_iter().map(|command| Ok((command.clone(), invocations(db, command.id)?))).collect()
}

pub(super) fn read_command(row: &Row<'_>) -> rusqlite::Result<CommandRow> {
    let sent: String = row.get(2)?;
    let sent = serde_json::from_str(&sent)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(2, Type::Text, e.into()))?;
    Ok(CommandRow {
        id: row.get(0)?,
        command_id: row.get(1)?,
        sent,
        requested: row.get(3)?,
        cancelled: row.get(4)?,
    })
}

fn read_invocation(row: &Row<'_>) -> rusqlite::Result<InvocationRow> {
    let progress: String = row.get(2)?;
    let progress = read_progress(&progress)?;
    Ok(InvocationRow {
        id: row.get(0)?,
        instance_id: row.get(1)?,
        outcome: Outcome { progress, response_code: row.get(3)?, stdout: row.get(4)?, stderr: row.get(5)? },
        started: row.get(6)?,
        ended: row.get(7)?,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::services::ssm::search::{Wanted, commands_before};

    pub(in crate::services::ssm) fn sent() -> Sent {
        Sent {
            document: "d".to_owned(),
            document_version: "1".to_owned(),
            comment: String::new(),
            parameters: Values::new(),
            instance_ids: Vec::new(),
            targets: Vec::new(),
            max_concurrency: "1".to_owned(),
            max_errors: "0".to_owned(),
            timeout: 60,
            arguments: vec!["run".to_owned()],
        }
    }

    pub(in crate::services::ssm) fn database() -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let db = SCHEMA.open(dir.path()).unwrap();
        (dir, db)
    }

    pub(in crate::services::ssm) fn put(
        db: &mut Connection,
        id: &str,
        instances: &[&str],
    ) -> (CommandRow, Vec<i64>) {
        let instances: Vec<String> = instances.iter().map(|&i| i.to_owned()).collect();
        insert(db, id, &sent(), &instances).unwrap()
    }

    pub(in crate::services::ssm) fn done() -> Outcome {
        Outcome::without_process(Progress::Success, 0, String::new())
    }

    #[test]
    fn the_oldest_ended_commands_make_room() {
        let (_dir, mut db) = database();
        for number in 0..4 {
            let (_, ids) = put(&mut db, &format!("c{number}"), &["a", "b"]);
            if number != 1 {
                ids.iter().for_each(|id| assert!(end(&db, *id, &done()).unwrap()));
            }
        }
        let transaction = db.transaction().unwrap();
        assert_eq!(forget(&transaction, 3).unwrap(), 1, "the second is still open");
        transaction.commit().unwrap();
        let left: Vec<_> = commands_before(&db, i64::MAX, 9, &Wanted::default())
            .unwrap()
            .into_iter()
            .map(|c| c.command_id)
            .collect();
        assert_eq!(left, ["c3", "c2", "c1"]);
        assert!(command(&db, "c0").unwrap().is_none());
    }

    #[test]
    fn a_cancelled_invocation_does_not_start_and_an_ended_one_stays() {
        let (_dir, mut db) = database();
        let (command, ids) = put(&mut db, "c", &["a", "b", "c"]);
        let [a, b, c] = ids[..] else { panic!("{ids:?}") };
        assert!(start(&db, a).unwrap() && start(&db, b).unwrap());
        end(&db, b, &done()).unwrap();
        assert_eq!(cancel(&mut db, command.id, &[]).unwrap(), [a, c]);
        assert!(!start(&db, c).unwrap());
        let progress = |db: &Connection| -> Vec<_> {
            invocations(db, command.id).unwrap().iter().map(|row| row.outcome.progress).collect()
        };
        assert_eq!(progress(&db), [Progress::Cancelling, Progress::Success, Progress::Cancelled]);
        assert!(reopen(&mut db).unwrap().is_empty());
        assert_eq!(progress(&db), [Progress::Cancelled, Progress::Success, Progress::Cancelled]);
    }

    #[test]
    fn what_had_not_ended_is_delivered_again() {
        let (dir, mut db) = database();
        let (_, ids) = put(&mut db, "c", &["a", "b"]);
        assert!(start(&db, ids[0]).unwrap());
        end(&db, ids[1], &done()).unwrap();
        drop(db);
        let mut db = SCHEMA.open(dir.path()).unwrap();
        let open = reopen(&mut db).unwrap();
        let [(command, invocations)] = &open[..] else { panic!("{open:?}") };
        assert_eq!((command.command_id.as_str(), command.sent.arguments.len()), ("c", 1));
        assert_eq!(invocations[0].outcome.progress, Progress::Pending);
        assert_eq!(invocations[1].outcome.progress, Progress::Success);
    }

    #[test]
    fn a_full_disk_leaves_nothing_half_done() {
        let (_dir, mut db) = database();
        db.execute_batch("PRAGMA max_page_count = 1").unwrap();
        let mut large = sent();
        large.comment = "x".repeat(100_000);
        let error = insert(&mut db, "c", &large, &["a".to_owned()]).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DiskFull));
        assert!(commands_before(&db, i64::MAX, 9, &Wanted::default()).unwrap().is_empty());
        put(&mut db, "c", &["a"]);
    }
}
