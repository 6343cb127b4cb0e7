//! Parses SQL errors in a line of output.

/// An error as RSQL or psql prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    /// `ERROR`, `FATAL` or `PANIC`.
    pub severity: &'static str,
    /// SQLSTATE, where the line has it.
    pub sqlstate: Option<String>,
    /// The message.
    pub message: String,
}

/// A line, as far as it is relevant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// An error.
    Error(SqlError),
    /// Details of the error before it.
    Detail(String),
    /// The SQLSTATE of the error before it, as scripts print `:ERRORCODE`, or `\errverbose` does.
    SqlState(String),
    /// Anything else.
    Other,
}

/// Errors that follow an error in a failed transaction (SQLSTATE 25P02) and hide the cause.
const ABORTED: &str = "current transaction is aborted";

impl SqlError {
    /// Whether it only says that the transaction has already failed.
    #[must_use]
    pub fn is_follow_up(&self) -> bool {
        self.sqlstate.as_deref() == Some("25P02") || self.message.starts_with(ABORTED)
    }
}

/// Parses a line without its end.
///
/// Known forms: `rsql: ERROR: …` (RSQL since 1.0.5 to standard error; ours, with `SQLSTATE 42P01 at …` behind it), `ERROR:  …` (psql -c, and RSQL before),
/// `psql:FILE:LINE: ERROR:  …`, `ERROR:  42P01: …` (psql's verbose form), `psql: error: … FATAL:  …` (no
/// connection), `[Amazon][Amazon Redshift] (30) Error …: [SQLState 42P01] ERROR:  …` (the ODBC driver).
#[must_use]
pub fn line(line: &str) -> Line {
    let text = line.trim();
    if let Some((severity, rest)) = marked(text) {
        let rest = rest.trim();
        let (sqlstate, message) = match rest.split_once(':') {
            Some((code, message)) if is_sqlstate(code) => (Some(code.to_owned()), message.trim()),
            _ => (named_state(text), rest),
        };
        if message.is_empty() {
            return Line::Other;
        }
        return Line::Error(SqlError { severity, sqlstate, message: message.to_owned() });
    }
    if let Some(message) = text.strip_prefix("psql: error:").or_else(|| text.strip_prefix("rsql: error:")) {
        let message = message.trim().to_owned();
        return Line::Error(SqlError { severity: "ERROR", sqlstate: None, message });
    }
    if let Some(detail) = after(text, "DETAIL:").filter(|detail| !detail.is_empty()) {
        return Line::Detail(detail.to_owned());
    }
    for name in ["ERRORCODE", "SQLSTATE", "LAST_ERROR_SQLSTATE"] {
        if let Some(rest) = text.strip_prefix(name) {
            // Our rsql goes on with the place in the script: `SQLSTATE 42P01 at load.sql:7`.
            let code = rest.trim_start_matches([' ', ':', '=']).split(" at ").next().unwrap_or_default();
            let code = code.trim_end_matches(['.', ' ']);
            if is_sqlstate(code) && !is_success(code) {
                return Line::SqlState(code.to_owned());
            }
        }
    }
    Line::Other
}

/// The position of an error: a severity at the start of the line, or after the prefix of a client.
fn marked(text: &str) -> Option<(&'static str, &str)> {
    for (mark, severity) in [("ERROR:", "ERROR"), ("FATAL:", "FATAL"), ("PANIC:", "PANIC")] {
        if let Some(rest) = text.strip_prefix(mark) {
            return Some((severity, rest));
        }
        let client = ["rsql:", "psql:", "["].iter().any(|client| text.starts_with(client));
        if client
            && let Some(at) = text.find(mark)
            && text.get(..at).is_some_and(|before| before.ends_with(": ") || before.ends_with("] "))
        {
            return Some((severity, text.get(at + mark.len()..)?));
        }
    }
    None
}

fn after<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    let at = text.find(mark)?;
    let before = text.get(..at)?;
    (before.is_empty() || before.starts_with("rsql:") || before.starts_with("psql:"))
        .then(|| text.get(at + mark.len()..).map(str::trim))
        .flatten()
}

/// `[SQLState 42P01]`, `(SQLSTATE 42P01)`, `[SQL State=42P01]` anywhere in the line.
fn named_state(text: &str) -> Option<String> {
    text.split(['[', '(']).skip(1).find_map(|part| {
        let inner = part.split([']', ')']).next()?;
        let upper = inner.to_ascii_uppercase().replace("SQL STATE", "SQLSTATE");
        let code = upper.strip_prefix("SQLSTATE")?.trim_start_matches([' ', ':', '=']).trim_end();
        (is_sqlstate(code) && !is_success(code)).then(|| code.to_owned())
    })
}

/// Five digits and capital letters (PostgreSQL manual, appendix "Error Codes"), at least one of them a digit:
/// `ERROR:  PANIC: …` is a message about panic.
fn is_sqlstate(text: &str) -> bool {
    text.len() == 5
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

fn is_success(code: &str) -> bool {
    code == "00000"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(severity: &'static str, sqlstate: Option<&str>, message: &str) -> Line {
        Line::Error(SqlError { severity, sqlstate: sqlstate.map(str::to_owned), message: message.to_owned() })
    }

    #[test]
    fn known_forms() {
        let missing = r#"relation "x" does not exist"#;
        for (text, want) in [
            (r#"rsql: ERROR: relation "x" does not exist"#, error("ERROR", None, missing)),
            (r#"ERROR:  relation "x" does not exist"#, error("ERROR", None, missing)),
            (r#"psql:/opt/a b.sql:12: ERROR:  relation "x" does not exist"#, error("ERROR", None, missing)),
            (r#"ERROR:  42P01: relation "x" does not exist"#, error("ERROR", Some("42P01"), missing)),
            (
                r#"[Amazon][Amazon Redshift] (30) Error occurred while trying to execute a query: [SQLState 42P01] ERROR:  relation "x" does not exist"#,
                error("ERROR", Some("42P01"), missing),
            ),
            (
                r#"psql: error: connection to server at "h" (10.0.0.1), port 5439 failed: FATAL:  password authentication failed for user "u""#,
                error("FATAL", None, r#"password authentication failed for user "u""#),
            ),
            (
                r#"psql: error: could not translate host name "h" to address: Name or service not known"#,
                error(
                    "ERROR",
                    None,
                    r#"could not translate host name "h" to address: Name or service not known"#,
                ),
            ),
            (
                "DETAIL:  Key (id)=(1) already exists.",
                Line::Detail("Key (id)=(1) already exists.".to_owned()),
            ),
            ("ERRORCODE: 42P01", Line::SqlState("42P01".to_owned())),
            ("SQLSTATE = 23505", Line::SqlState("23505".to_owned())),
            ("  SQLSTATE 42P01 at a at b.sql:7", Line::SqlState("42P01".to_owned())),
            ("  SQLSTATE 42P01", Line::SqlState("42P01".to_owned())),
            ("SQLSTATE 42P01 and more", Line::Other),
            ("ERRORCODE: 00000", Line::Other),
            ("rows with ERROR: 3", Line::Other),
            ("my program: ERROR: not of SQL", Line::Other),
            ("ERROR:", Line::Other),
            ("INSERT 0 1", Line::Other),
        ] {
            assert_eq!(line(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(text in ".*", tail in "(ERROR|FATAL|DETAIL|SQLSTATE|\\[|\\(|:| |ä|[0-9A-Z]{5})*") {
            let _ = line(&text);
            let _ = line(&tail);
        }

        #[test]
        fn any_message_is_taken_whole(message in "[a-z][a-z \"'()]{0,40}[a-z]") {
            prop_assert_eq!(line(&format!("rsql: ERROR: {message}")), error("ERROR", None, &message));
        }
    }
}
