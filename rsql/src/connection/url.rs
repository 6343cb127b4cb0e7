//! Reading where to connect from a URL, as libpq does.
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>

use percent_encoding::percent_decode_str;
use url::Url;

use super::{REDSHIFT_PORT, SslMode, Target};

/// The port of PostgreSQL.
const POSTGRES_PORT: u16 = 5432;

/// Why a URL does not name a server. No message repeats the URL: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It cannot be read.
    #[error("the URL is not valid: {0}")]
    Invalid(String),
    /// Another protocol.
    #[error("the URL must begin with postgres://, postgresql:// or redshift://")]
    Scheme,
    /// A part that must be there.
    #[error("the URL has no {0}")]
    Missing(&'static str),
    /// A part that is not UTF-8, or has a character that it cannot have.
    #[error("the {0} in the URL is not valid")]
    Part(&'static str),
    /// A parameter that is not supported.
    #[error("the URL's parameter \"{0}\" is not supported; sslmode, sslrootcert and host are")]
    Parameter(String),
}

impl Target {
    /// The target of a URL such as `postgres://user:password@host:5432/database?sslmode=require`. The port defaults to
    /// the scheme's (5439 for `redshift://`), the database to the user. `host` as a parameter replaces the URL's; it may be
    /// the directory of a Unix socket.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn from_url(text: &str) -> Result<Self, UrlError> {
        let url = Url::parse(text.trim()).map_err(|e| UrlError::Invalid(e.to_string()))?;
        let port = match url.scheme() {
            "postgres" | "postgresql" => POSTGRES_PORT,
            "redshift" => REDSHIFT_PORT,
            _ => return Err(UrlError::Scheme),
        };
        let decoded = |part: &'static str, text: &str| {
            let text = percent_decode_str(text).decode_utf8().map_err(|_| UrlError::Part(part))?;
            // What ends a string on the wire.
            if text.contains('\0') { Err(UrlError::Part(part)) } else { Ok(text.into_owned()) }
        };
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        let mut host = given(decoded("host", url.host_str().unwrap_or_default())?);
        let (mut ssl_mode, mut root_cert) = (None, None);
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "host" => host = Some(value.into_owned()),
                "sslmode" => ssl_mode = Some(SslMode::parse(&value).ok_or(UrlError::Part("sslmode"))?),
                "sslrootcert" => root_cert = Some(value.into_owned().into()),
                _ => return Err(UrlError::Parameter(name.into_owned())),
            }
        }
        let host = host.ok_or(UrlError::Missing("host"))?;
        let user = given(decoded("user", url.username())?).ok_or(UrlError::Missing("user"))?;
        let database = given(decoded("database", url.path().trim_start_matches('/'))?);
        Ok(Self {
            // IPv6 addresses stand in brackets.
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(port),
            database: database.unwrap_or_else(|| user.clone()),
            user,
            password: url.password().map(|text| decoded("password", text)).transpose()?,
            ssl_mode,
            root_cert,
            from_dsn: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_decoded() {
        let target =
            Target::from_url("postgres://etl:p%40ss%2Fw@127.0.0.1:6543/dev?sslmode=disable").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("127.0.0.1", 6543));
        assert_eq!((target.user.as_str(), target.database.as_str()), ("etl", "dev"));
        assert_eq!((target.password.as_deref(), target.ssl_mode), (Some("p@ss/w"), Some(SslMode::Disable)));
        assert!(!format!("{target:?}").contains("p@ss"));
        let target = Target::from_url("redshift://u@[::1]").unwrap();
        assert_eq!((target.host.as_str(), target.port, target.database.as_str()), ("::1", 5439, "u"));
        let target = Target::from_url("postgresql://u@localhost/db?host=/var/run/postgresql").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("/var/run/postgresql", 5432));
    }

    #[test]
    fn what_is_wrong_is_named_without_the_password() {
        for (url, error) in [
            ("mysql://u:s3cret@h/db", UrlError::Scheme),
            ("postgres://:s3cret@h/db", UrlError::Missing("user")),
            ("postgres://u:s3cret@h/db?sslmode=s3cret", UrlError::Part("sslmode")),
            ("postgres://u:s3cret%ff@h/db", UrlError::Part("password")),
            ("postgres://u:s3cret%00@h/db", UrlError::Part("password")),
            ("postgres://u@h/db?options=x", UrlError::Parameter("options".to_owned())),
        ] {
            assert_eq!(Target::from_url(url).unwrap_err(), error, "{url}");
        }
        for url in ["u:s3cret@h/db", "postgres://u:s3cret@h:99999/db", "postgres://u:s3cret@/db"] {
            let message = Target::from_url(url).unwrap_err().to_string();
            assert!(!message.contains("s3cret"), "{message}");
        }
    }
}
