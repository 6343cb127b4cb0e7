//! Settings of RSQL itself (`\rset`) and of the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What of the input is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    /// Nothing.
    None,
    /// Statements that failed.
    Errors,
    /// Statements that are sent.
    Queries,
    /// Every line.
    All,
}

impl Echo {
    /// The value of the variable ECHO.
    pub(crate) fn of(value: Option<&str>) -> Self {
        match value {
            Some("errors") => Self::Errors,
            Some("queries") => Self::Queries,
            Some("all") => Self::All,
            _ => Self::None,
        }
    }
}

/// Settings that are no variables.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `\timing`.
    pub(crate) timing: bool,
    /// Severity by SQLSTATE, `\rset errorlevel CODE severity N`.
    pub(crate) severities: BTreeMap<String, u8>,
    /// `\rset errorlevel on|off`.
    pub(crate) errorlevel: bool,
    /// `\rset maxerror N`: a statement more severe than this ends the script.
    pub(crate) maxerror: Option<u8>,
    /// Statements are shown, not run.
    pub(crate) dry_run: bool,
    /// Whether what only PostgreSQL has is refused.
    pub(crate) strict: bool,
    /// Redshift's dialect is translated: `Some` if said so, `None` decides by the server.
    pub(crate) dialect: Option<bool>,
    /// Whether names in quotes keep their case: `SET enable_case_sensitive_identifier`.
    pub(crate) case_sensitive: bool,
    /// Where `s3://` is.
    pub(crate) s3_root: Option<PathBuf>,
    /// Whether a password may be asked for.
    pub(crate) ask_password: bool,
    /// Whether a person types.
    pub(crate) interactive: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timing: false,
            severities: BTreeMap::new(),
            errorlevel: true,
            maxerror: None,
            dry_run: false,
            strict: false,
            dialect: None,
            case_sensitive: false,
            s3_root: None,
            ask_password: false,
            interactive: false,
        }
    }
}

impl Settings {
    /// The severity of a statement that ended with this SQLSTATE.
    pub(crate) fn severity(&self, code: &str) -> u8 {
        match self.severities.get(code) {
            Some(severity) if self.errorlevel => *severity,
            _ => severity_of(code),
        }
    }
}

/// The severity of an SQLSTATE that the script says nothing about. Amazon does not publish its table;
/// this follows BTEQ's classes: 0 success, 4 warning, 8 error, 12 the system's own failure.
fn severity_of(code: &str) -> u8 {
    match code.get(..2).unwrap_or("") {
        "00" => 0,
        "01" | "02" => 4,
        "08" | "53" | "54" | "57" | "58" | "F0" | "XX" => 12,
        _ => 8,
    }
}
