//! Where to connect, and as whom.

use std::fmt;
use std::path::PathBuf;

/// The port that Amazon Redshift listens on.
pub(crate) const REDSHIFT_PORT: u16 = 5439;

/// How much TLS is asked for; the names of libpq and of the ODBC driver's `SSLMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Never.
    Disable,
    /// Plain first; TLS only when the server refuses plain. Treated as `prefer`, which is never weaker.
    Allow,
    /// TLS when the server offers it, unverified.
    Prefer,
    /// TLS, unverified.
    Require,
    /// TLS, the certificate's chain is verified.
    VerifyCa,
    /// TLS, chain and host name are verified.
    VerifyFull,
}

impl SslMode {
    /// The mode of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// Everything needed to open a session.
#[derive(Clone)]
pub struct Target {
    /// Host name, address, or the directory of a Unix socket.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Database.
    pub database: String,
    /// User.
    pub user: String,
    /// Password, if one is known.
    pub password: Option<String>,
    /// TLS, as it was asked for; see [`Target::ssl_mode`].
    pub ssl_mode: Option<SslMode>,
    /// A PEM file of trusted roots; without it, the system's.
    pub root_cert: Option<PathBuf>,
    /// Whether the target came from a DSN: the banner says so.
    pub from_dsn: bool,
}

impl Target {
    /// Whether the host names the directory of a Unix socket.
    pub(crate) fn is_unix(&self) -> bool {
        self.host.starts_with('/')
    }

    /// Whether what is sent stays on this machine.
    fn is_local(&self) -> bool {
        self.is_unix()
            || self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The mode that holds. Where none is asked for, a password leaves this machine under TLS only.
    pub(crate) fn ssl_mode(&self) -> SslMode {
        let default = if self.is_local() { SslMode::Prefer } else { SslMode::Require };
        self.ssl_mode.unwrap_or(default)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("database", &self.database)
            .field("user", &self.user)
            .field("ssl_mode", &self.ssl_mode)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_mode_tls_is_required_beyond_this_machine() {
        let mode = |host: &str, ssl_mode: Option<SslMode>| {
            let text = String::new;
            Target {
                host: host.into(),
                port: 1,
                database: text(),
                user: text(),
                password: None,
                ssl_mode,
                root_cert: None,
                from_dsn: false,
            }
            .ssl_mode()
        };
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1", "/var/run/postgresql"] {
            assert_eq!(mode(host, None), SslMode::Prefer, "{host}");
        }
        for host in
            ["10.0.0.1", "localhost.example.com", "c.redshift.amazonaws.com", "::2", "127.0.0.1.example"]
        {
            assert_eq!(mode(host, None), SslMode::Require, "{host}");
        }
        assert_eq!(mode("10.0.0.1", Some(SslMode::Prefer)), SslMode::Prefer);
    }
}
