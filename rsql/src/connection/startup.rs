//! Logging in.

use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

use super::stream::Stream;
use super::wire::read_error;
use super::{ConnectError, Connection, Target, WireError};

impl Connection {
    /// Opens a session.
    ///
    /// # Errors
    /// If the server cannot be reached, or refuses.
    pub(crate) fn open(target: &Target) -> Result<Self, ConnectError> {
        let stream = Stream::open(target)?;
        let mut connection = Connection::new(stream, target.clone());
        let parameters = [
            ("user", target.user.as_str()),
            ("database", target.database.as_str()),
            ("client_encoding", "UTF8"),
            ("application_name", "rsql"),
        ];
        frontend::startup_message(parameters, &mut connection.outgoing).map_err(WireError::Io)?;
        connection.send()?;
        connection.log_in()?;
        connection.await_ready()?;
        Ok(connection)
    }

    fn password(&self) -> Result<Vec<u8>, ConnectError> {
        match &self.target.password {
            Some(password) => Ok(password.clone().into_bytes()),
            None => Err(ConnectError::NoPassword { user: self.target.user.clone() }),
        }
    }

    fn log_in(&mut self) -> Result<(), ConnectError> {
        loop {
            match self.receive()? {
                Message::AuthenticationOk => return Ok(()),
                Message::AuthenticationCleartextPassword => {
                    let password = self.password()?;
                    self.send_password(&password)?;
                }
                Message::AuthenticationMd5Password(body) => {
                    let hash = md5_hash(self.target.user.as_bytes(), &self.password()?, body.salt());
                    self.send_password(hash.as_bytes())?;
                }
                Message::AuthenticationSasl(body) => {
                    let mechanisms: Vec<String> =
                        body.mechanisms().map(|m| Ok(m.to_owned())).collect().map_err(WireError::Io)?;
                    if !mechanisms.iter().any(|m| m == SCRAM_SHA_256) {
                        return Err(ConnectError::Method { method: mechanisms.join(", ") });
                    }
                    self.scram()?;
                }
                Message::ErrorResponse(body) => {
                    let error = Box::new(read_error(body.fields())?);
                    return Err(ConnectError::Server { error });
                }
                Message::NoticeResponse(body) => self.notices.push(read_error(body.fields())?),
                Message::AuthenticationKerberosV5 => return Err(method("Kerberos V5")),
                Message::AuthenticationGss => return Err(method("GSSAPI")),
                Message::AuthenticationSspi => return Err(method("SSPI")),
                _ => return Err(WireError::Unexpected("a message").into()),
            }
        }
    }

    fn send_password(&mut self, password: &[u8]) -> Result<(), ConnectError> {
        frontend::password_message(password, &mut self.outgoing).map_err(WireError::Io)?;
        Ok(self.send()?)
    }

    fn scram(&mut self) -> Result<(), ConnectError> {
        let mut scram = ScramSha256::new(&self.password()?, ChannelBinding::unsupported());
        frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), &mut self.outgoing)
            .map_err(WireError::Io)?;
        self.send()?;
        loop {
            match self.receive()? {
                Message::AuthenticationSaslContinue(body) => {
                    scram.update(body.data()).map_err(WireError::Io)?;
                    frontend::sasl_response(scram.message(), &mut self.outgoing).map_err(WireError::Io)?;
                    self.send()?;
                }
                Message::AuthenticationSaslFinal(body) => {
                    scram.finish(body.data()).map_err(WireError::Io)?;
                    return Ok(());
                }
                Message::ErrorResponse(body) => {
                    let error = Box::new(read_error(body.fields())?);
                    return Err(ConnectError::Server { error });
                }
                _ => return Err(WireError::Unexpected("a message").into()),
            }
        }
    }

    fn await_ready(&mut self) -> Result<(), ConnectError> {
        loop {
            match self.receive()? {
                Message::BackendKeyData(body) => self.key = Some((body.process_id(), body.secret_key())),
                Message::ReadyForQuery(body) => {
                    self.transaction = body.status();
                    return Ok(());
                }
                Message::ErrorResponse(body) => {
                    let error = Box::new(read_error(body.fields())?);
                    return Err(ConnectError::Server { error });
                }
                Message::NoticeResponse(body) => self.notices.push(read_error(body.fields())?),
                _ => return Err(WireError::Unexpected("a message").into()),
            }
        }
    }
}

fn method(name: &str) -> ConnectError {
    ConnectError::Method { method: name.to_owned() }
}
