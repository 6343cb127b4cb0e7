//! Why a session could not be opened, in words that say what to do.

use super::ServerError;
use super::wire::WireError;

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name has no address.
    #[error("could not translate host name \"{host}\" to address")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: std::io::Error,
    },
    /// Nobody answers there.
    #[error(
        "could not connect to {place}\nhint: is the server running there, and does its security group admit this machine?"
    )]
    Refused {
        /// Host and port, or the socket's path.
        place: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The server has no TLS and TLS is required.
    #[error(
        "the server at {place} does not support TLS, but TLS is required\nhint: --sslmode=prefer sends the password without TLS to such a server"
    )]
    NoTls {
        /// Host and port.
        place: String,
    },
    /// The TLS handshake failed.
    #[error("the TLS handshake with {host} failed")]
    Tls {
        /// Host.
        host: String,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
    /// TLS cannot be set up at all.
    #[error("TLS cannot be set up: {reason}")]
    TlsSetup {
        /// Why.
        reason: String,
    },
    /// The server wants a password and there is none.
    #[error(
        "no password supplied for user \"{user}\"\nhint: set RSPASSWORD, or PWD in the DSN; -w never asks for one"
    )]
    NoPassword {
        /// The user.
        user: String,
    },
    /// The server wants a way of logging in that this client does not know.
    #[error("authentication method {method} is not supported")]
    Method {
        /// Its name or number.
        method: String,
    },
    /// The server refused.
    #[error("{error}")]
    Server {
        /// Its answer.
        error: Box<ServerError>,
    },
    /// The connection ended, or a message was not expected.
    #[error("the server closed the connection or sent an unexpected message during login")]
    Wire {
        /// How.
        #[source]
        source: WireError,
    },
}

impl From<WireError> for ConnectError {
    fn from(source: WireError) -> Self {
        Self::Wire { source }
    }
}
