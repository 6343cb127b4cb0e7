//! Names of tables: folding, search path, and variables that are not set.

use rsql_lexer::token::Kind;

use crate::tokens::Tokens;

/// Marks where the value of an unset variable would stand. Private-use characters, which the lexer reads as part of a
/// word.
pub(crate) const UNSET: (char, char) = ('\u{E000}', '\u{E001}');

/// As [`UNSET`], for a variable whose value a condition decides.
pub(crate) const AMBIGUOUS: (char, char) = ('\u{E002}', '\u{E003}');

/// Characters of the marks are removed from what is read, so that a text cannot forge one.
pub(crate) fn without_marks(text: &str) -> String {
    text.replace(|c| ('\u{E000}'..='\u{E003}').contains(&c), "")
}

/// A text that stands for the value of a variable that is not known.
pub(crate) fn mark((open, close): (char, char), variable: &str) -> String {
    format!("{open}{variable}{close}")
}

/// The variable of a mark in `text`.
pub(crate) fn marked((open, close): (char, char), text: &str) -> Option<&str> {
    let start = text.find(open)? + open.len_utf8();
    let rest = text.get(start..)?;
    rest.get(..rest.find(close)?)
}

/// A dotted name, in lower case: Redshift folds quoted names too
/// (`enable_case_sensitive_identifier` is off by default).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) parts: Vec<String>,
    /// Index of its first token.
    pub(crate) at: usize,
}

impl Name {
    /// Reads a dotted name at `at`. Returns it with the index behind it.
    pub(crate) fn read(tokens: &Tokens, at: usize, end: usize) -> Option<(Self, usize)> {
        let mut parts = vec![part(tokens, at, end)?];
        let mut next = at + 1;
        while next + 1 < end
            && tokens.is_symbol(next, ".")
            && let Some(more) = part(tokens, next + 1, end)
        {
            parts.push(more);
            next += 2;
        }
        Some((Self { parts, at }, next))
    }

    /// Its last part.
    pub(crate) fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    pub(crate) fn joined(&self) -> String {
        self.parts.join(".")
    }

    pub(crate) fn is_qualified(&self) -> bool {
        self.parts.len() > 1
    }

    /// Whether it names a part of the system catalog, which no job writes.
    pub(crate) fn is_system(&self) -> bool {
        match self.parts.as_slice() {
            [.., schema, _] => {
                matches!(
                    schema.as_str(),
                    "pg_catalog" | "information_schema" | "pg_internal" | "catalog_history"
                )
            }
            [name] => ["pg_", "stl_", "stv_", "svl_", "svv_", "svcs_", "sys_"]
                .iter()
                .any(|prefix| name.starts_with(prefix)),
            [] => true,
        }
    }
}

fn part(tokens: &Tokens, at: usize, end: usize) -> Option<String> {
    let token = tokens.get(at).filter(|_| at < end)?;
    match token.kind {
        // The name of a variable keeps its case.
        Kind::Word if token.text.contains([UNSET.0, AMBIGUOUS.0]) => Some(token.text.clone()),
        Kind::Word => Some(token.text.to_lowercase()),
        Kind::Quoted => {
            let inner = token.text.strip_prefix('"')?;
            let inner = inner.strip_suffix('"').unwrap_or(inner);
            Some(inner.replace("\"\"", "\"").to_lowercase())
        }
        _ => None,
    }
}

/// The schemas that unqualified names are looked up in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SearchPath {
    /// Not known: nothing set it.
    Unknown,
    /// In this order, without `$user` and the system catalog.
    Schemas(Vec<String>),
}

impl SearchPath {
    pub(crate) fn of(schemas: impl IntoIterator<Item = String>) -> Self {
        let schemas: Vec<String> = schemas
            .into_iter()
            .map(|schema| schema.to_lowercase())
            .filter(|schema| !matches!(schema.as_str(), "$user" | "pg_catalog" | "pg_temp" | ""))
            .collect();
        if schemas.is_empty() { Self::Unknown } else { Self::Schemas(schemas) }
    }
}
