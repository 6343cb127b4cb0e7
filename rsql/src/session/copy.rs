//! COPY … FROM STDIN with its data in the script, and Redshift's COPY and UNLOAD against a directory.

use std::io::{self, Write};

use super::execute::Failure;
use super::{QueryTarget, Session, Source};
use crate::connection::{Connection, Event, ServerError, WireError};
use crate::dialect::{CopyFrom, Known, Outcome, Reject, Target, Unload, UnloadColumn};

impl Session {
    /// Feeds the lines of the script up to `\.` to the server.
    pub(super) fn copy_in(
        &mut self,
        connection: &mut Connection,
        source: &mut Source,
    ) -> Result<(), WireError> {
        loop {
            match source.next_line().map_err(WireError::Io)? {
                None => break,
                Some(line) if line.trim_end_matches('\r') == "\\." => break,
                Some(mut line) => {
                    line.push('\n');
                    connection.copy_data(line.as_bytes())?;
                }
            }
        }
        if let Some(place) = self.places.last_mut() {
            place.line = source.line();
        }
        connection.copy_end(None)
    }

    /// Redshift's COPY: the files under `--s3-root` go to the server as COPY … FROM STDIN.
    pub(super) fn copy_from(&mut self, copy: &CopyFrom) -> Result<(), Failure> {
        let refused = |text: String| Failure::Server(Box::new(ServerError::client("0A000", text)));
        let table = self.table(&copy.probe()).map_err(Failure::Server)?;
        let targets = copy.targets(&table.rows).map_err(|e| refused(e.to_string()))?;
        let guard = self.guard(copy)?;
        let mut known = Known::default();
        let (rows, outcome) = loop {
            let (result, outcome) = self.attempt(copy, &targets, &known)?;
            match result {
                Ok(rows) => break (Ok(rows), outcome),
                Err(error) if outcome.stopped => break (Err(error), outcome),
                Err(error) => {
                    let Some((record, column, reject)) = refused_record(&error, &targets, &known) else {
                        break (Err(error), outcome);
                    };
                    let date = matches!(error.code.as_str(), "22007" | "22008");
                    match column {
                        Some(column)
                            if date && copy.forgives_dates() && !known.nulls.contains(&(record, column)) =>
                        {
                            known.nulls.insert((record, column));
                        }
                        _ => {
                            known.rejects.insert(record, reject);
                            let failed = outcome.failed + 1;
                            if failed >= copy.most {
                                // Once more without a server, to see where the record stands.
                                break (Err(error), self.checked(copy, &targets, &known)?);
                            }
                        }
                    }
                    guard.rollback(self)?;
                }
            }
        };
        let loaded = rows.as_ref().is_ok_and(|_| !copy.no_load);
        guard.end(self, loaded)?;
        self.account(copy, rows, &outcome)
    }

    /// Reads the files and sends nothing.
    fn checked(&mut self, copy: &CopyFrom, targets: &[Target], known: &Known) -> Result<Outcome, Failure> {
        copy.feed(targets, known, &mut |_| Ok(())).map_err(|e| Failure::Server(file_error(&e)))
    }

    /// Sends the files' rows once. The server's rows, or its error, or that there were too many errors.
    fn attempt(
        &mut self,
        copy: &CopyFrom,
        targets: &[Target],
        known: &Known,
    ) -> Result<(Result<u64, Box<ServerError>>, Outcome), Failure> {
        let Some(mut connection) = self.connection.take() else { return Err(not_connected()) };
        self.canceller.set(connection.cancel_key());
        let outcome = self.copy_files(&mut connection, copy, targets, known);
        if !matches!(outcome, Err(Failure::Lost(_) | Failure::Output(_))) {
            self.connection = Some(connection);
        }
        outcome
    }

    fn copy_files(
        &mut self,
        connection: &mut Connection,
        copy: &CopyFrom,
        targets: &[Target],
        known: &Known,
    ) -> Result<(Result<u64, Box<ServerError>>, Outcome), Failure> {
        connection.start_query(&copy.statement(targets))?;
        let mut failure = None;
        let mut outcome = Outcome::default();
        let mut rows = 0;
        loop {
            match connection.next_event()? {
                Event::CopyIn => {
                    let mut send = |data: &[u8]| connection.copy_data(data).map_err(io::Error::other);
                    match copy.feed(targets, known, &mut send) {
                        Ok(fed) if fed.stopped => {
                            failure = Some(load_failed(copy, &fed));
                            outcome = fed;
                            connection.copy_end(Some("the load has too many errors"))?;
                        }
                        Ok(fed) => {
                            outcome = fed;
                            connection.copy_end(None)?;
                        }
                        Err(e) => {
                            failure = Some(file_error(&e));
                            // The load ends with it, whatever MAXERROR says.
                            outcome.stopped = true;
                            connection.copy_end(Some(&e.to_string()))?;
                        }
                    }
                }
                Event::Complete(tag) => {
                    rows = tag.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
                }
                Event::Error(error) => failure = failure.or(Some(error)),
                Event::Notice(notice) => self.complain(&notice.report(None, false))?,
                Event::Ready => break,
                _ => {}
            }
        }
        Ok((failure.map_or(Ok(rows), Err), outcome))
    }

    /// Says and keeps what came of a COPY.
    fn account(
        &mut self,
        copy: &CopyFrom,
        rows: Result<u64, Box<ServerError>>,
        outcome: &Outcome,
    ) -> Result<(), Failure> {
        let id = self.log_load(copy, outcome)?;
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => {
                self.system.copied(id, 0);
                let error = if outcome.failed > 0 { load_failed(copy, outcome) } else { error };
                return Err(Failure::Server(error));
            }
        };
        let rows = if copy.no_load { 0 } else { rows };
        self.system.copied(id, rows);
        let table = &copy.table;
        if outcome.failed > 0 {
            self.complain(&format!(
                "WARNING: Load into table '{table}' completed, {} record(s) could not be loaded.  \
                 Check 'stl_load_errors' system table for details.",
                outcome.failed
            ))?;
        }
        if outcome.replaced > 0 {
            self.complain(&format!(
                "WARNING: Load into table '{table}' completed, {} record(s) were loaded with replacements made for \
                 ACCEPTINVCHARS.  Check 'stl_replacements' system table for details.",
                outcome.replaced
            ))?;
        }
        self.done(&format!("COPY {rows}"), &QueryTarget::Print, rows, false).map_err(Failure::from)
    }

    /// What makes a COPY repeatable, or NOLOAD's without effect.
    fn guard(&mut self, copy: &CopyFrom) -> Result<Guard, Failure> {
        let in_transaction = self.connection.as_ref().is_some_and(|c| c.transaction_status() == b'T');
        let guard = match (in_transaction, copy.no_load || copy.forgives()) {
            (_, false) => Guard::None,
            (true, true) => Guard::Savepoint,
            (false, true) => Guard::Transaction,
        };
        guard.begin(self)?;
        Ok(guard)
    }

    /// Redshift's UNLOAD: what COPY … TO STDOUT sends goes to files under `--s3-root`.
    pub(super) fn unload(&mut self, unload: &Unload) -> Result<(), Failure> {
        for option in &unload.ignored {
            self.warn_once(&format!("UNLOAD … {option} has no effect on files under --s3-root"))?;
        }
        let mut columns = Vec::new();
        if unload.needs_columns() {
            let described = self.table(&unload.probe).map_err(Failure::Server)?.columns;
            columns = described
                .into_iter()
                .map(|c| UnloadColumn { name: c.name, type_oid: c.type_oid, type_modifier: c.type_modifier })
                .collect();
        }
        let Some(mut connection) = self.connection.take() else { return Err(not_connected()) };
        self.canceller.set(connection.cancel_key());
        let outcome = self.unload_files(&mut connection, unload, columns);
        if !matches!(outcome, Err(Failure::Lost(_) | Failure::Output(_))) {
            self.connection = Some(connection);
        }
        let rows = outcome?;
        self.system.unloaded(rows);
        self.done(&format!("UNLOAD {rows}"), &QueryTarget::Print, rows, false).map_err(Failure::from)
    }

    fn unload_files(
        &mut self,
        connection: &mut Connection,
        unload: &Unload,
        columns: Vec<UnloadColumn>,
    ) -> Result<u64, Failure> {
        connection.start_query(&unload.statement)?;
        let mut columns = Some(columns);
        let mut failure = None;
        let mut rows = 0;
        let mut writer = None;
        loop {
            match connection.next_event()? {
                Event::CopyOut => match unload.open(columns.take().unwrap_or_default()) {
                    Ok(files) => writer = Some(files),
                    Err(e) => failure = Some(file_error(&e)),
                },
                Event::CopyData(data) => {
                    if let Some(mut files) = writer.take() {
                        match files.write_all(&data) {
                            Ok(()) => writer = Some(files),
                            Err(e) => {
                                failure = failure.or(Some(unload_error(&e)));
                                let _ = files.finish(false);
                            }
                        }
                    }
                }
                Event::Complete(tag) => {
                    rows = tag.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
                }
                Event::Error(error) => failure = failure.or(Some(error)),
                Event::Notice(notice) => self.complain(&notice.report(None, false))?,
                Event::Ready => break,
                _ => {}
            }
        }
        if let Some(files) = writer {
            let finished = files.finish(failure.is_none());
            failure = failure.or_else(|| finished.err().map(|e| unload_error(&e)));
        }
        failure.map_or(Ok(rows), |error| Err(Failure::Server(error)))
    }
}

/// How a COPY that may be repeated is undone.
#[derive(Clone, Copy)]
enum Guard {
    None,
    Savepoint,
    Transaction,
}

impl Guard {
    fn say(self, session: &mut Session, savepoint: &str, transaction: &str) -> Result<(), Failure> {
        let sql = match self {
            Self::None => return Ok(()),
            Self::Savepoint => savepoint,
            Self::Transaction => transaction,
        };
        session.table(sql).map(drop).map_err(Failure::Server)
    }

    fn begin(self, session: &mut Session) -> Result<(), Failure> {
        self.say(session, "SAVEPOINT rsql_copy", "BEGIN; SAVEPOINT rsql_copy")
    }

    fn rollback(self, session: &mut Session) -> Result<(), Failure> {
        self.say(session, "ROLLBACK TO SAVEPOINT rsql_copy", "ROLLBACK TO SAVEPOINT rsql_copy")
    }

    /// A load that failed aborts the transaction that it is in, as any statement does.
    fn end(self, session: &mut Session, keep: bool) -> Result<(), Failure> {
        let aborted = session.connection.as_ref().is_some_and(|c| c.transaction_status() == b'E');
        match (keep, aborted) {
            (true, _) => self.say(session, "RELEASE SAVEPOINT rsql_copy", "COMMIT"),
            (false, true) => self.say(session, "SELECT 1", "ROLLBACK").or(Ok(())),
            (false, false) => {
                self.say(session, "ROLLBACK TO SAVEPOINT rsql_copy; RELEASE SAVEPOINT rsql_copy", "ROLLBACK")
            }
        }
    }
}

/// The record that the server refused, counted as [`Known`] counts, its column, and the refusal; `None` if the error is
/// not of one record's data.
fn refused_record(
    error: &ServerError,
    targets: &[Target],
    known: &Known,
) -> Option<(u64, Option<usize>, Box<Reject>)> {
    let data = error.code.starts_with("22") || matches!(error.code.as_str(), "23502" | "23514");
    let context = error.context.as_deref().filter(|_| data)?;
    let behind = context.split(", line ").nth(1)?;
    let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
    let sent: u64 = digits.parse().ok()?;
    // The server has not seen the records that are known.
    let mut record = sent;
    for refused in known.rejects.keys() {
        if *refused <= record {
            record += 1;
        }
    }
    let named = behind.split(", column ").nth(1).map(|c| c.split(':').next().unwrap_or(c).trim());
    let column = targets.iter().position(|t| Some(t.name.as_str()) == named);
    let code = match error.code.as_str() {
        "22007" | "22008" => 1206,
        "22001" | "22003" => 1204,
        "22021" => 1220,
        "23502" => 1213,
        _ => 1216,
    };
    let value = context.split_once(": \"").map_or("", |(_, v)| v.trim_end_matches('"'));
    let reject = Reject::of_server(column.and_then(|i| targets.get(i)), value, code, &error.message);
    Some((record, column, reject))
}

fn load_failed(copy: &CopyFrom, outcome: &Outcome) -> Box<ServerError> {
    let message = format!(
        "Load into table '{}' failed.  Check 'stl_load_errors' system table for details.",
        copy.table
    );
    let mut error = ServerError::client("XX000", message);
    error.detail = outcome.errors.first().map(|first| {
        let column = match first.reject.column.as_str() {
            "" => String::new(),
            name => format!(" column \"{name}\":"),
        };
        format!("{} line {}:{column} {}", first.file, first.line, first.reject.reason)
    });
    Box::new(error)
}

fn file_error(error: &io::Error) -> Box<ServerError> {
    Box::new(ServerError::client("XX000", error.to_string()))
}

fn unload_error(error: &io::Error) -> Box<ServerError> {
    let code = if error.kind() == io::ErrorKind::StorageFull { "53100" } else { "XX000" };
    Box::new(ServerError::client(code, error.to_string()))
}

fn not_connected() -> Failure {
    let message = "You are currently not connected to a database.";
    Failure::Server(Box::new(ServerError::client("08003", message)))
}
