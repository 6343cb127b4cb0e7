//! Names of tables and columns.

/// Longest name in bytes (Redshift developer guide, "Names and identifiers").
pub const LONGEST: usize = 127;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// Nothing, or nothing between two dots.
    #[error("has an empty name")]
    Empty,
    /// Over [`LONGEST`].
    #[error("has a name of {0} bytes; at most {LONGEST} are allowed")]
    TooLong(usize),
    /// A character that no name has unless it is quoted, and that we do not quote either.
    #[error("has {0:?} in a name; names are letters, digits, _ and $, and begin with a letter or _")]
    Character(char),
    /// More dots than parts.
    #[error("has {0} parts; a table is table, schema.table or database.schema.table")]
    Parts(usize),
}

/// A name in quotes, so that no word is reserved. Folded to lower case, as Redshift folds names, quoted too
/// (same guide; `enable_case_sensitive_identifier` is off by default).
///
/// # Errors
/// When it is not a name.
pub fn identifier(name: &str) -> Result<String, NameProblem> {
    let first = name.chars().next().ok_or(NameProblem::Empty)?;
    if name.len() > LONGEST {
        return Err(NameProblem::TooLong(name.len()));
    }
    let begins = |c: char| c.is_alphabetic() || c == '_';
    if !begins(first) {
        return Err(NameProblem::Character(first));
    }
    match name.chars().find(|c| !(c.is_alphanumeric() || *c == '_' || *c == '$')) {
        Some(other) => Err(NameProblem::Character(other)),
        None => Ok(format!("\"{}\"", name.to_lowercase())),
    }
}

/// `table`, `schema.table` or `database.schema.table`, each part in quotes.
///
/// # Errors
/// When a part is not a name, or there are more than three.
pub fn table(name: &str) -> Result<String, NameProblem> {
    let parts = name.split('.').map(identifier).collect::<Result<Vec<_>, _>>()?;
    if parts.len() > 3 {
        return Err(NameProblem::Parts(parts.len()));
    }
    Ok(parts.join("."))
}

/// A type as it may stand in CREATE TABLE: `varchar(20)`, `numeric(12,2)`, `timestamp without time zone`.
///
/// # Errors
/// When it is anything else.
pub fn column_type(text: &str) -> Result<String, NameProblem> {
    let (words, arguments) = match text.split_once('(') {
        Some((words, rest)) => (words, Some(rest)),
        None => (text, None),
    };
    if words.trim().is_empty() {
        return Err(NameProblem::Empty);
    }
    if let Some(other) = words.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, ' ' | '_'))) {
        return Err(NameProblem::Character(other));
    }
    if let Some(rest) = arguments {
        let (inner, after) = rest.split_once(')').ok_or(NameProblem::Character('('))?;
        let is_number = |part: &str| {
            let part = part.trim();
            part == "max" || (!part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        };
        if !inner.split(',').all(is_number) {
            return Err(NameProblem::Character('('));
        }
        if let Some(other) = after.chars().find(|c| !(c.is_ascii_alphabetic() || *c == ' ')) {
            return Err(NameProblem::Character(other));
        }
    }
    Ok(text.trim().to_ascii_lowercase())
}
