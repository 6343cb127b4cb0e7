//! PIVOT and UNPIVOT.
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_FROM_clause-pivot-unpivot-examples.html>

use super::DialectError;
use super::clauses::{Relation, Select, items, relations};
use super::edit::Edits;
use super::expression::{Cursor, arguments};
use super::query::trimmed;
use crate::lexer::token::{Kind, Token};

/// Replaces PIVOT and UNPIVOT in FROM by subqueries.
///
/// # Errors
/// If the columns of the table are not known.
pub(super) fn expand(tokens: &[Token], select: &Select) -> Result<Option<Vec<Token>>, DialectError> {
    let mut edits = Edits::default();
    for (number, relation) in relations(tokens, select.from.clone()).iter().enumerate() {
        let Some(range) = relation.pivot.clone() else { continue };
        let name = relation.alias.clone().unwrap_or_else(|| format!("derived_table{}", number + 1));
        let clause = &tokens[range];
        let query = if clause.first().is_some_and(|t| t.is("pivot")) {
            pivot(tokens, relation, clause)?
        } else {
            unpivot(tokens, relation, clause)?
        };
        edits.replace(relation.whole.clone(), format!("({query}) AS {name} "));
    }
    Ok((!edits.is_empty()).then(|| edits.apply(tokens)))
}

/// The columns of the table that the clause does not use.
fn others(
    tokens: &[Token],
    relation: &Relation,
    used: &[String],
    what: &str,
) -> Result<Vec<String>, DialectError> {
    let columns = relation.columns(tokens).ok_or_else(|| DialectError::UnknownColumns(what.to_owned()))?;
    Ok(columns
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !used.iter().any(|u| u.eq_ignore_ascii_case(name)))
        .collect())
}

/// A name for a column.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.trim_matches('"').replace('"', "\"\""))
}

/// An entry of IN: its text and its name.
fn entry(part: &[Token]) -> (String, String) {
    let item = items(part, 0..part.len()).into_iter().next();
    let Some(item) = item else { return (String::new(), String::new()) };
    let value = trimmed(&part[item.expression.clone()]);
    let plain = part.iter().find(|t| !t.is_quiet()).and_then(Token::string);
    let name = item.alias.unwrap_or_else(|| plain.unwrap_or_else(|| value.trim_matches('"').to_owned()));
    (value, name.trim_matches('"').to_ascii_lowercase())
}

/// PIVOT (sum(v) [AS s], … FOR k IN (value [AS name], …)).
fn pivot(tokens: &[Token], relation: &Relation, clause: &[Token]) -> Result<String, DialectError> {
    let mut cursor = Cursor::new(clause);
    cursor.next();
    let inner = cursor.group().ok_or_else(|| DialectError::Syntax("PIVOT".into()))?;
    let at = inner.iter().position(|t| t.is("for")).ok_or_else(|| DialectError::Syntax("PIVOT".into()))?;
    let mut rest = Cursor::new(&inner[at + 1..]);
    let key = rest.name()?;
    if !rest.word("in") {
        return Err(DialectError::Syntax(rest.near()));
    }
    let values = rest.group().ok_or_else(|| DialectError::Syntax(rest.near()))?;
    let list = &inner[..at];
    let sums = items(list, 0..list.len());
    let mut used = vec![key.clone()];
    let mut columns = Vec::new();
    for item in &sums {
        let expression = &list[item.expression.clone()];
        used.extend(
            expression.iter().filter(|t| matches!(t.kind, Kind::Word | Kind::Quoted)).map(|t| t.text.clone()),
        );
    }
    let others = others(tokens, relation, &used, "PIVOT")?;
    columns.extend(others.iter().map(|c| quoted(c)));
    let group = columns.join(", ");
    for value in arguments(values) {
        let (text, name) = entry(value);
        for item in &sums {
            let call = trimmed(&list[item.expression.clone()]);
            let name = match &item.alias {
                Some(alias) => format!("{name}_{}", alias.trim_matches('"')),
                None => name.clone(),
            };
            columns.push(format!("{call} FILTER (WHERE {key} = {text}) AS {}", quoted(&name)));
        }
    }
    let source = trimmed(&tokens[relation.source.clone()]);
    let group = if group.is_empty() { String::new() } else { format!(" GROUP BY {group}") };
    Ok(format!("SELECT {} FROM {source} AS pivot_source{group}", columns.join(", ")))
}

/// UNPIVOT [INCLUDE NULLS] (v FOR k IN (column [AS name], …)).
fn unpivot(tokens: &[Token], relation: &Relation, clause: &[Token]) -> Result<String, DialectError> {
    let mut cursor = Cursor::new(clause);
    cursor.next();
    let include = cursor.word("include");
    let _ = cursor.word("exclude");
    cursor.word("nulls");
    let inner = cursor.group().ok_or_else(|| DialectError::Syntax("UNPIVOT".into()))?;
    let mut rest = Cursor::new(inner);
    let value = rest.name()?;
    if !rest.word("for") {
        return Err(DialectError::Syntax(rest.near()));
    }
    let key = rest.name()?;
    if !rest.word("in") {
        return Err(DialectError::Syntax(rest.near()));
    }
    let list = rest.group().ok_or_else(|| DialectError::Syntax(rest.near()))?;
    let mut used = Vec::new();
    let mut rows = Vec::new();
    for part in arguments(list) {
        // A name for a column may be a text.
        let words: Vec<&Token> = part.iter().filter(|t| !t.is_quiet()).collect();
        let column = words.first().map(|t| t.text.clone()).unwrap_or_default();
        let name = match words.last() {
            Some(last) => last.string().unwrap_or_else(|| last.text.trim_matches('"').to_ascii_lowercase()),
            None => String::new(),
        };
        rows.push(format!("('{}', pivot_source.{column})", name.replace('\'', "''")));
        used.push(column);
    }
    let others = others(tokens, relation, &used, "UNPIVOT")?;
    let mut columns: Vec<String> = others.iter().map(|c| format!("pivot_source.{}", quoted(c))).collect();
    columns.push(format!("pivot_rows.{key}"));
    columns.push(format!("pivot_rows.{value}"));
    let source = trimmed(&tokens[relation.source.clone()]);
    let filter = if include { String::new() } else { format!(" WHERE pivot_rows.{value} IS NOT NULL") };
    Ok(format!(
        "SELECT {} FROM {source} AS pivot_source CROSS JOIN LATERAL (VALUES {}) AS pivot_rows({key}, {value}){filter}",
        columns.join(", "),
        rows.join(", ")
    ))
}
