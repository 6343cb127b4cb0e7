//! Rows of executions.

use asl::Status;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension as _};

use super::{Database, definition_id};
use crate::http::AwsError;

/// The Task state that started an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parent {
    /// Id of its execution.
    pub(crate) execution: i64,
    /// The try.
    pub(crate) task: u64,
    /// Whether it waits for the end.
    pub(crate) awaits: bool,
}

/// An execution to insert.
pub(crate) struct NewExecution {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) machine_arn: String,
    pub(crate) machine_name: String,
    pub(crate) role_arn: String,
    /// Text of its definition.
    pub(crate) definition: String,
    /// JSON.
    pub(crate) input: String,
    /// Milliseconds since 1970.
    pub(crate) started: i64,
    pub(crate) seed: Vec<u8>,
    pub(crate) parent: Option<Parent>,
}

/// A stored execution.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) machine_arn: String,
    /// JSON.
    pub(crate) input: String,
    /// Milliseconds since 1970.
    pub(crate) started: i64,
    pub(crate) parent: Option<Parent>,
    pub(crate) status: Status,
    /// Milliseconds since 1970, after it has ended.
    pub(crate) stopped: Option<i64>,
    /// JSON.
    pub(crate) output: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) cause: Option<String>,
}

/// The result of an insertion.
#[derive(Debug)]
pub(crate) enum Inserted {
    /// It was inserted.
    New(Box<Row>),
    /// Its ARN exists, or the same try of its parent has already started it.
    There(Box<Row>),
}

const SELECT: &str =
    "SELECT id, arn, name, machine_arn, input, started, parent_id, parent_task, awaited, status, stopped, output,
            error, cause
     FROM execution";

/// The same without the payloads, which a list does not return and which may be large.
const SELECT_LISTED: &str =
    "SELECT id, arn, name, machine_arn, '', started, parent_id, parent_task, awaited, status, stopped, NULL,
            NULL, NULL
     FROM execution";

impl Database {
    /// Inserts an execution that has just started.
    pub(crate) async fn add_execution(&self, new: NewExecution) -> Result<Inserted, AwsError> {
        self.run(move |db| {
            let transaction = db.transaction()?;
            if let Some(there) = same(&transaction, &new)? {
                return Ok(Inserted::There(Box::new(there)));
            }
            let definition = definition_id(&transaction, &new.definition)?;
            let parent = new.parent;
            transaction
                .prepare_cached(
                    "INSERT INTO execution (arn, name, machine_arn, machine_name, role_arn, definition_id, input,
                                            started, seed, parent_id, parent_task, awaited, status)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                )?
                .execute(rusqlite::params![
                    new.arn,
                    new.name,
                    new.machine_arn,
                    new.machine_name,
                    new.role_arn,
                    definition,
                    new.input,
                    new.started,
                    new.seed,
                    parent.map(|parent| parent.execution),
                    parent.map(|parent| parent.task.cast_signed()),
                    parent.is_some_and(|parent| parent.awaits),
                    Status::Running.as_str(),
                ])?;
            let row = by_id(&transaction, transaction.last_insert_rowid())?;
            transaction.commit()?;
            Ok(Inserted::New(Box::new(row)))
        })
        .await
    }

    /// The execution that a try of a Task state started, if it exists.
    pub(crate) async fn child_of(&self, parent: Parent) -> Result<Option<Row>, AwsError> {
        self.run(move |db| by_parent(db, parent)).await
    }

    /// An execution by its ARN.
    pub(crate) async fn execution(&self, arn: &str) -> Result<Option<Row>, AwsError> {
        let arn = arn.to_owned();
        self.run(move |db| by_arn(db, &arn)).await
    }

    /// An execution by its id.
    pub(crate) async fn execution_of(&self, id: i64) -> Result<Option<Row>, AwsError> {
        self.run(move |db| by_id(db, id).optional()).await
    }

    /// Up to `size` executions of a state machine before an id, newest first, with all statuses or one. Without input, output,
    /// error and cause.
    pub(crate) async fn executions(
        &self,
        machine: &str,
        status: Option<Status>,
        below: Option<i64>,
        size: usize,
    ) -> Result<Vec<Row>, AwsError> {
        let machine = machine.to_owned();
        self.run(move |db| {
            db.prepare_cached(&format!(
                "{SELECT_LISTED} WHERE machine_arn = ?1 AND id < ?2 AND (?3 IS NULL OR status = ?3)
                 ORDER BY id DESC LIMIT ?4"
            ))?
            .query_map((machine, below.unwrap_or(i64::MAX), status.map(Status::as_str), size), read)?
            .collect()
        })
        .await
    }

    /// Ids of the executions that have not ended, or whose end was not reported; oldest first.
    pub(crate) async fn unfinished(&self) -> Result<Vec<(i64, Status)>, AwsError> {
        self.run(|db| {
            db.prepare_cached("SELECT id, status FROM execution WHERE reported = 0 ORDER BY id")?
                .query_map([], |row| Ok((row.get(0)?, row.get::<_, KnownStatus>(1)?.0)))?
                .collect()
        })
        .await
    }

    /// Records that the end of an execution was reported.
    pub(crate) async fn reported(&self, id: i64) -> Result<(), AwsError> {
        self.run(move |db| {
            db.prepare_cached("UPDATE execution SET reported = 1 WHERE id = ?1 AND stopped IS NOT NULL")?
                .execute([id])
        })
        .await?;
        Ok(())
    }
}

fn by_id(db: &Connection, id: i64) -> rusqlite::Result<Row> {
    db.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?.query_row([id], read)
}

fn by_arn(db: &Connection, arn: &str) -> rusqlite::Result<Option<Row>> {
    db.prepare_cached(&format!("{SELECT} WHERE arn = ?1"))?.query_row([arn], read).optional()
}

/// The existing execution that prevents an insertion.
fn same(db: &Connection, new: &NewExecution) -> rusqlite::Result<Option<Row>> {
    if let Some(parent) = new.parent
        && let Some(started) = by_parent(db, parent)?
    {
        return Ok(Some(started));
    }
    by_arn(db, &new.arn)
}

fn by_parent(db: &Connection, parent: Parent) -> rusqlite::Result<Option<Row>> {
    db.prepare_cached(&format!("{SELECT} WHERE parent_id = ?1 AND parent_task = ?2"))?
        .query_row((parent.execution, parent.task.cast_signed()), read)
        .optional()
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let (parent, task): (Option<i64>, Option<i64>) = (row.get(6)?, row.get(7)?);
    let awaits = row.get(8)?;
    let parent =
        parent.zip(task).map(|(execution, task)| Parent { execution, task: task.cast_unsigned(), awaits });
    Ok(Row {
        id: row.get(0)?,
        arn: row.get(1)?,
        name: row.get(2)?,
        machine_arn: row.get(3)?,
        input: row.get(4)?,
        started: row.get(5)?,
        parent,
        status: row.get::<_, KnownStatus>(9)?.0,
        stopped: row.get(10)?,
        output: row.get(11)?,
        error: row.get(12)?,
        cause: row.get(13)?,
    })
}

/// The value of a status in its column.
struct KnownStatus(Status);

impl FromSql for KnownStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        let known = Status::ALL.into_iter().find(|status| status.as_str() == text);
        known.map(Self).ok_or(FromSqlError::InvalidType)
    }
}
