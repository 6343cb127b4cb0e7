//! Aliases of a select list that are used in the same query.
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_SELECT_list.html>
//!
//! A column of FROM goes before an alias of the same name. Where the catalogue does not know the columns, an alias whose
//! expression holds its own name (`upper(name) AS name`) is taken for such a column.

use std::collections::HashMap;
use std::ops::Range;

use super::DialectError;
use super::clauses::{Select, before, items, loud, relations};
use super::edit::Edits;
use super::expression::{closing, identifier};
use super::select::begins_query;
use crate::lexer::token::{Kind, Token};

/// Expressions grow with each alias that stands for another.
const LONGEST: usize = 1 << 20;

/// Functions whose value differs from call to call: putting them in twice would give two values.
const VOLATILE: [&str; 4] = ["random", "nextval", "clock_timestamp", "timeofday"];

/// Replaces aliases by their expressions.
///
/// # Errors
/// If an expression cannot stand twice.
pub(super) fn expand(tokens: &[Token], select: &Select) -> Result<Option<Vec<Token>>, DialectError> {
    if select.list.is_empty() {
        return Ok(None);
    }
    let items = items(tokens, select.list.clone());
    if !items.iter().any(|item| item.alias.is_some()) {
        return Ok(None);
    }
    // The server is asked for columns only where an alias is used again.
    let names: Vec<String> =
        items.iter().filter_map(|i| Some(i.alias.as_ref()?.to_ascii_lowercase())).collect();
    let mut used = items.iter().map(|i| i.expression.clone()).collect::<Vec<_>>();
    used.extend(
        [&select.filter, &select.having, &select.qualify, &select.group, &select.order].map(Clone::clone),
    );
    if !used.into_iter().any(|part| names.iter().any(|name| references(tokens, part.clone(), name))) {
        return Ok(None);
    }
    let mut columns: Option<Vec<String>> = Some(Vec::new());
    for relation in relations(tokens, select.from.clone()) {
        let known = if relation.pivot.is_some() { None } else { relation.columns(tokens) };
        columns = match (columns, known) {
            (Some(mut all), Some(known)) => {
                all.extend(known.into_iter().map(|(name, _)| name));
                Some(all)
            }
            _ => None,
        };
    }
    let mut known: HashMap<String, String> = HashMap::new();
    let mut edits = Edits::default();
    for item in &items {
        replace(tokens, item.expression.clone(), &known, &mut edits, false)?;
        let Some(alias) = &item.alias else { continue };
        let name = alias.to_ascii_lowercase();
        let is_column = match &columns {
            Some(columns) => columns.iter().any(|c| c.eq_ignore_ascii_case(&name)),
            None => references(tokens, item.expression.clone(), &name),
        };
        if !is_column {
            let text = edits.text(tokens, item.expression.clone());
            if text.len() > LONGEST {
                return Err(DialectError::unsupported(
                    "aliases of a select list within each other, so many levels deep,",
                ));
            }
            known.insert(name, text.trim().to_owned());
        }
    }
    for clause in [&select.filter, &select.having, &select.qualify] {
        replace(tokens, clause.clone(), &known, &mut edits, false)?;
    }
    // Alone, an alias stands in GROUP BY and ORDER BY in PostgreSQL as well.
    for clause in [&select.group, &select.order] {
        replace(tokens, clause.clone(), &known, &mut edits, true)?;
    }
    Ok((!edits.is_empty()).then(|| edits.apply(tokens)))
}

/// Whether the word at `at` is a name of its own: no function, no part of a longer name, no type and no alias.
fn is_name(tokens: &[Token], at: usize) -> bool {
    let previous = before(tokens, at);
    let next = loud(tokens, at + 1);
    matches!(tokens[at].kind, Kind::Word | Kind::Quoted)
        && !previous.is_some_and(|t| t.is_symbol(".") || t.is_symbol("::") || t.is("as"))
        && !next.is_some_and(|t| t.is_symbol("(") || t.is_symbol("."))
}

/// The indexes of a part that stand outside of subqueries.
fn own(tokens: &[Token], part: Range<usize>) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = part.start;
    while at < part.end {
        if tokens[at].is_symbol("(")
            && begins_query(&tokens[at + 1..part.end])
            && let Some(close) = closing(tokens, at)
        {
            at = close + 1;
            continue;
        }
        found.push(at);
        at += 1;
    }
    found
}

fn references(tokens: &[Token], part: Range<usize>, name: &str) -> bool {
    own(tokens, part)
        .into_iter()
        .any(|at| is_name(tokens, at) && identifier(&tokens[at]).eq_ignore_ascii_case(name))
}

fn replace(
    tokens: &[Token],
    part: Range<usize>,
    known: &HashMap<String, String>,
    edits: &mut Edits,
    only_within: bool,
) -> Result<(), DialectError> {
    if known.is_empty() {
        return Ok(());
    }
    for at in own(tokens, part.clone()) {
        if !is_name(tokens, at) {
            continue;
        }
        let Some(text) = known.get(&identifier(&tokens[at]).to_ascii_lowercase()) else { continue };
        if only_within {
            let starts = before(&tokens[part.start..], at - part.start).is_none_or(|t| t.is_symbol(","));
            let ends = loud(&tokens[..part.end], at + 1)
                .is_none_or(|t| t.is_symbol(",") || t.is("asc") || t.is("desc") || t.is("nulls"));
            if starts && ends {
                continue;
            }
        }
        if VOLATILE.iter().any(|name| text.to_ascii_lowercase().contains(&format!("{name}("))) {
            return Err(DialectError::unsupported(format!(
                "the alias {} of a select list, whose expression differs from call to call,",
                tokens[at].text
            )));
        }
        edits.replace(at..at + 1, format!("({text})"));
    }
    Ok(())
}
