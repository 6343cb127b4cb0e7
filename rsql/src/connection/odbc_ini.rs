//! DSNs in `odbc.ini`, by the key names of Amazon's ODBC driver.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::SslMode;

/// A DSN's entry; keys are kept in lower case.
#[derive(Clone, Default)]
pub(crate) struct Dsn {
    values: BTreeMap<String, String>,
}

/// Why a DSN cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OdbcError {
    /// No file has it.
    #[error("DSN \"{name}\" was found in none of: {searched}")]
    NotFound {
        /// The DSN.
        name: String,
        /// The files that were looked at.
        searched: String,
    },
    /// A key's value has no meaning.
    #[error("DSN \"{name}\": {key} cannot be \"{value}\"")]
    Value {
        /// The DSN.
        name: String,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// A variable of the environment has no meaning.
    #[error("{name} cannot be \"{value}\"")]
    Environment {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// Logging in by IAM or a browser needs Amazon's driver.
    #[error(
        "DSN \"{name}\": {key} is not supported\nhint: get temporary credentials first (aws redshift get-cluster-credentials) and give them as UID and PWD or RSPASSWORD"
    )]
    Unsupported {
        /// The DSN.
        name: String,
        /// The key.
        key: &'static str,
    },
}

impl Dsn {
    /// The value of a key, if it is given and not empty.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(&key.to_ascii_lowercase()).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// The port.
    ///
    /// # Errors
    /// If it is no port number.
    pub(crate) fn port(&self, name: &str) -> Result<Option<u16>, OdbcError> {
        self.parsed(name, "Port", |v| v.parse().ok())
    }

    /// The TLS mode.
    ///
    /// # Errors
    /// If it is no known mode.
    pub(crate) fn ssl_mode(&self, name: &str) -> Result<Option<SslMode>, OdbcError> {
        self.parsed(name, "SSLMode", SslMode::parse)
    }

    fn parsed<T>(
        &self,
        name: &str,
        key: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, OdbcError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match parse(value) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(OdbcError::Value { name: name.into(), key, value: value.into() }),
        }
    }

    fn refuse_unsupported(&self, name: &str) -> Result<(), OdbcError> {
        if self.get("IAM").is_some_and(|v| v != "0") {
            return Err(OdbcError::Unsupported { name: name.into(), key: "IAM=1" });
        }
        if self.get("plugin_name").is_some() {
            return Err(OdbcError::Unsupported { name: name.into(), key: "plugin_name" });
        }
        Ok(())
    }
}

/// Finds a DSN in `$ODBCINI`, `~/.odbc.ini`, `$ODBCSYSINI/odbc.ini` and `/etc/odbc.ini`, in that order.
///
/// # Errors
/// If no file has it, or it asks for what is not supported.
pub(crate) fn find_dsn(name: &str) -> Result<Dsn, OdbcError> {
    let files = candidates();
    for file in &files {
        let Ok(text) = std::fs::read_to_string(file) else { continue };
        if let Some(dsn) = section(&text, name) {
            dsn.refuse_unsupported(name)?;
            return Ok(dsn);
        }
    }
    let searched = files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ");
    Err(OdbcError::NotFound { name: name.into(), searched })
}

fn candidates() -> Vec<PathBuf> {
    let mut files = Vec::new();
    files.extend(std::env::var_os("ODBCINI").map(PathBuf::from));
    files.extend(std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".odbc.ini")));
    let system = std::env::var_os("ODBCSYSINI").map_or_else(|| PathBuf::from("/etc"), PathBuf::from);
    files.push(system.join("odbc.ini"));
    for amazon in ["/opt/amazon/redshiftodbcx64/odbc.ini", "/opt/amazon/redshiftodbc/Setup/odbc.ini"] {
        files.push(amazon.into());
    }
    files
}

/// The section of that name; section names are compared without regard to case, as unixODBC does.
fn section(text: &str, name: &str) -> Option<Dsn> {
    let mut found: Option<Dsn> = None;
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(';') || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            inside = title.trim().eq_ignore_ascii_case(name);
            if inside && found.is_none() {
                found = Some(Dsn::default());
            }
        } else if inside && let (Some(dsn), Some((key, value))) = (found.as_mut(), line.split_once('=')) {
            dsn.values.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const INI: &str = "[ODBC]\nTrace=no\n; comment\n[Blog]\nDriver = Default\nHost=example.com\nPort=5439\n\
        SSLMode=verify-ca\nPWD=a=b;c\n[other]\nHost=else\nIAM=1\n";

    #[test]
    fn reads_a_section() {
        let dsn = section(INI, "blog").expect("found");
        assert_eq!(dsn.get("HOST"), Some("example.com"));
        assert_eq!(dsn.get("pwd"), Some("a=b;c"));
        assert_eq!(dsn.port("blog").expect("a port"), Some(5439));
        assert_eq!(dsn.ssl_mode("blog").expect("a mode"), Some(SslMode::VerifyCa));
        assert!(section(INI, "none").is_none());
    }

    #[test]
    fn iam_is_refused_by_name() {
        let dsn = section(INI, "other").expect("found");
        let error = dsn.refuse_unsupported("other").expect_err("unsupported");
        assert!(error.to_string().contains("IAM=1"), "{error}");
    }
}
