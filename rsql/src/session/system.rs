//! The schema `redshift` with Redshift's system tables: made when a statement asks for it, and filled by COPY.

use super::Session;
use super::execute::Failure;
use crate::connection::{Connection, Event, ServerError, WireError};
use crate::dialect::{CopyFrom, Outcome, SYSTEM_SQL, SYSTEM_VERSION};
use crate::lexer::quote::literal;

/// What the session's own functions (`pg_last_copy_id` and its kind) say.
#[derive(Debug, Default)]
pub(crate) struct SystemState {
    copy: Option<(Option<i64>, u64)>,
    unload: Option<u64>,
}

impl SystemState {
    /// A COPY has ended; the number of its load errors' query, if there were some.
    pub(super) fn copied(&mut self, id: Option<i64>, rows: u64) {
        self.copy = Some((id, rows));
    }

    /// An UNLOAD has ended.
    pub(super) fn unloaded(&mut self, rows: u64) {
        self.unload = Some(rows);
    }
}

/// Makes the schema, unless it is there already. Two sessions may do so at once.
const PREPARE: &str = "DO $rsql$ DECLARE path text; BEGIN
    IF pg_catalog.obj_description(pg_catalog.to_regclass('redshift.stl_load_errors'), 'pg_class')
        IS DISTINCT FROM 'VERSION' THEN
        PERFORM pg_catalog.pg_advisory_xact_lock(7213457213);
        -- The definitions must not find functions or operators of somebody else.
        path := pg_catalog.current_setting('search_path');
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
        EXECUTE $sql$DEFINITIONS$sql$;
        PERFORM pg_catalog.set_config('search_path', path, true);
        COMMENT ON VIEW redshift.stl_load_errors IS 'VERSION';
    END IF;
END $rsql$";

fn prepare() -> String {
    PREPARE.replace("VERSION", SYSTEM_VERSION).replace("DEFINITIONS", SYSTEM_SQL)
}

impl Session {
    /// Makes the schema and tells it of the session's last COPY and UNLOAD.
    ///
    /// # Errors
    /// If the user may not make it.
    pub(super) fn prepare_system_views(&mut self) -> Result<(), Box<ServerError>> {
        // NOTICEs of what exists already say nothing.
        let made = self.table(&prepare());
        made.map_err(|error| {
            let mut refused = ServerError::client(
                "0A000",
                "the schema \"redshift\" with Redshift's system tables cannot be made",
            );
            refused.detail = Some(error.message.clone());
            refused.hint = Some("grant CREATE on the database, or let its owner run the script once".into());
            Box::new(refused)
        })?;
        let mut settings = Vec::new();
        if let Some((id, rows)) = &mut self.system.copy {
            let number = id.map_or_else(|| "nextval('redshift.query_ids')".to_owned(), |id| id.to_string());
            settings.push(format!("set_config('redshift.last_copy_id', ({number})::text, false)"));
            settings.push(format!("set_config('redshift.last_copy_count', '{rows}', false)"));
        }
        if let Some(rows) = &self.system.unload {
            settings.push(
                "set_config('redshift.last_unload_id', nextval('redshift.query_ids')::text, false)".into(),
            );
            settings.push(format!("set_config('redshift.last_unload_count', '{rows}', false)"));
        }
        if !settings.is_empty() {
            self.table(&format!("SELECT {}", settings.join(", ")))?;
            self.system = SystemState::default();
        }
        Ok(())
    }

    /// Keeps what a COPY did not load in the system tables; the number of its query. A connection of its own does so:
    /// the errors stay when the transaction is rolled back.
    pub(super) fn log_load(&mut self, copy: &CopyFrom, outcome: &Outcome) -> Result<Option<i64>, Failure> {
        if outcome.errors.is_empty() && outcome.replacements.is_empty() {
            return Ok(None);
        }
        let Some(target) = self.connection.as_ref().map(|c| c.target().clone()) else { return Ok(None) };
        let written = Connection::open(&target).map_err(|e| e.to_string()).and_then(|mut connection| {
            let written = write_log(&mut connection, copy, outcome);
            connection.close();
            written
        });
        match written {
            Ok(id) => Ok(Some(id)),
            Err(reason) => {
                self.complain(&format!("WARNING: stl_load_errors could not be written: {reason}"))?;
                Ok(None)
            }
        }
    }
}

fn write_log(connection: &mut Connection, copy: &CopyFrom, outcome: &Outcome) -> Result<i64, String> {
    ask(connection, &prepare())?;
    // A temporary table is not seen from here, and has no number then.
    let head = format!(
        "SELECT nextval('redshift.query_ids'), (SELECT usesysid FROM pg_catalog.pg_user WHERE usename = current_user), \
         coalesce(pg_catalog.to_regclass({})::oid::bigint, 0), pg_catalog.pg_backend_pid()",
        literal(&copy.table)
    );
    let row = ask(connection, &head)?;
    let number = |index: usize| row.get(index).and_then(|v| v.parse::<i64>().ok()).unwrap_or(0);
    let (id, user, table, session) = (number(0), number(1), number(2), number(3));
    const AT_ONCE: usize = 500;
    let now = "pg_catalog.now()::timestamp";
    for errors in outcome.errors.chunks(AT_ONCE) {
        let rows: Vec<String> = errors
            .iter()
            .map(|e| {
                let r = &e.reject;
                format!(
                    "({user}, 0, {table}, {now}, {session}, {id}, {}, {}, {}, {}, {}, 0, {}, {}, {}, {}, 0, {}, -1)",
                    literal(&e.file),
                    e.line,
                    literal(&r.column),
                    literal(&r.type_name),
                    literal(&r.length),
                    literal(&e.raw),
                    literal(&r.value),
                    r.code,
                    literal(&r.reason),
                    e.offset
                )
            })
            .collect();
        ask(connection, &format!("INSERT INTO redshift.load_errors VALUES {}", rows.join(", ")))?;
    }
    if !outcome.replacements.is_empty() {
        let rows: Vec<String> = outcome
            .replacements
            .iter()
            .map(|r| {
                format!(
                    "({user}, {id}, 0, 0, {now}, {session}, {}, {}, {}, {})",
                    literal(&r.file),
                    r.line,
                    literal(&r.column),
                    literal(&r.raw)
                )
            })
            .collect();
        ask(connection, &format!("INSERT INTO redshift.replacements VALUES {}", rows.join(", ")))?;
    }
    Ok(id)
}

/// Runs a statement; the last row's values.
fn ask(connection: &mut Connection, sql: &str) -> Result<Vec<String>, String> {
    let lost = |e: WireError| e.to_string();
    connection.start_query(sql).map_err(lost)?;
    let mut found = Vec::new();
    let mut failed = None;
    loop {
        match connection.next_event().map_err(lost)? {
            Event::Row(body) => {
                let mut cells = Vec::new();
                super::execute::ranges(&body, &mut cells).map_err(|e| e.to_string())?;
                let row = crate::output::Row { data: body.buffer(), cells: &cells };
                found = (0..cells.len()).map(|i| row.text(i).unwrap_or_default()).collect();
            }
            Event::Error(error) => failed = Some(error.message.clone()),
            Event::Ready => break,
            _ => {}
        }
    }
    failed.map_or(Ok(found), Err)
}
