//! One session: the socket, its buffers and what the server has said about itself.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{ErrorFields, Message};

use super::stream::Stream;
use super::{CancelKey, ServerError, Target};

/// How much is read from the socket at once: a few hundred rows.
const READ_CHUNK: usize = 64 * 1024;

/// The connection is lost; the session cannot be used any more.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The socket failed or ended.
    #[error("connection to server was lost")]
    Io(#[source] io::Error),
    /// A message out of turn.
    #[error("the server sent {0} out of turn")]
    Unexpected(&'static str),
}

impl From<io::Error> for WireError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// An open session with a server.
pub(crate) struct Connection {
    pub(super) stream: Stream,
    incoming: BytesMut,
    pub(super) outgoing: BytesMut,
    /// What ParameterStatus messages have said.
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) key: Option<(i32, i32)>,
    /// `I` idle, `T` in a transaction, `E` in a failed one.
    pub(super) transaction: u8,
    pub(super) target: Target,
    /// Notices that arrived while nobody was asking.
    pub(super) notices: Vec<ServerError>,
    /// The server has ended the session by an error.
    pub(super) ended: bool,
    /// The error by which it did, where nobody has read it yet.
    pub(super) farewell: Option<Box<ServerError>>,
    /// Whether the session has been prepared for Redshift's dialect.
    pub(crate) dialect: bool,
}

impl Connection {
    pub(super) fn new(stream: Stream, target: Target) -> Self {
        Self {
            stream,
            incoming: BytesMut::with_capacity(READ_CHUNK),
            outgoing: BytesMut::new(),
            parameters: BTreeMap::new(),
            key: None,
            transaction: b'I',
            target,
            notices: Vec::new(),
            ended: false,
            farewell: None,
            dialect: false,
        }
    }

    /// Where this session is connected.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// TLS version and cipher, if TLS is on.
    pub(crate) fn tls_info(&self) -> Option<(String, String)> {
        self.stream.tls_info()
    }

    /// What the server reports about a setting of its own.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// `I`, `T` or `E`: idle, in a transaction, in a failed transaction.
    pub(crate) fn transaction_status(&self) -> u8 {
        self.transaction
    }

    /// What another thread needs to stop a statement here.
    pub(crate) fn cancel_key(&self) -> Option<CancelKey> {
        let (process, secret) = self.key?;
        Some(CancelKey { target: self.target.clone(), process, secret })
    }

    pub(super) fn send(&mut self) -> Result<(), WireError> {
        self.stream.write_all(&self.outgoing)?;
        self.stream.flush()?;
        self.outgoing.clear();
        Ok(())
    }

    /// The next message. ParameterStatus is recorded on the way, notifications are passed over.
    pub(super) fn receive(&mut self) -> Result<Message, WireError> {
        loop {
            match Message::parse(&mut self.incoming)? {
                Some(Message::ParameterStatus(body)) => {
                    self.parameters.insert(body.name()?.to_owned(), body.value()?.to_owned());
                }
                Some(Message::NotificationResponse(_)) => {}
                Some(message) => return Ok(message),
                None => self.fill()?,
            }
        }
    }

    fn fill(&mut self) -> Result<(), WireError> {
        let length = self.incoming.len();
        self.incoming.resize(length + READ_CHUNK, 0);
        let read = loop {
            match self.stream.read(&mut self.incoming[length..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.incoming.truncate(length + *read.as_ref().unwrap_or(&0));
        match read? {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            _ => Ok(()),
        }
    }

    /// Says goodbye; errors do not matter any more.
    pub(crate) fn close(mut self) {
        postgres_protocol::message::frontend::terminate(&mut self.outgoing);
        let _ = self.send();
    }
}

/// The fields of an error or notice.
pub(super) fn read_error(mut fields: ErrorFields<'_>) -> Result<ServerError, WireError> {
    let mut error = ServerError::default();
    let (mut file, mut line, mut routine) = (None, None, None);
    while let Some(field) = fields.next()? {
        let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'S' => error.severity = value,
            b'C' => error.code = value,
            b'M' => error.message = value,
            b'D' => error.detail = Some(value),
            b'H' => error.hint = Some(value),
            b'P' => error.position = value.parse().ok(),
            b'W' => error.context = Some(value),
            b's' => error.objects.push(("SCHEMA NAME", value)),
            b't' => error.objects.push(("TABLE NAME", value)),
            b'c' => error.objects.push(("COLUMN NAME", value)),
            b'd' => error.objects.push(("DATATYPE NAME", value)),
            b'n' => error.objects.push(("CONSTRAINT NAME", value)),
            b'F' => file = Some(value),
            b'L' => line = Some(value),
            b'R' => routine = Some(value),
            _ => {}
        }
    }
    if let (Some(file), Some(line), Some(routine)) = (file, line, routine) {
        error.location = Some(format!("{routine}, {file}:{line}"));
    }
    Ok(error)
}
