//! Running statements: by the simple query protocol, and with bound values by the extended one. Every value arrives as
//! text, as psql shows it.

use bytes::{Bytes, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{DataRowBody, Message};
use postgres_protocol::message::frontend::{self, BindError};

use super::wire::read_error;
use super::{Connection, ServerError, WireError};

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its title.
    pub name: String,
    /// Its type's OID.
    pub type_oid: u32,
    /// Its type's modifier, such as a length; -1 without one.
    pub type_modifier: i32,
    /// The OID of the table that it is a column of; 0 if it is of none.
    pub table_oid: u32,
    /// Its number in that table, from 1; 0 if it is of none.
    pub number: i16,
}

/// What the server says about a running statement.
pub(crate) enum Event {
    /// A result begins.
    Columns(Vec<Column>),
    /// A row of it.
    Row(DataRowBody),
    /// A statement ended; the command tag.
    Complete(String),
    /// The statement was empty.
    Empty,
    /// The server waits for COPY data.
    CopyIn,
    /// The server is about to send COPY data.
    CopyOut,
    /// COPY data.
    CopyData(Bytes),
    /// The statement failed.
    Error(Box<ServerError>),
    /// A notice or warning.
    Notice(Box<ServerError>),
    /// The server is ready for the next statement.
    Ready,
}

impl Connection {
    /// Sends `sql`; then call [`Connection::next_event`] until [`Event::Ready`].
    ///
    /// # Errors
    /// If the connection is lost, or `sql` holds a zero byte.
    pub(crate) fn start_query(&mut self, sql: &str) -> Result<(), WireError> {
        frontend::query(sql, &mut self.outgoing)?;
        self.send_query()
    }

    /// As [`Self::start_query`], for one statement with values for `$1`, `$2` and so on. The values are text of types
    /// that the server infers, as it does for a literal.
    ///
    /// # Errors
    /// If the connection is lost, or `sql` or a value cannot be sent.
    pub(crate) fn start_bound(&mut self, sql: &str, values: &[&str]) -> Result<(), WireError> {
        frontend::parse("", sql, std::iter::empty(), &mut self.outgoing)?;
        let bind = |value: &&str, buffer: &mut BytesMut| {
            buffer.extend_from_slice(value.as_bytes());
            Ok(IsNull::No)
        };
        // No format means text, for the values as for the result.
        frontend::bind("", "", std::iter::empty(), values, bind, std::iter::empty(), &mut self.outgoing)
            .map_err(|error| match error {
                BindError::Conversion(reason) => WireError::Io(std::io::Error::other(reason)),
                BindError::Serialization(error) => WireError::Io(error),
            })?;
        frontend::describe(b'P', "", &mut self.outgoing)?;
        frontend::execute("", 0, &mut self.outgoing)?;
        frontend::sync(&mut self.outgoing);
        self.send_query()
    }

    fn send_query(&mut self) -> Result<(), WireError> {
        match self.send() {
            // What the server said before it closed the connection may still be read.
            Err(lost) => match self.last_words() {
                true => Ok(()),
                false => Err(lost),
            },
            sent => sent,
        }
    }

    /// Reads what the server said before it closed the connection; true if it gave a reason.
    fn last_words(&mut self) -> bool {
        while let Ok(message) = self.receive() {
            if let Message::ErrorResponse(body) = message
                && let Ok(error) = read_error(body.fields())
            {
                self.farewell = Some(Box::new(error));
                self.ended = true;
                return true;
            }
        }
        false
    }

    /// The next event of the running statement.
    ///
    /// # Errors
    /// If the connection is lost.
    pub(crate) fn next_event(&mut self) -> Result<Event, WireError> {
        if let Some(error) = self.farewell.take() {
            return Ok(Event::Error(error));
        }
        loop {
            let message = match self.receive() {
                // The server has said why; that it closes the connection then is no news.
                Err(_) if self.ended => return Ok(Event::Ready),
                message => message?,
            };
            return Ok(match message {
                Message::RowDescription(body) => Event::Columns(
                    body.fields()
                        .map(|f| {
                            Ok(Column {
                                name: f.name().to_owned(),
                                type_oid: f.type_oid(),
                                type_modifier: f.type_modifier(),
                                table_oid: f.table_oid(),
                                number: f.column_id(),
                            })
                        })
                        .collect()?,
                ),
                Message::DataRow(body) => Event::Row(body),
                Message::CommandComplete(body) => Event::Complete(body.tag()?.to_owned()),
                Message::EmptyQueryResponse => Event::Empty,
                Message::CopyInResponse(_) => Event::CopyIn,
                Message::CopyOutResponse(_) => Event::CopyOut,
                Message::CopyData(body) => Event::CopyData(body.into_bytes()),
                Message::CopyDone | Message::ParseComplete | Message::BindComplete | Message::NoData => {
                    continue;
                }
                Message::ErrorResponse(body) => {
                    let error = Box::new(read_error(body.fields())?);
                    self.ended |= matches!(error.severity.as_str(), "FATAL" | "PANIC");
                    Event::Error(error)
                }
                Message::NoticeResponse(body) => Event::Notice(Box::new(read_error(body.fields())?)),
                Message::ReadyForQuery(body) => {
                    self.transaction = body.status();
                    Event::Ready
                }
                _ => return Err(WireError::Unexpected("a message")),
            });
        }
    }

    /// Sends COPY data.
    ///
    /// # Errors
    /// If the connection is lost.
    pub(crate) fn copy_data(&mut self, data: &[u8]) -> Result<(), WireError> {
        /// Large enough that a system call is not what COPY costs.
        const FLUSH_AT: usize = 64 * 1024;
        frontend::CopyData::new(data)?.write(&mut self.outgoing);
        if self.outgoing.len() >= FLUSH_AT { self.send() } else { Ok(()) }
    }

    /// Ends COPY data, as complete or (with a reason) as failed.
    ///
    /// # Errors
    /// If the connection is lost.
    pub(crate) fn copy_end(&mut self, failure: Option<&str>) -> Result<(), WireError> {
        match failure {
            None => frontend::copy_done(&mut self.outgoing),
            Some(reason) => frontend::copy_fail(reason, &mut self.outgoing)?,
        }
        self.send()
    }

    /// Notices that came with the login.
    pub(crate) fn take_notices(&mut self) -> Vec<ServerError> {
        std::mem::take(&mut self.notices)
    }
}
