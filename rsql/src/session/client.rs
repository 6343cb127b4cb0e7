//! A session for other programs: single statements with bound parameters, whose rows are handed over as they arrive.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI32;

use super::dialect::{compacted as compacted_rows, name_construct, super_columns};
use super::execute::{Failure, named, ranges};
use super::parameter::{self, Parameter};
use super::{Session, Settings, Sink};
use crate::connection::{CancelKey, Canceller, Column, ConnectError, Connection, Event, ServerError, Target};
use crate::dialect::{self, Step};
use crate::lexer::quote::literal;
use crate::lexer::token::tokens;

/// Where rows go.
pub trait Rows {
    /// A row; NULL is `None`, everything else is the server's text.
    ///
    /// # Errors
    /// Why no more rows are taken: the statement is cancelled, and fails with this message.
    fn row(&mut self, columns: &[Column], values: &[Option<&[u8]>]) -> Result<(), String>;
}

/// Rows that nobody wants.
impl Rows for () {
    fn row(&mut self, _: &[Column], _: &[Option<&[u8]>]) -> Result<(), String> {
        Ok(())
    }
}

/// How a statement ended.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// The command tag, such as `INSERT 0 3` or `COPY 100`.
    pub tag: String,
    /// The columns of its result, if it has one.
    pub columns: Option<Vec<Column>>,
}

impl Ended {
    /// Rows returned, changed, loaded or unloaded; `None` for a statement that has none.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.tag.rsplit(' ').next()?.parse().ok()
    }
}

/// The column of a table that a result's column shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// Whether the column cannot be NULL.
    pub not_null: bool,
}

/// An open session. What an application sends is in Redshift's SQL; on a server that is not Amazon Redshift it is
/// translated, and COPY and UNLOAD use files of a directory.
pub struct Client {
    session: Session,
    key: Option<CancelKey>,
}

impl Client {
    /// Opens a session. `s3_root` is the directory that stands for S3.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn open(target: &Target, s3_root: Option<PathBuf>) -> Result<Self, ConnectError> {
        let connection = Connection::open(target)?;
        let key = connection.cancel_key();
        let settings = Settings { s3_root, ..Settings::default() };
        let mut session = Session::new(settings, Canceller::default(), Arc::new(AtomicI32::new(0)));
        session.console = Sink::Null;
        session.messages = Some(Vec::new());
        session.variables.put("QUIET", "on");
        session.connection = Some(connection);
        // Now: what makes the schema of the dialect commits, which a transaction of the program must not.
        if session.translates() {
            // Its only error is that of an output, and there is none here.
            let _ = session.open_dialect();
        }
        Ok(Self { session, key })
    }

    /// What another thread needs to cancel the statement that runs here.
    #[must_use]
    pub fn cancel_key(&self) -> Option<&CancelKey> {
        self.key.as_ref()
    }

    /// Notices and warnings since they were last taken.
    pub fn take_messages(&mut self) -> Vec<String> {
        self.session.messages.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Sends a command of the program itself as it is, such as BEGIN.
    ///
    /// # Errors
    /// The server's error, or a lost connection in its form.
    pub fn command(&mut self, sql: &str) -> Result<(), Box<ServerError>> {
        self.session.table(sql).map(drop)
    }

    /// A small result of a question of the program itself, which is not translated.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn ask(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Box<ServerError>> {
        self.session.table(sql).map(|table| table.rows)
    }

    /// Runs one statement. Names that have no value in `parameters` stay as they are.
    ///
    /// # Errors
    /// The server's error, what the translation refuses, or a lost connection, in the form of a server's error. Its
    /// position is that in `sql`, or `None` where the server saw another text.
    pub fn run(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        rows: &mut dyn Rows,
    ) -> Result<Ended, Box<ServerError>> {
        let mut failed = match self.attempt(sql, parameters, rows) {
            Ok(ended) => return Ok(ended),
            Err(error) => error,
        };
        if self.session.translates() {
            name_construct(&mut failed);
            failed = named(failed);
        }
        Err(failed)
    }

    fn attempt(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        rows: &mut dyn Rows,
    ) -> Result<Ended, Box<ServerError>> {
        let session = &mut self.session;
        if sql.contains('\0') {
            let error = ServerError::client("22021", "the statement contains the character NUL (0x00)");
            return Err(Box::new(error));
        }
        let text = match parameters {
            [] => sql.to_owned(),
            parameters => parameter::numbered(sql, parameters)?,
        };
        let steps = if session.translates() {
            let open = session.connection.as_ref().is_some_and(|c| c.transaction_status() == b'T');
            for note in dialect::notes(&tokens(&text, false), open) {
                session.warn_once(note.text).map_err(|e| unexpected(&e))?;
            }
            let (steps, unknown_quotient) = session
                .translate(&text)
                .map_err(|e| Box::new(ServerError::client("0A000", e.to_string())))?;
            if unknown_quotient {
                session.warn_once(dialect::QUOTIENT).map_err(|e| unexpected(&e))?;
            }
            steps
        } else {
            vec![Step::Sql(text)]
        };
        session.prepare_for(&steps)?;
        let mut ended = Ended::default();
        for step in &steps {
            let outcome = match step {
                Step::Sql(sent) => self.send(sent, parameters, rows).map_err(|mut error| {
                    error.position = error.position.filter(|_| sent == sql);
                    error
                }),
                Step::Done(tag) => Ok(Ended { tag: tag.clone(), columns: None }),
                Step::CopyFrom(copy) => self.moved("COPY", |session| session.copy_from(copy)),
                Step::Unload(unload) => self.moved("UNLOAD", |session| session.unload(unload)),
            };
            let this = outcome?;
            // The result of the last step that has one is the statement's.
            if this.columns.is_some() || ended.columns.is_none() {
                ended = this;
            }
        }
        Ok(ended)
    }

    /// COPY and UNLOAD against the directory.
    fn moved(
        &mut self,
        word: &str,
        work: impl FnOnce(&mut Session) -> Result<(), Failure>,
    ) -> Result<Ended, Box<ServerError>> {
        let outcome = work(&mut self.session);
        self.session.canceller.set(None);
        outcome.map_err(|failure| match failure {
            Failure::Server(error) => error,
            Failure::Lost(error) => lost(&error),
            Failure::Output(error) => unexpected(&error),
        })?;
        let count = self.session.variables.get("ACTIVITYCOUNT").unwrap_or("0");
        Ok(Ended { tag: format!("{word} {count}"), columns: None })
    }

    /// Sends a text with its values, and hands over what comes back.
    fn send(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        rows: &mut dyn Rows,
    ) -> Result<Ended, Box<ServerError>> {
        let translates = self.session.translates();
        let Some(connection) = self.session.connection.as_mut() else {
            return Err(Box::new(ServerError::client("08003", "the session is closed")));
        };
        let (text, used) = match parameters {
            [] => (String::new(), Vec::new()),
            _ => parameter::compacted(sql),
        };
        let values: Vec<&str> =
            used.iter().filter_map(|n| Some(parameters.get(n.checked_sub(1)?)?.value)).collect();
        // Without values by the simple protocol: it takes every statement.
        let sent = match values.as_slice() {
            [] => connection.start_query(sql),
            values => connection.start_bound(&text, values),
        };
        let mut taken = Taken::default();
        let outcome = sent
            .map_err(|e| lost(&e))
            .and_then(|()| taken.take(connection, rows, self.key.as_ref(), translates).map_err(|e| lost(&e)));
        if let Some(messages) = &mut self.session.messages {
            messages.append(&mut taken.notices);
        }
        outcome?;
        match taken.failure {
            Some(error) => Err(error),
            None => Ok(taken.ended),
        }
    }

    /// The columns of tables behind a result's columns, in their order; `None` for an expression. Empty where the
    /// server cannot be asked, such as in a failed transaction.
    pub fn origins(&mut self, columns: &[Column]) -> Vec<Option<Origin>> {
        let wanted: Vec<String> = columns
            .iter()
            .filter(|column| column.table_oid != 0)
            .map(|column| format!("({}, {})", column.table_oid, column.number))
            .collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        let question = format!(
            "SELECT c.oid, a.attnum, n.nspname, c.relname, a.attnotnull FROM pg_catalog.pg_attribute a \
             JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
             WHERE (a.attrelid, a.attnum) IN ({})",
            wanted.join(", ")
        );
        let Ok(found) = self.ask(&question) else { return Vec::new() };
        let origin = |column: &Column| {
            let row = found.iter().find(|row| {
                let is =
                    |index: usize, value: String| row.get(index).and_then(Option::as_deref) == Some(&value);
                is(0, column.table_oid.to_string()) && is(1, column.number.to_string())
            })?;
            let text = |index: usize| row.get(index).cloned().flatten().unwrap_or_default();
            Some(Origin { schema: text(2), table: text(3), not_null: text(4) == "t" })
        };
        columns.iter().map(origin).collect()
    }

    /// Acts as another user of the server, as far as the user of the session may.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn act_as(&mut self, user: &str) -> Result<(), Box<ServerError>> {
        self.command(&format!("SET SESSION AUTHORIZATION {}", literal(user)))
    }

    /// Ends the session in an orderly way.
    pub fn close(self) {
        if let Some(connection) = self.session.connection {
            connection.close();
        }
    }
}

/// What one text's answer has brought.
#[derive(Default)]
struct Taken {
    ended: Ended,
    failure: Option<Box<ServerError>>,
    notices: Vec<String>,
}

impl Taken {
    fn take(
        &mut self,
        connection: &mut Connection,
        rows: &mut dyn Rows,
        key: Option<&CancelKey>,
        translates: bool,
    ) -> Result<(), crate::connection::WireError> {
        let (mut cells, mut supers) = (Vec::new(), Vec::new());
        let mut refused = false;
        loop {
            match connection.next_event()? {
                Event::Columns(columns) => {
                    supers = if translates { super_columns(&columns) } else { Vec::new() };
                    self.ended.columns = Some(columns);
                }
                Event::Row(_) if refused => {}
                Event::Row(body) => {
                    ranges(&body, &mut cells)?;
                    let compact;
                    let mut data: &[u8] = body.buffer();
                    if !supers.is_empty() {
                        compact = compacted_rows(data, &mut cells, &supers);
                        data = &compact;
                    }
                    let values: Vec<Option<&[u8]>> =
                        cells.iter().map(|range| data.get(range.clone()?)).collect();
                    let columns = self.ended.columns.as_deref().unwrap_or_default();
                    if let Err(reason) = rows.row(columns, &values) {
                        refused = true;
                        self.failure = Some(Box::new(ServerError::client("54000", reason)));
                        // Without an answer the rows that follow are only passed over.
                        let _ = key.map(CancelKey::cancel);
                    }
                }
                Event::Complete(tag) => self.ended.tag = tag,
                Event::Empty | Event::CopyData(_) => {}
                Event::CopyIn => connection.copy_end(Some("COPY FROM STDIN has no data here"))?,
                Event::CopyOut => {
                    let error = ServerError::client("0A000", "COPY TO STDOUT is not supported here");
                    self.failure.get_or_insert(Box::new(error));
                }
                Event::Notice(notice) => self.notices.push(notice.report(None, false).trim_end().to_owned()),
                Event::Error(error) => {
                    self.failure.get_or_insert(error);
                }
                Event::Ready => return Ok(()),
            }
        }
    }
}

fn lost(error: &crate::connection::WireError) -> Box<ServerError> {
    let cause = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    Box::new(ServerError::client("08006", format!("{error}{cause}")))
}

fn unexpected(error: &std::io::Error) -> Box<ServerError> {
    Box::new(ServerError::client("XX000", error.to_string()))
}
