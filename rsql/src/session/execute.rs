//! Running a statement: sending it, its results, its error, and the variables that tell of it.

use std::io::{self, Write};
use std::ops::Range;
use std::time::Instant;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::DataRowBody;

use super::dialect::{compacted, name_construct, super_columns};
use super::{Echo, Halt, Session, Sink, Source};
use crate::connection::{Column, Event, ServerError, WireError};
use crate::dialect::{self, Step};
use crate::lexer::token::tokens;
use crate::output::{Head, HeadColumn, PrintOptions, Row, TableWriter};

/// What becomes of a result.
#[derive(Debug, Clone, Default)]
pub(crate) enum QueryTarget {
    /// It is printed.
    #[default]
    Print,
    /// It is printed to a file or pipe, with these options.
    PrintTo(Option<String>, Box<PrintOptions>),
    /// Its only row becomes variables with this prefix.
    Gset(String),
}

/// Whether a type's values go to the right: int8, int2, int4, oid, xid, cid, float4, float8, money,
/// numeric, xid8. <https://www.postgresql.org/docs/current/catalog-pg-type.html>
fn goes_right(type_oid: u32) -> bool {
    matches!(type_oid, 20 | 21 | 23 | 26 | 28 | 29 | 700 | 701 | 790 | 1700 | 5069)
}

/// The head of a result.
pub(crate) fn head_of(columns: &[Column]) -> Head {
    let column = |c: &Column| HeadColumn { name: c.name.clone(), right: goes_right(c.type_oid) };
    Head { columns: columns.iter().map(column).collect(), ..Head::default() }
}

/// Where a row's values are.
pub(super) fn ranges(body: &DataRowBody, cells: &mut Vec<Option<Range<usize>>>) -> io::Result<()> {
    cells.clear();
    let mut all = body.ranges();
    while let Some(range) = all.next()? {
        cells.push(range);
    }
    Ok(())
}

/// A statement's failure: the server's word, the connection's end, or the output's.
pub(super) enum Failure {
    Server(Box<ServerError>),
    Lost(WireError),
    Output(io::Error),
}

impl From<WireError> for Failure {
    fn from(e: WireError) -> Self {
        Self::Lost(e)
    }
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        Self::Output(e)
    }
}

/// Where the rows of the current result go.
enum Rows {
    None,
    Print(Box<TableWriter>),
    Gset { columns: Vec<Column>, rows: Vec<Vec<Option<String>>>, count: u64 },
}

/// Passes over the rows of a COPY … FROM STDIN that is not sent: they are no statements.
fn skip_data(sql: &str, source: &mut Source) -> io::Result<()> {
    if crate::lexer::is_copy_from_stdin(sql) {
        while source.next_line()?.is_some_and(|line| line.trim_end_matches('\r') != "\\.") {}
    }
    Ok(())
}

/// A system table that Redshift documents and that is not here is no mistake of the script.
pub(super) fn named(error: Box<ServerError>) -> Box<ServerError> {
    let relation = error.message.strip_prefix("relation \"").and_then(|m| m.split('"').next());
    match relation.filter(|_| error.code == "42P01").and_then(dialect::missing_system_table) {
        Some(table) => {
            let text = format!("system table {} is not available on PostgreSQL", table.to_uppercase());
            Box::new(ServerError { position: error.position, ..ServerError::client("0A000", text) })
        }
        None => error,
    }
}

impl Session {
    /// Runs a statement; true if it succeeded.
    ///
    /// # Errors
    /// If the script ends by it.
    pub(crate) fn send(
        &mut self,
        sql: &str,
        source: &mut Source,
        target: &QueryTarget,
    ) -> Result<bool, Halt> {
        let sql = sql.trim_start();
        sql.clone_into(&mut self.previous);
        if self.echo() == Echo::Queries {
            self.say(sql)?;
        }
        if sql.contains('\0') {
            let error = ServerError::client("22021", "the statement contains the character NUL (0x00)");
            return self.failed(Box::new(error), sql, sql);
        }
        if self.translates() {
            for only in dialect::postgres_only(&tokens(sql, false)) {
                let text = format!("{} is not supported by Amazon Redshift", only.construct);
                if self.settings.strict {
                    skip_data(sql, source)?;
                    return self.failed(Box::new(ServerError::client("0A000", text)), sql, sql);
                }
                self.warn_once(&text)?;
            }
        }
        if self.translates() {
            let open = self.connection.as_ref().is_some_and(|c| c.transaction_status() == b'T');
            for note in dialect::notes(&tokens(sql, false), open) {
                self.warn_once(note.text)?;
            }
        }
        let steps = if self.translates() {
            if !self.settings.dry_run {
                self.open_dialect()?;
            }
            match self.translate(sql) {
                Ok((steps, unknown_quotient)) => {
                    if unknown_quotient {
                        self.warn_once(dialect::QUOTIENT)?;
                    }
                    steps
                }
                Err(error) => {
                    let error = ServerError::client("0A000", error.to_string());
                    return self.failed(Box::new(error), sql, sql);
                }
            }
        } else {
            vec![Step::Sql(sql.to_owned())]
        };
        if self.settings.dry_run {
            return self.pretend(&steps, source);
        }
        if let Err(error) = self.prepare_for(&steps) {
            return self.failed(error, sql, sql);
        }
        self.send_steps(sql, &steps, source, target)
    }

    /// Makes the system tables, if these steps ask for them.
    ///
    /// # Errors
    /// If they cannot be made.
    pub(super) fn prepare_for(&mut self, steps: &[Step]) -> Result<(), Box<ServerError>> {
        let system = steps.iter().any(|step| match step {
            Step::Sql(sent) => dialect::needs_system_views(sent),
            Step::Unload(unload) => dialect::needs_system_views(&unload.statement),
            _ => false,
        });
        if system && self.translates() { self.prepare_system_views() } else { Ok(()) }
    }

    /// Runs what a statement became.
    ///
    /// # Errors
    /// If the script ends by it.
    pub(crate) fn send_steps(
        &mut self,
        sql: &str,
        steps: &[Step],
        source: &mut Source,
        target: &QueryTarget,
    ) -> Result<bool, Halt> {
        let begun = Instant::now();
        let autocommit_off = !self.variables.is_on("AUTOCOMMIT");
        for step in steps {
            if autocommit_off && let Err(error) = self.begin_if_idle(sql) {
                return self.failed(error, sql, sql);
            }
            let outcome = match step {
                Step::Sql(sent) => self.run(sent, source, target).map_err(|f| (f, sent.as_str())),
                Step::Done(tag) => self.done(tag, target, 0, false).map_err(|e| (e.into(), sql)),
                Step::CopyFrom(copy) => self.copy_from(copy).map_err(|f| (f, sql)),
                Step::Unload(unload) => self.unload(unload).map_err(|f| (f, sql)),
            };
            self.canceller.set(None);
            match outcome {
                Ok(()) => {}
                Err((Failure::Server(error), sent)) => {
                    let error = if self.translates() { named(error) } else { error };
                    return self.failed(error, sql, sent);
                }
                Err((Failure::Lost(error), _)) => return self.lost(&error),
                Err((Failure::Output(error), _)) => return Err(Halt::Output(error)),
            }
            if let Some(code) = self.signalled() {
                return Err(Halt::Exit(code));
            }
        }
        if self.settings.timing {
            let elapsed = begun.elapsed().as_secs_f64() * 1000.0;
            self.say(&format!("Time: {elapsed:.3} ms"))?;
        }
        Ok(self.variables.get("ERROR") == Some("false"))
    }

    /// `--dry-run`: says what would be sent.
    fn pretend(&mut self, steps: &[Step], source: &mut Source) -> Result<bool, Halt> {
        for step in steps {
            self.say(&step.to_string())?;
            if let Step::Sql(sql) = step {
                skip_data(sql, source)?;
            }
        }
        self.succeeded(0, 0);
        Ok(true)
    }

    fn begin_if_idle(&mut self, sql: &str) -> Result<(), Box<ServerError>> {
        let idle = self.connection.as_ref().is_some_and(|c| c.transaction_status() == b'I');
        let first = crate::lexer::token::first_word(sql).to_ascii_lowercase();
        let own = ["begin", "start", "commit", "end", "rollback", "abort", "vacuum", "prepare"];
        if idle && !own.contains(&first.as_str()) {
            self.table("BEGIN")?;
        }
        Ok(())
    }

    /// Sends one text and takes what comes back.
    fn run(&mut self, sql: &str, source: &mut Source, target: &QueryTarget) -> Result<(), Failure> {
        let Some(mut connection) = self.connection.take() else {
            let message = "You are currently not connected to a database.";
            return Err(Failure::Server(Box::new(ServerError::client("08003", message))));
        };
        // Whoever follows the output must see what was said before a long statement.
        if let Err(e) = self.console.flush() {
            self.connection = Some(connection);
            return Err(e.into());
        }
        self.canceller.set(connection.cancel_key());
        let outcome = connection.start_query(sql).map_err(Failure::from);
        let outcome = outcome.and_then(|()| self.results(&mut connection, source, target));
        if !matches!(outcome, Err(Failure::Lost(_) | Failure::Output(_))) {
            self.connection = Some(connection);
        }
        outcome
    }

    fn results(
        &mut self,
        connection: &mut crate::connection::Connection,
        source: &mut Source,
        target: &QueryTarget,
    ) -> Result<(), Failure> {
        let mut rows = Rows::None;
        let mut cells = Vec::new();
        let translates = self.settings.dialect.unwrap_or(true) && connection.dialect;
        let mut supers = Vec::new();
        let mut failure = None;
        let mut one_shot = match target {
            QueryTarget::PrintTo(Some(file), _) => match Sink::open(file) {
                Ok(sink) => Some(sink),
                Err(e) => {
                    failure = Some(Box::new(ServerError::client("58030", format!("{file}: {e}"))));
                    None
                }
            },
            _ => None,
        };
        let mut copied_out = false;
        loop {
            match connection.next_event()? {
                Event::Columns(columns) => {
                    supers = if translates { super_columns(&columns) } else { Vec::new() };
                    rows = self.begin_rows(columns, target);
                }
                Event::Row(body) => {
                    ranges(&body, &mut cells).map_err(WireError::Io)?;
                    let compact;
                    let mut data: &[u8] = body.buffer();
                    if !supers.is_empty() {
                        compact = compacted(data, &mut cells, &supers);
                        data = &compact;
                    }
                    let row = Row { data, cells: &cells };
                    match &mut rows {
                        Rows::Print(table) => {
                            let out = self.result_out(one_shot.as_mut());
                            table.row(row, out)?;
                        }
                        Rows::Gset { rows, count, .. } => {
                            *count += 1;
                            // Two are enough to know that there are too many.
                            if rows.len() < 2 {
                                rows.push((0..cells.len()).map(|i| row.text(i)).collect());
                            }
                        }
                        Rows::None => {}
                    }
                }
                Event::Complete(tag) => match std::mem::replace(&mut rows, Rows::None) {
                    Rows::Print(table) => {
                        let exported = self.export.is_some() && one_shot.is_none();
                        let count = table.rows();
                        table.finish(self.result_out(one_shot.as_mut()))?;
                        if exported {
                            self.say(&format!("(exported {count} rows)"))?;
                        }
                        self.done(&tag, target, count, true)?;
                    }
                    Rows::Gset { columns, rows, count } => {
                        self.done(&tag, target, count, true)?;
                        if let QueryTarget::Gset(prefix) = target
                            && let Err(message) = self.gset(prefix, &columns, &rows)
                        {
                            failure = Some(Box::new(ServerError::client("P0002", message)));
                        }
                    }
                    // The tag would stand among the data.
                    Rows::None if copied_out && one_shot.is_none() => self.counted(&tag, 0),
                    Rows::None => self.done(&tag, target, 0, false)?,
                },
                Event::Empty => self.succeeded(0, 0),
                Event::CopyIn => self.copy_in(connection, source)?,
                Event::CopyOut => copied_out = true,
                Event::CopyData(data) => self.result_out(one_shot.as_mut()).write_all(&data)?,
                Event::Notice(notice) => {
                    let text = notice.report(None, false);
                    self.complain(&text)?;
                }
                Event::Error(error) => {
                    rows = Rows::None;
                    failure = Some(error);
                }
                Event::Ready => break,
            }
        }
        if let Some(sink) = one_shot {
            sink.close()?;
        }
        failure.map_or(Ok(()), |error| Err(Failure::Server(error)))
    }

    fn begin_rows(&mut self, columns: Vec<Column>, target: &QueryTarget) -> Rows {
        match target {
            QueryTarget::Gset(_) => Rows::Gset { columns, rows: Vec::new(), count: 0 },
            QueryTarget::PrintTo(_, options) => {
                Rows::Print(Box::new(TableWriter::new(head_of(&columns), options)))
            }
            QueryTarget::Print => {
                let mut options = self.effective_print().clone();
                options.report.exporting = self.export.is_some();
                Rows::Print(Box::new(TableWriter::new(head_of(&columns), &options)))
            }
        }
    }

    fn result_out<'a>(&'a mut self, one_shot: Option<&'a mut Sink>) -> &'a mut Sink {
        match (one_shot, &mut self.export) {
            (Some(sink), _) | (None, Some(sink)) => sink,
            (None, None) => self.redirect.as_mut().unwrap_or(&mut self.console),
        }
    }

    /// A statement ended well: its tag is shown and counted.
    pub(super) fn done(&mut self, tag: &str, _: &QueryTarget, rows: u64, with_rows: bool) -> io::Result<()> {
        let word = tag.split(' ').next().unwrap_or("");
        let changes = matches!(word, "INSERT" | "UPDATE" | "DELETE");
        if !self.quiet() && (!with_rows || changes) && !tag.is_empty() {
            let html = self.effective_print().format == crate::output::Format::Html;
            let text = if html { format!("<p>{tag}</p>\n") } else { format!("{tag}\n") };
            self.out().write_all(text.as_bytes())?;
        }
        self.counted(tag, rows);
        Ok(())
    }

    /// ACTIVITYCOUNT counts rows returned as well; ROW_COUNT stays out of SELECT, COPY and UNLOAD.
    fn counted(&mut self, tag: &str, rows: u64) {
        let word = tag.split(' ').next().unwrap_or("");
        let in_tag = tag.rsplit(' ').next().and_then(|n| n.parse::<u64>().ok());
        let activity = in_tag.unwrap_or(rows);
        let unreported = matches!(word, "SELECT" | "COPY" | "UNLOAD" | "SHOW" | "EXPLAIN" | "FETCH");
        self.succeeded(if unreported { 0 } else { activity }, activity);
    }

    fn succeeded(&mut self, row_count: u64, activity: u64) {
        self.variables.put("ERROR", "false");
        self.variables.put("SQLSTATE", "00000");
        self.variables.put("ERRORCODE", "00000");
        self.variables.put("ROW_COUNT", &row_count.to_string());
        self.variables.put("ACTIVITYCOUNT", &activity.to_string());
    }

    fn gset(&mut self, prefix: &str, columns: &[Column], rows: &[Vec<Option<String>>]) -> Result<(), String> {
        let [row] = rows else {
            return Err(if rows.is_empty() {
                "no rows returned for \\gset".into()
            } else {
                "more than one row returned for \\gset".into()
            });
        };
        for (column, value) in columns.iter().zip(row) {
            let name = format!("{prefix}{}", column.name);
            let outcome = match value {
                Some(value) => self.variables.set(&name, value),
                None => self.variables.unset(&name),
            };
            outcome.map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    /// A statement failed: it is reported, the variables tell of it, and the script may end.
    /// `sent` is what the server saw, `sql` what the script says.
    pub(crate) fn failed(
        &mut self,
        mut error: Box<ServerError>,
        sql: &str,
        sent: &str,
    ) -> Result<bool, Halt> {
        if self.translates() {
            name_construct(&mut error);
        }
        if matches!(self.echo(), Echo::Errors) {
            self.complain(&format!("STATEMENT: {sql}"))?;
        }
        let context = self.variables.get("SHOW_CONTEXT") != Some("never");
        let report = match self.variables.get("VERBOSITY") {
            Some("terse") => format!("{error}\n"),
            Some("sqlstate") => format!("{}: {}\n", error.severity, error.code),
            Some("verbose") => error.verbose(),
            _ => error.report(Some(sent), context),
        };
        let place = self.place();
        let place = place.trim();
        // Whoever follows the output, as an agent does for an audit table, needs the code beside the message.
        let tail = if place.is_empty() { String::new() } else { format!(" {place}") };
        self.complain(&format!("{}\n  SQLSTATE {}{tail}", report.trim_end(), error.code))?;
        self.variables.put("ERROR", "true");
        for name in ["SQLSTATE", "ERRORCODE", "LAST_ERROR_SQLSTATE"] {
            self.variables.put(name, &error.code);
        }
        self.variables.put("LAST_ERROR_MESSAGE", &error.message);
        self.variables.put("ROW_COUNT", "0");
        self.variables.put("ACTIVITYCOUNT", "0");
        let severity = self.settings.severity(&error.code);
        let fatal = matches!(error.severity.as_str(), "FATAL" | "PANIC");
        self.last_error = Some(*error);
        if let Some(code) = self.signalled() {
            return Err(Halt::Exit(code));
        }
        if fatal {
            // The server has closed the session.
            self.connection = None;
            return Err(Halt::Exit(2));
        }
        if self.settings.maxerror.is_some_and(|most| severity > most) {
            return Err(Halt::Exit(severity));
        }
        if severity > 0 && self.variables.is_on("ON_ERROR_STOP") {
            return Err(Halt::Exit(3));
        }
        Ok(false)
    }

    fn lost(&mut self, error: &WireError) -> Result<bool, Halt> {
        let cause = std::error::Error::source(error).map(|s| format!(": {s}")).unwrap_or_default();
        self.complain_here(&format!("error: {error}{cause}"))?;
        self.variables.put("ERROR", "true");
        self.variables.put("ERRORCODE", "08006");
        self.variables.put("SQLSTATE", "08006");
        self.connection = None;
        Err(Halt::Exit(self.signalled().unwrap_or(2)))
    }
}
