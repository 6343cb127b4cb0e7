//! `(+)`, the outer join of Oracle.
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_WHERE_oracle_outer.html>

use std::ops::Range;

use super::DialectError;
use super::clauses::{Relation, Select, before, relations, same};
use super::edit::Edits;
use super::expression::{closing, identifier};
use super::query::trimmed;
use crate::lexer::token::{Kind, Token};

/// Whether `(+)` stands at `at`; the index behind it.
fn mark(tokens: &[Token], at: usize) -> Option<usize> {
    let close = tokens.get(at).filter(|t| t.is_symbol("(")).and_then(|_| closing(tokens, at))?;
    let mut inside = tokens[at + 1..close].iter().filter(|t| !t.is_quiet());
    (inside.next()?.is_symbol("+") && inside.next().is_none()).then_some(close + 1)
}

/// The conditions of WHERE that AND joins, at the outermost level.
fn conjuncts(tokens: &[Token], filter: Range<usize>) -> Option<Vec<Range<usize>>> {
    let (mut parts, mut start, mut depth, mut between) = (Vec::new(), filter.start, 0_i32, false);
    for at in filter.clone() {
        let token = &tokens[at];
        depth += i32::from(token.is_symbol("(")) - i32::from(token.is_symbol(")"));
        if depth != 0 {
            continue;
        }
        if token.is("or") {
            return None;
        }
        if token.is("between") {
            between = true;
        } else if token.is("and") && !std::mem::take(&mut between) {
            parts.push(start..at);
            start = at + 1;
        }
    }
    parts.push(start..filter.end);
    Some(parts)
}

/// Puts conditions with `(+)` into LEFT JOINs.
///
/// # Errors
/// If the conditions are joined otherwise than by AND, or the tables otherwise than by commas.
pub(super) fn joins(tokens: &[Token], select: &Select) -> Result<Option<Vec<Token>>, DialectError> {
    if !select.filter.clone().any(|at| mark(tokens, at).is_some()) {
        return Ok(None);
    }
    let refuse = |why: &str| DialectError::unsupported(format!("(+) {why}"));
    let tables = relations(tokens, select.from.clone());
    if tables.iter().any(|t| !t.listed) {
        return Err(refuse("beside JOIN"));
    }
    let conditions = conjuncts(tokens, select.filter.clone()).ok_or_else(|| refuse("beside OR"))?;
    let mut optional: Vec<(usize, Vec<String>, Vec<usize>)> = Vec::new();
    let mut kept = Vec::new();
    for condition in conditions {
        let mut marked = None;
        let mut named = Vec::new();
        let mut edits = Edits::default();
        for at in condition.clone() {
            if let Some(table) = qualifier(tokens, at, &tables)
                && !named.contains(&table)
            {
                named.push(table);
            }
            if let Some(end) = mark(tokens, at) {
                edits.replace(at..end, "");
                let column = (condition.start..at).rev().find(|i| !tokens[*i].is_quiet());
                let table = column
                    .and_then(|c| (condition.start..c).rev().filter(|i| !tokens[*i].is_quiet()).nth(1))
                    .and_then(|name| qualifier(tokens, name, &tables))
                    .ok_or_else(|| refuse("behind a column without its table"))?;
                if marked.is_some_and(|m| m != table) {
                    return Err(refuse("of two tables in one condition"));
                }
                marked = Some(table);
            }
        }
        let text = edits.text(tokens, condition.clone()).trim().to_owned();
        match marked {
            None => kept.push(text),
            Some(table) => {
                let others: Vec<usize> = named.into_iter().filter(|n| *n != table).collect();
                match optional.iter_mut().find(|(t, ..)| *t == table) {
                    Some((_, texts, needed)) => {
                        texts.push(text);
                        needed.extend(others);
                    }
                    None => optional.push((table, vec![text], others)),
                }
            }
        }
    }
    let mut placed: Vec<usize> =
        (0..tables.len()).filter(|i| !optional.iter().any(|(table, ..)| table == i)).collect();
    let whole = |table: usize| trimmed(&tokens[tables[table].whole.clone()]);
    let mut from = placed.iter().map(|t| whole(*t)).collect::<Vec<_>>().join(" CROSS JOIN ");
    while !optional.is_empty() {
        let next = optional.iter().position(|(_, _, needed)| needed.iter().all(|n| placed.contains(n)));
        let (table, texts, _) = optional.remove(next.ok_or_else(|| refuse("in a circle of tables"))?);
        from.push_str(&format!(" LEFT JOIN {} ON {}", whole(table), texts.join(" AND ")));
        placed.push(table);
    }
    // `*` shows the columns in the order of the tables.
    let star = select.list.clone().any(|at| {
        tokens[at].is_symbol("*")
            && before(&tokens[select.list.start..], at - select.list.start).is_none_or(|t| t.is_symbol(","))
    });
    if star && !placed.is_sorted() {
        return Err(refuse("with * where the table does not stand last"));
    }
    let mut edits = Edits::default();
    edits.replace(select.from.clone(), format!(" {from} "));
    let word = select.filter_word.unwrap_or(select.filter.start);
    let filter = if kept.is_empty() { String::new() } else { format!("WHERE {} ", kept.join(" AND ")) };
    edits.replace(word..select.filter.end, filter);
    Ok(Some(edits.apply(tokens)))
}

/// The table whose name stands at `at` before a dot.
fn qualifier(tokens: &[Token], at: usize, tables: &[Relation]) -> Option<usize> {
    let token = &tokens[at];
    if !matches!(token.kind, Kind::Word | Kind::Quoted)
        || !tokens.get(at + 1).is_some_and(|t| t.is_symbol("."))
    {
        return None;
    }
    let name = identifier(token);
    tables.iter().position(|t| t.name(tokens).is_some_and(|n| same(&n, &name)))
}
