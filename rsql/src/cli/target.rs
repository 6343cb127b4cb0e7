//! Where to connect: the command line, then the DSN, then defaults.

use super::options::Options;
use crate::connection::{Dsn, OdbcError, REDSHIFT_PORT, SslMode, Target, find_dsn};

/// A variable of the environment that is set and not empty.
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

/// The port where neither option nor DSN has one: scripts written for a cluster name none, and the same script
/// must reach a server elsewhere. What is no port counts as unset.
fn default_port() -> Option<u16> {
    env("RSQL_PORT")?.parse().ok().filter(|port| *port != 0)
}

/// The mode of TLS where neither option nor DSN has one. What is none is an error: to connect with less would be worse.
fn default_ssl_mode() -> Result<Option<SslMode>, OdbcError> {
    let Some(text) = env("RSQL_SSLMODE") else { return Ok(None) };
    SslMode::parse(&text).map(Some).ok_or(OdbcError::Environment { name: "RSQL_SSLMODE", value: text })
}

/// The target that the options name.
///
/// # Errors
/// If the DSN cannot be used.
pub(super) fn target(options: &Options) -> Result<Target, OdbcError> {
    let name = options.dsn.clone().unwrap_or_default();
    let dsn = if options.dsn.is_some() { find_dsn(&name)? } else { Dsn::default() };
    let own = |value: &Option<String>| value.clone();
    let from = |key: &str| dsn.get(key).map(str::to_owned);
    let user = own(&options.user)
        .or_else(|| from("UID"))
        .or_else(|| env("USER"))
        .unwrap_or_else(|| "postgres".into());
    let port = options.port.map_or_else(|| dsn.port(&name), |port| Ok(Some(port)))?.or_else(default_port);
    let ssl_mode = options.ssl_mode.map_or_else(|| dsn.ssl_mode(&name), |mode| Ok(Some(mode)))?;
    let ssl_mode = ssl_mode.map_or_else(default_ssl_mode, |mode| Ok(Some(mode)))?;
    Ok(Target {
        host: own(&options.host)
            .or_else(|| from("Host"))
            .or_else(|| from("Server"))
            .unwrap_or_else(|| "localhost".into()),
        port: port.unwrap_or(REDSHIFT_PORT),
        database: own(&options.database).or_else(|| from("Database")).unwrap_or_else(|| user.clone()),
        user,
        password: env("RSPASSWORD").or_else(|| from("PWD")),
        ssl_mode,
        root_cert: options
            .root_cert
            .clone()
            .or_else(|| from("SSLRootCert").map(Into::into))
            .or_else(|| env("RSQL_SSLROOTCERT").map(Into::into)),
        from_dsn: options.dsn.is_some(),
    })
}
