//! Values in statements.
//!
//! `:name` is a value. Where the Data API takes parameters (SELECT, INSERT, UPDATE, DELETE, MERGE, CALL), it stays in
//! the text and its value goes beside it. Elsewhere (COPY, UNLOAD, DDL) it becomes a literal that is quoted here; in
//! the text that UNLOAD takes in quotes, once more. `{{ name }}` puts a value into the text itself, for names and
//! dates, and takes only values that cannot change what the statement is.
//!
//! What is put in is never read again: names are found in the text as it was written.

use std::collections::{BTreeMap, BTreeSet};

use rsql_lexer::token::{Kind, Token, tokens};

use super::split::words;
use super::{NoLiteral, literal};

/// A statement with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The text to send.
    pub sql: String,
    /// Parameters to send beside it, by name. The text uses every one of them.
    pub parameters: BTreeMap<String, String>,
}

/// Why a value cannot be put in. None shows the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindProblem {
    /// Nobody gives it.
    #[error("uses :{0}, which has no value")]
    Unset(String),
    /// As the Data API names no parameter.
    #[error("uses :{0}, which is not a name: letters, digits and _")]
    NotAName(String),
    /// The Data API takes no empty value.
    #[error("uses {0}, whose value is empty")]
    Empty(String),
    /// It cannot be written as a literal.
    #[error("uses :{name}, whose value {reason}")]
    NoLiteral {
        /// The name.
        name: String,
        /// Why.
        reason: NoLiteral,
    },
    /// A literal within a text in `$$` would end that text.
    #[error("uses :{0}, whose value contains the {1} that quotes the query")]
    EndsQuote(String, String),
    /// Only names and dates go into the text.
    #[error("uses {{{{ {0} }}}}, whose value has other characters than letters, digits, and _ . : / -")]
    NotPlain(String),
    /// A `{{` that is no placeholder.
    #[error("has a {{{{ that is no {{{{ name }}}}")]
    Template,
}

impl BindProblem {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unset(_) => "give it in `parameters`, or write it in quotes if it is text",
            Self::NotAName(_) => "rename it",
            Self::Empty(_) => "give it a value, or write NULL or '' into the SQL",
            Self::NoLiteral { .. } => "remove the character from the value",
            Self::EndsQuote(..) => "write the query in '…' instead",
            Self::NotPlain(_) => "use :name instead, which takes any value",
            Self::Template => "write {{ name }}, or {{{{ for two braces",
        }
    }
}

/// The names that a statement uses as `:name`.
#[must_use]
pub fn names(statement: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in parts(statement) {
        match part {
            Part::Value(name) => {
                found.insert(name.to_owned());
            }
            Part::Query { inner, .. } => found.extend(names_in(&inner)),
            Part::Text(_) => {}
        }
    }
    found
}

/// Puts the values in.
///
/// # Errors
/// Everything that is wrong, each once.
pub fn bind(statement: &str, values: &BTreeMap<&str, &str>) -> Result<Bound, Vec<BindProblem>> {
    let mut binder = Binder { values, problems: Vec::new(), parameters: BTreeMap::new() };
    let beside = takes_parameters(statement);
    let mut sql = String::with_capacity(statement.len());
    for part in parts(statement) {
        match part {
            Part::Text(text) => binder.fill(text, &mut sql),
            Part::Value(name) if beside => binder.parameter(name, &mut sql),
            Part::Value(name) => sql.push_str(&binder.literal(name)),
            Part::Query { open, inner, close } => {
                let mut text = String::new();
                for part in values_in(&inner) {
                    match part {
                        Inner::Text(part) => binder.fill(part, &mut text),
                        Inner::Value(name) => {
                            let literal = binder.literal(name);
                            if close != "'" && literal.contains(close) {
                                binder.add(BindProblem::EndsQuote(name.to_owned(), close.to_owned()));
                            }
                            text.push_str(&literal);
                        }
                    }
                }
                sql.push_str(open);
                sql.push_str(&if close == "'" { text.replace('\'', "''") } else { text });
                sql.push_str(close);
            }
        }
    }
    if binder.problems.is_empty() {
        Ok(Bound { sql, parameters: binder.parameters })
    } else {
        Err(binder.problems)
    }
}

struct Binder<'a> {
    values: &'a BTreeMap<&'a str, &'a str>,
    problems: Vec<BindProblem>,
    parameters: BTreeMap<String, String>,
}

impl Binder<'_> {
    fn add(&mut self, problem: BindProblem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn value(&mut self, name: &str) -> Option<String> {
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            self.add(BindProblem::NotAName(name.to_owned()));
            return None;
        }
        match self.values.get(name) {
            None => self.add(BindProblem::Unset(name.to_owned())),
            Some(&"") => self.add(BindProblem::Empty(format!(":{name}"))),
            Some(value) => return Some((*value).to_owned()),
        }
        None
    }

    fn parameter(&mut self, name: &str, sql: &mut String) {
        sql.push(':');
        sql.push_str(name);
        if let Some(value) = self.value(name) {
            if value.contains('\0') {
                self.add(BindProblem::NoLiteral {
                    name: name.to_owned(),
                    reason: NoLiteral("a NUL character"),
                });
            }
            self.parameters.insert(name.to_owned(), value);
        }
    }

    fn literal(&mut self, name: &str) -> String {
        let Some(value) = self.value(name) else { return String::new() };
        literal(&value).unwrap_or_else(|reason| {
            self.add(BindProblem::NoLiteral { name: name.to_owned(), reason });
            String::new()
        })
    }

    /// `{{ name }}` in a piece of the text as it was written.
    fn fill(&mut self, text: &str, sql: &mut String) {
        let mut rest = text;
        while let Some(at) = rest.find("{{") {
            sql.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{{{") {
                sql.push_str("{{");
                rest = after;
                continue;
            }
            let inner = rest[2..].split_once("}}");
            let Some((name, after)) = inner.map(|(name, after)| (name.trim(), after)) else {
                self.add(BindProblem::Template);
                return;
            };
            rest = after;
            match self.values.get(name) {
                None => self.add(BindProblem::Template),
                Some(&"") => self.add(BindProblem::Empty(format!("{{{{ {name} }}}}"))),
                Some(value) if !is_plain(value, sql, after) => {
                    self.add(BindProblem::NotPlain(name.to_owned()));
                }
                Some(value) => sql.push_str(value),
            }
        }
        sql.push_str(rest);
    }
}

/// Whether a value may stand in the text of a statement between `before` and `after`: a name, a number, a date, a
/// path. Neither in it nor where it meets the text may a comment begin or end.
fn is_plain(value: &str, before: &str, after: &str) -> bool {
    let joins = |left: Option<char>, right: Option<char>| {
        matches!((left, right), (Some('-'), Some('-')) | (Some('/'), Some('*')) | (Some('*'), Some('/')))
    };
    value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:/-".contains(&b))
        && !value.contains("--")
        && !joins(before.chars().next_back(), value.chars().next())
        && !joins(value.chars().next_back(), after.chars().next())
}

/// Whether the Data API takes parameters for it.
fn takes_parameters(statement: &str) -> bool {
    let first = rsql_lexer::token::first_word(statement).to_ascii_lowercase();
    matches!(first.as_str(), "select" | "with" | "insert" | "update" | "delete" | "merge" | "call")
}

/// A statement taken apart.
enum Part<'a> {
    Text(&'a str),
    /// `:name`, without the colon.
    Value(&'a str),
    /// The query that UNLOAD takes in quotes, without them and as it is within.
    Query {
        open: &'a str,
        inner: String,
        close: &'a str,
    },
}

fn parts(statement: &str) -> Vec<Part<'_>> {
    let all = tokens(statement, false);
    let unload = words(statement).first().is_some_and(|word| word == "unload");
    let mut query_passed = !unload;
    let mut parts = Vec::new();
    let mut from = 0;
    for (i, token) in all.iter().enumerate() {
        let end = token.start + token.text.len();
        if let Some(name) = value_at(&all, i) {
            parts.push(Part::Text(&statement[from..token.start]));
            parts.push(Part::Value(&statement[end..end + name.text.len()]));
            from = end + name.text.len();
        } else if !query_passed && matches!(token.kind, Kind::Text | Kind::Dollar) {
            query_passed = true;
            let written = &statement[token.start..end];
            if let Some((open, inner, close)) = quoted(written, token.kind) {
                parts.push(Part::Text(&statement[from..token.start]));
                parts.push(Part::Query { open, inner, close });
                from = end;
            }
        }
    }
    parts.push(Part::Text(&statement[from..]));
    parts
}

/// A quoted text: its opening, what is within, its closing. A text in `'…'` with a backslash is left as it is.
fn quoted(written: &str, kind: Kind) -> Option<(&str, String, &str)> {
    if kind == Kind::Dollar {
        let tag = written.len().min(written[1..].find('$')? + 2);
        let inner = written.get(tag..written.len().checked_sub(tag)?)?;
        return Some((&written[..tag], inner.to_owned(), &written[written.len() - tag..]));
    }
    let inner = written.strip_prefix('\'')?.strip_suffix('\'')?;
    (!inner.contains('\\')).then(|| (&written[..1], inner.replace("''", "'"), &written[written.len() - 1..]))
}

enum Inner<'a> {
    Text(&'a str),
    Value(&'a str),
}

fn values_in(text: &str) -> Vec<Inner<'_>> {
    let all = tokens(text, false);
    let mut parts = Vec::new();
    let mut from = 0;
    for (i, token) in all.iter().enumerate() {
        if let Some(name) = value_at(&all, i) {
            let begin = token.start + 1;
            parts.push(Inner::Text(&text[from..token.start]));
            parts.push(Inner::Value(&text[begin..begin + name.text.len()]));
            from = begin + name.text.len();
        }
    }
    parts.push(Inner::Text(&text[from..]));
    parts
}

fn names_in(text: &str) -> Vec<String> {
    let found = values_in(text).into_iter().filter_map(|part| match part {
        Inner::Value(name) => Some(name.to_owned()),
        Inner::Text(_) => None,
    });
    found.collect()
}

/// The name behind the colon that token `i` is. A slice (`a[1:n]`) has no blank before its colon either, so what
/// stands before decides: a value follows neither a name nor a number nor a closing bracket at once.
fn value_at(all: &[Token], i: usize) -> Option<&Token> {
    let colon = all.get(i).filter(|token| token.is_symbol(":"))?;
    let name = all.get(i + 1).filter(|token| token.kind == Kind::Word && !token.text.starts_with('#'))?;
    debug_assert_eq!(colon.start + 1, name.start);
    let before = i.checked_sub(1).and_then(|before| all.get(before));
    let slices = before.is_some_and(|before| {
        matches!(before.kind, Kind::Word | Kind::Number | Kind::Quoted) || before.is_symbol("]")
    });
    (!slices).then_some(name)
}
