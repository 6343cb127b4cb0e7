//! An ErrorResponse or NoticeResponse, and how it is shown.

use std::fmt;

/// The fields of an error or notice.
/// <https://www.postgresql.org/docs/current/protocol-error-fields.html>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerError {
    /// `ERROR`, `FATAL`, `NOTICE`, …
    pub severity: String,
    /// SQLSTATE.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// DETAIL.
    pub detail: Option<String>,
    /// HINT.
    pub hint: Option<String>,
    /// Character position in the statement, from 1.
    pub position: Option<usize>,
    /// CONTEXT.
    pub context: Option<String>,
    /// Schema, table, column, data type, constraint: shown by `\errverbose` only.
    pub objects: Vec<(&'static str, String)>,
    /// Where in the server's source.
    pub location: Option<String>,
}

impl ServerError {
    /// An error of the client itself, shaped as the server's are.
    #[must_use]
    pub fn client(code: &str, message: impl Into<String>) -> Self {
        Self { severity: "ERROR".into(), code: code.into(), message: message.into(), ..Self::default() }
    }

    /// The message with the quoted line of `sql`, DETAIL, HINT and (if `with_context`) CONTEXT,
    /// each on its own line, ending in a line break.
    pub(crate) fn report(&self, sql: Option<&str>, with_context: bool) -> String {
        let mut text = format!("{}: {}\n", self.severity, self.message);
        if let (Some(sql), Some(position)) = (sql, self.position) {
            text.push_str(&quote_position(sql, position));
        }
        for (title, value) in [("DETAIL", &self.detail), ("HINT", &self.hint)] {
            if let Some(value) = value {
                text.push_str(&format!("{title}: {value}\n"));
            }
        }
        if with_context && let Some(context) = &self.context {
            text.push_str(&format!("CONTEXT: {context}\n"));
        }
        text
    }

    /// Everything known, for `\errverbose`.
    pub(crate) fn verbose(&self) -> String {
        let mut text = format!("{}: {}: {}\n", self.severity, self.code, self.message);
        for (title, value) in [("DETAIL", &self.detail), ("HINT", &self.hint), ("CONTEXT", &self.context)] {
            if let Some(value) = value {
                text.push_str(&format!("{title}: {value}\n"));
            }
        }
        for (title, value) in &self.objects {
            text.push_str(&format!("{title}: {value}\n"));
        }
        if let Some(location) = &self.location {
            text.push_str(&format!("LOCATION: {location}\n"));
        }
        text
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity, self.message)
    }
}

impl std::error::Error for ServerError {}

/// The line of `sql` that `position` (characters, from 1) falls in, with a caret under the place.
fn quote_position(sql: &str, position: usize) -> String {
    let before: String = sql.chars().take(position.saturating_sub(1)).collect();
    let number = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count();
    let line = sql.split('\n').nth(number - 1).unwrap_or("");
    // A generated statement may be a megabyte on one line: show the neighbourhood only.
    const AROUND: usize = 60;
    let start = column.saturating_sub(AROUND / 2);
    let start = if line.chars().count() <= AROUND { 0 } else { start };
    let shown: String =
        line.chars().skip(start).take(AROUND).map(|c| if c == '\t' { ' ' } else { c }).collect();
    let lead = if start > 0 { "..." } else { "" };
    let tail = if start + AROUND < line.chars().count() { "..." } else { "" };
    let prefix = format!("LINE {number}: {lead}");
    let pad = " ".repeat(prefix.chars().count() + column - start);
    format!("{prefix}{shown}{tail}\n{pad}^\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_line_and_the_place() {
        let error = ServerError {
            severity: "ERROR".into(),
            message: "relation \"x\" does not exist".into(),
            position: Some(15),
            ..ServerError::default()
        };
        assert_eq!(
            error.report(Some("select *\nfrom x"), true),
            "ERROR: relation \"x\" does not exist\nLINE 2: from x\n             ^\n"
        );
    }

    #[test]
    fn long_lines_are_cut() {
        let sql = format!("select {} from x", "a,".repeat(200));
        assert!(quote_position(&sql, 300).lines().next().is_some_and(|l| l.len() < 90));
    }
}
