//! Rows of statements, their parts and the pages of their results.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::http::AwsError;
use crate::services::redshift_data::request::{Batch, SqlParameter, Submission};
use crate::services::redshift_data::status::Status;
use crate::storage::Schema;

/// Statements and results are kept so long after their end, in milliseconds (Redshift management guide, "Considerations
/// when calling the Amazon Redshift Data API").
pub(super) const KEPT: i64 = 24 * 3_600_000;

/// A client token is remembered so long, in milliseconds (the same page).
const TOKEN_KEPT: i64 = 8 * 3_600_000;

/// Statements of one warehouse that have not ended.
const MOST_ACTIVE: i64 = 500;

/// An `ExecuteStatement` has one part, a batch as many as it has statements.
pub(super) const SCHEMA: Schema<'static> = Schema {
    file: "redshift-data.sqlite3",
    version: 1,
    tables: "
        CREATE TABLE statement (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            name TEXT,
            -- NULL for one statement, else TRANSACTION or AUTO_COMMIT.
            mode TEXT,
            -- JSON: the request's Parameters.
            parameters TEXT NOT NULL,
            warehouse TEXT NOT NULL,
            cluster TEXT,
            workgroup TEXT,
            database TEXT NOT NULL,
            db_user TEXT,
            secret_arn TEXT,
            csv INTEGER NOT NULL,
            token TEXT,
            -- Of everything in the request but the token.
            digest TEXT NOT NULL,
            status TEXT NOT NULL,
            created INTEGER NOT NULL,
            updated INTEGER NOT NULL,
            -- What a cancel request needs.
            pid INTEGER,
            secret INTEGER,
            error TEXT,
            -- Whether a completion event is to be sent.
            event INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX statement_of_token ON statement (token);
        CREATE INDEX statement_of_status ON statement (status, warehouse);
        CREATE TABLE part (
            statement INTEGER NOT NULL REFERENCES statement (number) ON DELETE CASCADE,
            part INTEGER NOT NULL,
            sql TEXT NOT NULL,
            status TEXT NOT NULL,
            updated INTEGER NOT NULL,
            -- Nanoseconds.
            duration INTEGER NOT NULL DEFAULT -1,
            rows INTEGER NOT NULL DEFAULT -1,
            size INTEGER NOT NULL DEFAULT -1,
            error TEXT,
            -- JSON: ColumnMetadata of a result.
            columns TEXT,
            PRIMARY KEY (statement, part)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE page (
            statement INTEGER NOT NULL,
            part INTEGER NOT NULL,
            page INTEGER NOT NULL,
            -- JSON: Records, as the answer has them.
            records TEXT NOT NULL,
            PRIMARY KEY (statement, part, page),
            FOREIGN KEY (statement, part) REFERENCES part (statement, part) ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID;",
    upgrades: &[],
};

/// A statement's row with its parts.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) number: i64,
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) batch: Option<Batch>,
    pub(super) parameters: Vec<SqlParameter>,
    pub(super) warehouse: String,
    pub(super) cluster: Option<String>,
    pub(super) workgroup: Option<String>,
    pub(super) database: String,
    pub(super) db_user: Option<String>,
    pub(super) secret_arn: Option<String>,
    pub(super) csv: bool,
    pub(super) status: Status,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) pid: Option<i32>,
    pub(super) secret: Option<i32>,
    pub(super) error: Option<String>,
    pub(super) event: bool,
    pub(super) parts: Vec<Part>,
}

/// One of the SQL statements.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// From 1.
    pub(super) part: i64,
    pub(super) sql: String,
    pub(super) status: Status,
    pub(super) updated: i64,
    pub(super) duration: i64,
    pub(super) rows: i64,
    pub(super) size: i64,
    pub(super) error: Option<String>,
    pub(super) columns: Option<String>,
}

/// What became of one of the SQL statements.
#[derive(Debug, Clone)]
pub(super) struct PartEnd {
    pub(super) part: i64,
    pub(super) status: Status,
    /// Nanoseconds.
    pub(super) duration: i64,
    /// Rows returned or changed, and bytes of the result.
    pub(super) rows: i64,
    pub(super) size: i64,
    pub(super) error: Option<String>,
    pub(super) columns: Option<String>,
}

/// What became of a statement.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) status: Status,
    pub(super) error: Option<String>,
}

/// Keeps a statement that is accepted, or finds the one that has its token.
///
/// # Errors
/// `ValidationException` for a token of another request, `ActiveStatementsExceededException`.
pub(super) fn accept(
    db: &mut Connection,
    id: &str,
    submission: &Submission,
    now: i64,
) -> Result<(Statement, bool), AwsError> {
    let transaction = db.transaction()?;
    if let Some(token) = &submission.token {
        let found: Option<(i64, String)> = transaction
            .prepare_cached(
                "SELECT number, digest FROM statement WHERE token = ?1 AND created > ?2 ORDER BY number DESC LIMIT 1",
            )?
            .query_row((token, now - TOKEN_KEPT), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((number, digest)) = found {
            if digest != submission.digest {
                let message = "The ClientToken was used in the last 8 hours with other request parameters.";
                return Err(AwsError::client("ValidationException", message));
            }
            let statement = by_number(&transaction, number)?;
            transaction.commit()?;
            return Ok((statement, false));
        }
    }
    let active: i64 = transaction
        .prepare_cached(
            "SELECT count(*) FROM statement WHERE status IN ('SUBMITTED', 'PICKED', 'STARTED') AND warehouse = ?1",
        )?
        .query_row([&submission.warehouse], |row| row.get(0))?;
    if active >= MOST_ACTIVE {
        let message = format!("Active statements exceeded the allowed quota ({MOST_ACTIVE}).");
        return Err(AwsError::client("ActiveStatementsExceededException", message));
    }
    let parameters = serde_json::to_string(&submission.parameters).map_err(AwsError::internal)?;
    transaction
        .prepare_cached(
            "INSERT INTO statement (id, name, mode, parameters, warehouse, cluster, workgroup, database, db_user,
                 secret_arn, csv, token, digest, status, created, updated, event)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?15, ?16)",
        )?
        .execute(params![
            id,
            submission.name,
            submission.batch.map(Batch::as_str),
            parameters,
            submission.warehouse,
            submission.cluster,
            submission.workgroup,
            submission.database,
            submission.db_user,
            submission.secret_arn,
            submission.csv,
            submission.token,
            submission.digest,
            Status::Submitted,
            now,
            submission.event,
        ])?;
    let number = transaction.last_insert_rowid();
    {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO part (statement, part, sql, status, updated) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for (part, sql) in (1_i64..).zip(&submission.sqls) {
            insert.execute(params![number, part, sql, Status::Submitted, now])?;
        }
    }
    let statement = by_number(&transaction, number)?;
    transaction.commit()?;
    Ok((statement, true))
}

const COLUMNS: &str = "number, id, name, mode, parameters, warehouse, cluster, workgroup, database, db_user, \
                       secret_arn, csv, status, created, updated, pid, secret, error, event";

fn read(row: &Row<'_>) -> rusqlite::Result<Statement> {
    let parameters: String = row.get(4)?;
    Ok(Statement {
        number: row.get(0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        batch: row.get::<_, Option<String>>(3)?.and_then(|mode| Batch::of(&mode)),
        parameters: serde_json::from_str(&parameters).unwrap_or_default(),
        warehouse: row.get(5)?,
        cluster: row.get(6)?,
        workgroup: row.get(7)?,
        database: row.get(8)?,
        db_user: row.get(9)?,
        secret_arn: row.get(10)?,
        csv: row.get(11)?,
        status: row.get(12)?,
        created: row.get(13)?,
        updated: row.get(14)?,
        pid: row.get(15)?,
        secret: row.get(16)?,
        error: row.get(17)?,
        event: row.get(18)?,
        parts: Vec::new(),
    })
}

fn with_parts(db: &Connection, mut statement: Statement) -> Result<Statement, AwsError> {
    let mut parts = db.prepare_cached(
        "SELECT part, sql, status, updated, duration, rows, size, error, columns FROM part
         WHERE statement = ?1 ORDER BY part",
    )?;
    statement.parts = parts
        .query_map([statement.number], |row| {
            Ok(Part {
                part: row.get(0)?,
                sql: row.get(1)?,
                status: row.get(2)?,
                updated: row.get(3)?,
                duration: row.get(4)?,
                rows: row.get(5)?,
                size: row.get(6)?,
                error: row.get(7)?,
                columns: row.get(8)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(statement)
}

fn by_number(db: &Connection, number: i64) -> Result<Statement, AwsError> {
    let found = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM statement WHERE number = ?1"))?
        .query_row([number], read)?;
    with_parts(db, found)
}

/// A statement by its id, without a part's number; none that is too old.
pub(super) fn find(db: &Connection, id: &str, now: i64) -> Result<Option<Statement>, AwsError> {
    let found = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM statement WHERE id = ?1"))?
        .query_row([id], read)
        .optional()?;
    let kept = |statement: &Statement| !statement.status.has_ended() || statement.updated > now - KEPT;
    found.filter(kept).map(|statement| with_parts(db, statement)).transpose()
}

/// The statements that have not ended, and those whose completion event is not sent.
pub(super) fn unfinished(db: &Connection) -> Result<Vec<Statement>, AwsError> {
    let found: Vec<Statement> = db
        .prepare(&format!(
            "SELECT {COLUMNS} FROM statement WHERE status IN ('SUBMITTED', 'PICKED', 'STARTED') OR event ORDER BY number"
        ))?
        .query_map([], read)?
        .collect::<rusqlite::Result<_>>()?;
    found.into_iter().map(|statement| with_parts(db, statement)).collect()
}

/// Which statements are listed.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// Every status, if `None`.
    pub(super) status: Option<Status>,
    /// How the name begins.
    pub(super) prefix: Option<String>,
    pub(super) cluster: Option<String>,
    pub(super) workgroup: Option<String>,
    pub(super) database: Option<String>,
    /// Only those before this number.
    pub(super) before: i64,
    pub(super) limit: i64,
}

/// The newest statements first.
pub(super) fn list(db: &Connection, filter: &Filter, now: i64) -> Result<Vec<Statement>, AwsError> {
    let found: Vec<Statement> = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM statement
             WHERE number < ?1 AND (?2 IS NULL OR status = ?2) AND (?3 IS NULL OR substr(name, 1, length(?3)) = ?3)
                 AND (?4 IS NULL OR cluster = ?4) AND (?5 IS NULL OR workgroup = ?5)
                 AND (?6 IS NULL OR database = ?6)
                 AND (updated > ?7 OR status IN ('SUBMITTED', 'PICKED', 'STARTED'))
             ORDER BY number DESC LIMIT ?8"
        ))?
        .query_map(
            params![
                filter.before,
                filter.status,
                filter.prefix,
                filter.cluster,
                filter.workgroup,
                filter.database,
                now - KEPT,
                filter.limit
            ],
            read,
        )?
        .collect::<rusqlite::Result<_>>()?;
    found.into_iter().map(|statement| with_parts(db, statement)).collect()
}

/// A statement has a place on its warehouse.
pub(super) fn picked(db: &Connection, number: i64, now: i64) -> Result<(), AwsError> {
    db.prepare_cached("UPDATE statement SET status = ?2, updated = ?3 WHERE number = ?1")?
        .execute(params![number, Status::Picked, now])?;
    Ok(())
}

/// A statement has its session, with what cancels it.
pub(super) fn started(
    db: &Connection,
    number: i64,
    key: Option<(i32, i32)>,
    now: i64,
) -> Result<(), AwsError> {
    db.prepare_cached(
        "UPDATE statement SET status = ?2, updated = ?3, pid = ?4, secret = ?5 WHERE number = ?1",
    )?
    .execute(params![number, Status::Started, now, key.map(|key| key.0), key.map(|key| key.1)])?;
    Ok(())
}

/// One of the SQL statements runs.
pub(super) fn part_started(db: &Connection, number: i64, part: i64, now: i64) -> Result<(), AwsError> {
    db.prepare_cached("UPDATE part SET status = ?3, updated = ?4 WHERE statement = ?1 AND part = ?2")?
        .execute(params![number, part, Status::Started, now])?;
    Ok(())
}

/// A page of a result.
pub(super) fn add_page(
    db: &Connection,
    number: i64,
    part: i64,
    page: i64,
    records: &str,
) -> Result<(), AwsError> {
    db.prepare_cached("INSERT INTO page (statement, part, page, records) VALUES (?1, ?2, ?3, ?4)")?
        .execute((number, part, page, records))?;
    Ok(())
}

/// One of the SQL statements has ended. Without a result there are no pages.
pub(super) fn part_ended(db: &Connection, number: i64, end: &PartEnd, now: i64) -> Result<(), AwsError> {
    if end.columns.is_none() {
        db.prepare_cached("DELETE FROM page WHERE statement = ?1 AND part = ?2")?
            .execute((number, end.part))?;
    }
    db.prepare_cached(
        "UPDATE part SET status = ?3, updated = ?4, duration = ?5, rows = ?6, size = ?7, error = ?8, columns = ?9
         WHERE statement = ?1 AND part = ?2",
    )?
    .execute(params![
        number,
        end.part,
        end.status,
        now,
        end.duration,
        end.rows,
        end.size,
        end.error,
        end.columns
    ])?;
    Ok(())
}

/// A statement has ended: what is written with it, or nothing is. What did not start was aborted.
pub(super) fn ended(
    db: &mut Connection,
    number: i64,
    parts: &[PartEnd],
    end: &End,
    now: i64,
) -> Result<Statement, AwsError> {
    let transaction = db.transaction()?;
    for part in parts {
        part_ended(&transaction, number, part, now)?;
    }
    transaction
        .prepare_cached(
            "UPDATE part SET status = ?2, updated = ?3
             WHERE statement = ?1 AND status IN ('SUBMITTED', 'PICKED', 'STARTED')",
        )?
        .execute(params![number, Status::Aborted, now])?;
    transaction
        .prepare_cached("UPDATE statement SET status = ?2, updated = ?3, error = ?4 WHERE number = ?1")?
        .execute(params![number, end.status, now, end.error])?;
    let statement = by_number(&transaction, number)?;
    transaction.commit()?;
    Ok(statement)
}

/// The completion event is on its way.
pub(super) fn event_sent(db: &Connection, number: i64) -> Result<(), AwsError> {
    db.prepare_cached("UPDATE statement SET event = 0 WHERE number = ?1")?.execute([number])?;
    Ok(())
}

/// A page of a result, and whether another one follows.
pub(super) fn page(
    db: &Connection,
    number: i64,
    part: i64,
    page: i64,
) -> Result<Option<(String, bool)>, AwsError> {
    let mut pages = db.prepare_cached(
        "SELECT records FROM page WHERE statement = ?1 AND part = ?2 AND page >= ?3 ORDER BY page LIMIT 2",
    )?;
    let mut rows = pages.query((number, part, page))?;
    let Some(first) = rows.next()? else { return Ok(None) };
    let records = first.get(0)?;
    Ok(Some((records, rows.next()?.is_some())))
}

/// Removes what nobody may ask for any more.
pub(super) fn remove_old(db: &Connection, now: i64) -> Result<(), AwsError> {
    db.execute(
        "DELETE FROM statement WHERE status IN ('FINISHED', 'ABORTED', 'FAILED') AND updated <= ?1 AND NOT event",
        [now - KEPT],
    )?;
    Ok(())
}
