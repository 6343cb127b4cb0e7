//! Statements that one of the two servers does not take: what only PostgreSQL has, and what the dialect cannot translate.

use super::{Finding, Options, Rule};
use crate::dialect::{self, DialectError};
use crate::lexer::quote::literal;
use crate::lexer::token::{Token, tokens};
use crate::lexer::{Piece, Style, read_reference};

/// A whole statement of a script.
pub(super) struct Statement<'a> {
    /// Its text.
    pub(super) text: &'a str,
    /// Line of its first byte, from 1.
    pub(super) line: usize,
}

/// The statements that a script has in one piece. Those that `\if` puts together of parts are left out.
pub(super) fn whole(pieces: &[Piece]) -> Vec<Statement<'_>> {
    let mut all = Vec::new();
    let mut fragment = false;
    for (index, piece) in pieces.iter().enumerate() {
        let Piece::Sql { text, line, complete } = piece else { continue };
        let sends = match pieces.get(index + 1) {
            Some(Piece::Meta { text, .. }) => {
                let name = text.split(|c: char| c.is_whitespace() || c == '\\').next().unwrap_or_default();
                matches!(name.to_ascii_lowercase().as_str(), "g" | "gx" | "gset" | "gdesc")
            }
            other => other.is_none(),
        };
        let ends = *complete || sends;
        let quiet = tokens(text, false).iter().all(|t| t.is_quiet() || t.is_symbol(";"));
        if ends && !fragment && !quiet {
            all.push(Statement { text, line: *line });
        }
        fragment = if ends { false } else { fragment || !quiet };
    }
    all
}

/// Where a byte of a statement is in the script.
pub(super) fn place(text: &str, at: usize, line: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    (line + before.matches('\n').count(), before.len() - before.rfind('\n').map_or(0, |n| n + 1) + 1)
}

/// Looks at every statement.
pub(super) fn check(pieces: &[Piece], options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut open = false;
    for statement in whole(pieces) {
        if options.dialect {
            let all = tokens(statement.text, false);
            for note in dialect::notes(&all, open).into_iter().chain(dialect::quotient(&all)) {
                let (line, column) = place(statement.text, note.start, statement.line);
                findings.push(Finding { rule: Rule::Dialect, line, column, message: note.text.to_owned() });
            }
            open = transaction(&all, open);
        }
        for only in dialect::postgres_only(&tokens(statement.text, false)) {
            let (line, column) = place(statement.text, only.start, statement.line);
            let message = format!("{} is not supported by Amazon Redshift", only.construct);
            findings.push(Finding { rule: Rule::PostgresOnly, line, column, message });
        }
        if options.dialect
            && let Err(error) = translated(&statement, options)
            // A run asks the server for columns.
            && !matches!(error, DialectError::UnknownColumns(_))
        {
            let (line, column) = place(statement.text, first(&tokens(statement.text, false)), statement.line);
            findings.push(Finding { rule: Rule::Dialect, line, column, message: error.to_string() });
        }
    }
    findings
}

/// Whether a transaction is open behind a statement.
fn transaction(statement: &[Token], open: bool) -> bool {
    let first = statement.iter().find(|t| !t.is_quiet());
    let is = |words: &[&str]| first.is_some_and(|t| words.iter().any(|word| t.is(word)));
    is(&["begin", "start"]) || (open && !is(&["commit", "end", "rollback", "abort"]))
}

/// The first byte that says something.
pub(super) fn first(tokens: &[Token]) -> usize {
    tokens.iter().find(|t| !t.is_quiet()).map_or(0, |t| t.start)
}

/// What becomes of a statement; variables without a value stand for their names.
pub(super) fn translated(
    statement: &Statement<'_>,
    options: &Options,
) -> Result<Vec<dialect::Step>, DialectError> {
    let text = filled(statement.text, options);
    dialect::translate(text.trim_start(), Some(std::path::Path::new("/s3")))
}

fn filled(text: &str, options: &Options) -> String {
    let mut out = String::with_capacity(text.len());
    let mut skip_to = 0;
    for token in tokens(text, false) {
        if token.start < skip_to {
            continue;
        }
        let reference = if token.is_symbol(":") { read_reference(&text[token.start..]) } else { None };
        // `a[1:2]` is a slice.
        let reference = reference.filter(|r| !r.name.bytes().all(|b| b.is_ascii_digit()));
        let Some(reference) = reference else {
            out.push_str(&token.text);
            continue;
        };
        let given = options.values.iter().rev().find(|(name, _)| name == reference.name);
        let value = given.map_or(reference.name, |(_, value)| value.as_str());
        match reference.style {
            Style::Literal => out.push_str(&literal(value)),
            Style::Identifier => out.push_str(&crate::lexer::quote::identifier(value)),
            Style::Plain | Style::Test => out.push_str(value),
        }
        skip_to = token.start + reference.length;
    }
    out
}
