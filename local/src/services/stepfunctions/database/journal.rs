//! Journals, which restore running executions.

use std::sync::Arc;

use asl::{Ended, Execution, ExecutionContext, Input, Seed, Status};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::Database;
use crate::http::AwsError;

/// One input that changed an execution, with its effects on the other tables.
pub(crate) struct Record {
    pub(crate) position: i64,
    /// Milliseconds since 1970.
    pub(crate) moment: i64,
    /// The input as JSON. It may contain a task token.
    pub(crate) input: String,
    /// Task tokens that it created.
    pub(crate) tokens: Vec<String>,
    /// Set if it ended the execution.
    pub(crate) ending: Option<Ending>,
}

/// The end of an execution. Its texts may contain task tokens.
pub(crate) struct Ending {
    pub(crate) status: Status,
    /// Milliseconds since 1970.
    pub(crate) stopped: i64,
    /// JSON.
    pub(crate) output: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) cause: Option<String>,
    /// Its history as JSON, one entry for each event.
    pub(crate) events: Vec<String>,
}

impl Ending {
    /// Data of an execution that has ended.
    pub(crate) fn of(execution: &Execution, ended: &Ended) -> Self {
        Self {
            status: ended.status,
            stopped: ended.stop_time.as_millisecond(),
            output: ended.output.as_ref().map(|output| output.text().to_string()),
            error: ended.error.as_deref().map(str::to_owned),
            cause: ended.cause.as_deref().map(str::to_owned),
            events: execution.history().iter().map(|event| event.to_json(true).to_string()).collect(),
        }
    }
}

/// The data that restores an execution.
#[derive(Debug)]
pub(crate) struct Recording {
    execution: i64,
    /// Text of its definition.
    pub(crate) definition: String,
    pub(crate) context: ExecutionContext,
    pub(crate) seed: Seed,
    /// Times and inputs after the start, as stored.
    records: Vec<(i64, String)>,
    /// Position of the next record.
    pub(crate) next_position: i64,
}

impl Recording {
    /// Inputs after the start, each with its time.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = Result<(Input, Timestamp), AwsError>> {
        self.records.iter().map(|(at, input)| {
            let input = serde_json::from_str(input).map_err(|e| unreadable(self.execution, &e))?;
            Ok((input, moment(*at)?))
        })
    }
}

/// Records that are read in one query.
const PIECE: usize = 512;

impl Database {
    /// Appends a record. It is on disk when this returns.
    pub(crate) async fn record(&self, execution: i64, record: Arc<Record>) -> Result<(), AwsError> {
        self.run(move |db| {
            let transaction = db.transaction()?;
            write(&transaction, execution, &record)?;
            transaction.commit()
        })
        .await
    }

    /// Reads an execution's journal. Nothing may be appended to it at the same time. It is read in parts, so that other
    /// queries can run in between, and is not parsed on the database's thread.
    ///
    /// # Errors
    /// The execution is unknown, or its data cannot be read.
    pub(crate) async fn recording(&self, execution: i64) -> Result<Recording, AwsError> {
        let (definition, context, seed) = self.worker.run(move |db| begin(db, execution)).await??;
        let (mut records, mut next_position) = (Vec::new(), 0);
        loop {
            let piece = self.run(move |db| piece(db, execution, next_position)).await?;
            let Some(last) = piece.last() else { break };
            next_position = last.0 + 1;
            records.extend(piece.into_iter().map(|(_, moment, input)| (moment, input)));
        }
        Ok(Recording { execution, definition, context, seed, records, next_position })
    }

    /// The execution that created a task token.
    pub(crate) async fn execution_of_token(&self, token: &str) -> Result<Option<i64>, AwsError> {
        let token = token.to_owned();
        self.run(move |db| {
            db.prepare_cached("SELECT execution_id FROM token WHERE token = ?1")?
                .query_row([token], |row| row.get(0))
                .optional()
        })
        .await
    }
}

fn write(db: &Connection, execution: i64, record: &Record) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO journal (execution_id, position, moment, input) VALUES (?1, ?2, ?3, ?4)")?
        .execute((execution, record.position, record.moment, &record.input))?;
    let mut tokens = db.prepare_cached("INSERT INTO token (token, execution_id) VALUES (?1, ?2)")?;
    for token in &record.tokens {
        tokens.execute((token, execution))?;
    }
    let Some(ending) = &record.ending else { return Ok(()) };
    db.prepare_cached(
        "UPDATE execution SET status = ?2, stopped = ?3, output = ?4, error = ?5, cause = ?6 WHERE id = ?1",
    )?
    .execute((
        execution,
        ending.status.as_str(),
        ending.stopped,
        &ending.output,
        &ending.error,
        &ending.cause,
    ))?;
    let mut events = db.prepare_cached("INSERT INTO event (execution_id, id, event) VALUES (?1, ?2, ?3)")?;
    for (event, id) in ending.events.iter().zip(1_i64..) {
        events.execute((execution, id, event))?;
    }
    // The journal of an execution that has ended is not needed.
    db.prepare_cached("DELETE FROM journal WHERE execution_id = ?1")?.execute([execution])?;
    Ok(())
}

fn begin(db: &Connection, id: i64) -> Result<(String, ExecutionContext, Seed), AwsError> {
    let (definition, context, seed) = db
        .prepare_cached(
            "SELECT text, arn, name, role_arn, input, started, machine_arn, machine_name, seed FROM execution
             JOIN definition ON definition.id = definition_id WHERE execution.id = ?1",
        )?
        .query_row([id], |row| {
            let context = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(6)?, row.get(7)?);
            let (input, started): (String, i64) = (row.get(4)?, row.get(5)?);
            Ok((row.get(0)?, (context, input, started), row.get::<_, [u8; 32]>(8)?))
        })?;
    let ((execution_arn, execution_name, role_arn, state_machine_arn, state_machine_name), input, started) =
        context;
    let context = ExecutionContext {
        execution_arn,
        execution_name,
        role_arn,
        start_time: moment(started)?,
        input: serde_json::from_str(&input).map_err(|e| unreadable(id, &e))?,
        state_machine_arn,
        state_machine_name,
    };
    Ok((definition, context, Seed::from_bytes(seed)))
}

/// Records from a position on: position, moment and input.
fn piece(db: &Connection, id: i64, from: i64) -> rusqlite::Result<Vec<(i64, i64, String)>> {
    db.prepare_cached(
        "SELECT position, moment, input FROM journal WHERE execution_id = ?1 AND position >= ?2
         ORDER BY position LIMIT ?3",
    )?
    .query_map((id, from, PIECE), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
    .collect()
}

fn moment(ms: i64) -> Result<Timestamp, AwsError> {
    Timestamp::from_millisecond(ms).map_err(AwsError::internal)
}

fn unreadable(id: i64, reason: &dyn std::fmt::Display) -> AwsError {
    AwsError::internal(format_args!("the record of execution {id} cannot be read: {reason}"))
}
