//! SELECT TOP n, and QUALIFY.

use std::collections::HashMap;

use super::depth::Level;
use super::expression::{Cursor, closing, expression, identifier, raw};
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

/// Writes a statement or subquery anew: its TOP and QUALIFY here, the rest by [`expression`].
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
        return written(&prepared);
    }
    written(tokens)
}

fn written(tokens: &[Token]) -> Result<String, DialectError> {
    let qualifies = outer(tokens, |t| t.is("qualify"));
    // A column may be called so; the clause needs something behind it.
    let qualify = qualifies.iter().copied().find(|at| {
        let behind = Cursor::new(&tokens[at + 1..]).peek().cloned();
        behind.is_some_and(|t| matches!(t.kind, Kind::Word | Kind::Quoted | Kind::Number) || t.is_symbol("("))
            && !tokens[..*at]
                .iter()
                .rev()
                .find(|t| !t.is_quiet())
                .is_some_and(|t| t.is_symbol(",") || t.is("select"))
    });
    if let Some(at) = qualify {
        return with_qualify(tokens, at);
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

/// SELECT list FROM … QUALIFY condition [ORDER BY …] [LIMIT …]: the condition becomes a column of a
/// subquery, and the outer query filters by it.
fn with_qualify(tokens: &[Token], at: usize) -> Result<String, DialectError> {
    let select = outer(tokens, |t| t.is("select")).into_iter().rfind(|s| *s < at);
    let select = select.ok_or_else(|| DialectError::Syntax("QUALIFY".into()))?;
    if !outer(tokens, is_set_operation).is_empty() {
        return Err(DialectError::unsupported("QUALIFY beside UNION, EXCEPT or INTERSECT"));
    }
    let from = outer(tokens, |t| t.is("from")).into_iter().find(|f| *f > select && *f < at);
    let from = from.ok_or_else(|| DialectError::unsupported("QUALIFY without FROM"))?;
    let (body, semicolon) = without_tail(tokens);
    let order = outer(body, |t| t.is("order") || t.is("limit")).into_iter().find(|o| *o > at);
    let end = order.unwrap_or(body.len());
    let head = expression(&tokens[..select])?;
    let condition = expression(&tokens[at + 1..end])?;
    let inner_from = expression(&tokens[from..at])?;
    let tail = expression(&body[end..])?;
    let list = &tokens[select + 1..from];
    let (inner, outside) = match star(list) {
        Some(qualifier) => {
            let relation = only_relation(&tokens[from + 1..at])
                .ok_or_else(|| DialectError::unsupported("QUALIFY with * over more than one table"))?;
            if qualifier.is_some_and(|q| !q.eq_ignore_ascii_case(&relation)) {
                return Err(DialectError::unsupported("QUALIFY with *"));
            }
            (format!("{relation} AS qualify_row"), "(qualify_query.qualify_row).*".to_owned())
        }
        None => {
            let (mut inside, mut outside) = (Vec::new(), Vec::new());
            for (number, item) in super::expression::arguments(list).into_iter().enumerate() {
                let text = expression(item)?.trim().to_owned();
                match output_name(item) {
                    Some(name) => {
                        inside.push(text);
                        outside.push(format!("qualify_query.{name}"));
                    }
                    None => {
                        inside.push(format!("{text} AS qualify_column{number}"));
                        outside.push(format!("qualify_query.qualify_column{number} AS \"?column?\""));
                    }
                }
            }
            (inside.join(", "), outside.join(", "))
        }
    };
    Ok(format!(
        "{head}SELECT {outside} FROM (SELECT {inner}, ({}) AS qualify_keep {}) AS qualify_query WHERE qualify_keep {tail}{semicolon}",
        condition.trim(),
        inner_from.trim(),
    ))
}

/// Whether a list is `*` or `name.*` alone.
fn star(list: &[Token]) -> Option<Option<String>> {
    let loud: Vec<&Token> = list.iter().filter(|t| !t.is_quiet()).collect();
    match loud.as_slice() {
        [star] if star.is_symbol("*") => Some(None),
        [name, dot, star] if dot.is_symbol(".") && star.is_symbol("*") => Some(Some(identifier(name))),
        _ => None,
    }
}

/// The alias or name of the only table after FROM.
fn only_relation(tokens: &[Token]) -> Option<String> {
    let clauses = ["where", "group", "having"];
    let end = outer(tokens, |t| clauses.iter().any(|c| t.is(c))).first().copied().unwrap_or(tokens.len());
    let tokens = &tokens[..end];
    if !outer(tokens, |t| t.is_symbol(",") || t.is("join")).is_empty() {
        return None;
    }
    let last = tokens.iter().rev().find(|t| !t.is_quiet())?;
    matches!(last.kind, Kind::Word | Kind::Quoted).then(|| identifier(last))
}

/// The name that a column of a list has outside.
fn output_name(item: &[Token]) -> Option<String> {
    let loud: Vec<&Token> = item.iter().filter(|t| !t.is_quiet()).collect();
    match loud.as_slice() {
        [.., before, name] if matches!(name.kind, Kind::Word | Kind::Quoted) => {
            let names = before.is("as")
                || before.is_symbol(".")
                || before.is_symbol(")")
                || matches!(before.kind, Kind::Word | Kind::Quoted | Kind::Number | Kind::Text);
            (names && !name.is("end")).then(|| identifier(name))
        }
        [name] if matches!(name.kind, Kind::Word | Kind::Quoted) => Some(identifier(name)),
        [.., name, open, close] if open.is_symbol("(") && close.is_symbol(")") && name.kind == Kind::Word => {
            Some(name.text.to_ascii_lowercase())
        }
        _ => None,
    }
}
