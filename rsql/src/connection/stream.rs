//! The socket: TCP or Unix, with or without TLS.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::BytesMut;
use nix::sys::socket::{setsockopt, sockopt};
use postgres_protocol::message::frontend;
use rustls::{ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;

use super::{ConnectError, SslMode, Target, tls};

/// How long one address may take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Seconds of silence before a probe, and between probes.
const KEEP_ALIVE_SECONDS: u32 = 60;

/// An open socket.
pub(super) enum Stream {
    /// Plain TCP.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// A Unix socket.
    Unix(UnixStream),
}

impl Stream {
    /// Opens the socket and, as the mode asks, TLS on it.
    ///
    /// # Errors
    /// If the host has no address, nobody answers, or TLS fails.
    pub(super) fn open(target: &Target) -> Result<Self, ConnectError> {
        if target.is_unix() {
            let path = format!("{}/.s.PGSQL.{}", target.host, target.port);
            return UnixStream::connect(&path)
                .map(Stream::Unix)
                .map_err(|source| ConnectError::Refused { place: path, source });
        }
        let mut tcp = open_tcp(target)?;
        if target.ssl_mode() == SslMode::Disable {
            return Ok(Stream::Plain(tcp));
        }
        let place = || format!("{} port {}", target.host, target.port);
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        let mut answer = [0_u8];
        tcp.write_all(&request)
            .and_then(|()| tcp.read_exact(&mut answer))
            .map_err(|source| ConnectError::Refused { place: place(), source })?;
        match (answer[0], target.ssl_mode()) {
            (b'S', _) => start_tls(tcp, target),
            (_, SslMode::Allow | SslMode::Prefer) => Ok(Stream::Plain(tcp)),
            _ => Err(ConnectError::NoTls { place: place() }),
        }
    }

    /// Protocol version and cipher, if TLS is on.
    pub(super) fn tls_info(&self) -> Option<(String, String)> {
        let Stream::Tls(stream) = self else { return None };
        let version = format!("{:?}", stream.conn.protocol_version()?).replace('_', ".");
        let suite = format!("{:?}", stream.conn.negotiated_cipher_suite()?.suite());
        Some((version, suite))
    }
}

fn open_tcp(target: &Target) -> Result<TcpStream, ConnectError> {
    let addresses = (target.host.as_str(), target.port)
        .to_socket_addrs()
        .map_err(|source| ConnectError::Resolve { host: target.host.clone(), source })?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(tcp) => {
                // Small statements must not wait for Nagle's timer; failure only costs latency.
                let _ = tcp.set_nodelay(true);
                keep_alive(&tcp);
                return Ok(tcp);
            }
            Err(e) => last = e,
        }
    }
    Err(ConnectError::Refused { place: format!("{} port {}", target.host, target.port), source: last })
}

/// A COPY may say nothing for an hour, and the load balancers and NAT gateways of AWS forget a silent
/// connection after 350 seconds. Without probes the client would then wait for ever.
/// <https://docs.aws.amazon.com/redshift/latest/mgmt/connecting-firewall-guidance.html>
fn keep_alive(tcp: &TcpStream) {
    let _ = setsockopt(tcp, sockopt::KeepAlive, &true);
    let _ = setsockopt(tcp, sockopt::TcpKeepIdle, &KEEP_ALIVE_SECONDS);
    let _ = setsockopt(tcp, sockopt::TcpKeepInterval, &KEEP_ALIVE_SECONDS);
}

fn start_tls(mut tcp: TcpStream, target: &Target) -> Result<Stream, ConnectError> {
    let name = ServerName::try_from(target.host.clone())
        .map_err(|e| ConnectError::TlsSetup { reason: e.to_string() })?;
    let mut session = ClientConnection::new(tls::config(target)?, name)
        .map_err(|e| ConnectError::TlsSetup { reason: e.to_string() })?;
    while session.is_handshaking() {
        session
            .complete_io(&mut tcp)
            .map_err(|source| ConnectError::Tls { host: target.host.clone(), source })?;
    }
    Ok(Stream::Tls(Box::new(StreamOwned::new(session, tcp))))
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(s) => s.read(buf),
            Self::Tls(s) => s.read(buf),
            Self::Unix(s) => s.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(s) => s.write(buf),
            Self::Tls(s) => s.write(buf),
            Self::Unix(s) => s.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(s) => s.flush(),
            Self::Tls(s) => s.flush(),
            Self::Unix(s) => s.flush(),
        }
    }
}
