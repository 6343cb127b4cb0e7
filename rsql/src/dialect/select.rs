//! SELECT TOP n.

use std::collections::HashMap;

use super::depth::Level;
use super::expression::{Cursor, closing, expression, raw};
use super::{DialectError, query, scope};
use crate::lexer::token::{Kind, Token};

/// Whether tokens begin a query.
pub(super) fn begins_query(tokens: &[Token]) -> bool {
    let mut cursor = Cursor::new(tokens);
    cursor.word("all");
    cursor.symbol("(");
    cursor.word("select") || cursor.word("with")
}

/// Indexes of tokens at the outermost level for which `what` holds.
fn outer(tokens: &[Token], what: impl Fn(&Token) -> bool) -> Vec<usize> {
    let (mut depth, mut found) = (0, Vec::new());
    for (index, token) in tokens.iter().enumerate() {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
        } else if depth == 0 && what(token) {
            found.push(index);
        }
    }
    found
}

fn is_set_operation(token: &Token) -> bool {
    ["union", "except", "intersect", "minus"].iter().any(|w| token.is(w))
}

/// Writes a statement or subquery anew: its TOP here, the rest by [`expression`].
///
/// # Errors
/// If something in it has no counterpart.
pub(super) fn rewrite(tokens: &[Token]) -> Result<String, DialectError> {
    let _level = Level::enter()?;
    // What holds no query has no clauses.
    if !outer(tokens, |t| t.is("select") || t.is("update") || t.is("delete") || t.is("merge")).is_empty() {
        let _common = scope::Query::enter(query::common(tokens), Vec::new());
        let prepared = query::prepare(tokens)?;
        let names = query::names(&prepared);
        let _query = scope::Query::enter(HashMap::new(), names);
        return top(&prepared);
    }
    top(tokens)
}

/// SELECT TOP n … is SELECT … LIMIT n.
fn top(tokens: &[Token]) -> Result<String, DialectError> {
    let mut found = None;
    for select in outer(tokens, |t| t.is("select")) {
        let mut cursor = Cursor::new(&tokens[select + 1..]);
        let _ = cursor.word("distinct") || cursor.word("all");
        let at = select + 1 + cursor.position();
        let mut behind = cursor.clone();
        if !behind.word("top") {
            continue;
        }
        let number = behind.peek().filter(|t| t.kind == Kind::Number || t.is_symbol("(")).cloned();
        let Some(number) = number else { continue };
        let end = if number.is_symbol("(") {
            let open = select + 1 + behind.position();
            closing(tokens, open).ok_or_else(|| DialectError::Syntax("(".into()))?
        } else {
            select + 1 + behind.position()
        };
        if found.is_some() {
            return Err(DialectError::unsupported("more than one TOP in a query"));
        }
        found = Some((at, end, raw(&tokens[at + 1..=end]).trim().to_owned()));
    }
    let Some((at, end, count)) = found else { return expression(tokens) };
    if !outer(tokens, is_set_operation).is_empty() {
        return Err(DialectError::unsupported("TOP beside UNION, EXCEPT or INTERSECT"));
    }
    if !outer(tokens, |t| t.is("limit")).is_empty() {
        return Err(DialectError::unsupported("TOP beside LIMIT"));
    }
    let mut kept: Vec<Token> = tokens[..at].to_vec();
    let gap = end + 1 + usize::from(tokens.get(end + 1).is_some_and(|t| t.kind == Kind::Blank));
    kept.extend_from_slice(&tokens[gap.min(tokens.len())..]);
    let (body, tail) = without_tail(&kept);
    Ok(format!("{} LIMIT {count}{tail}", expression(body)?.trim_end()))
}

/// A statement without its semicolon and what is quiet before it.
fn without_tail(tokens: &[Token]) -> (&[Token], String) {
    let mut end = tokens.len();
    while end > 0 && (tokens[end - 1].is_quiet() || tokens[end - 1].is_symbol(";")) {
        end -= 1;
    }
    // A comment at the end must not swallow what is put behind it.
    let semicolon = tokens[end..].iter().any(|t| t.is_symbol(";"));
    (&tokens[..end], if semicolon { ";".into() } else { String::new() })
}
