//! The parts of a query that PostgreSQL writes otherwise, one after the other.

use std::borrow::Cow;
use std::collections::HashMap;

use super::clauses::{self, Select, selects};
use super::edit::Edits;
use super::expression::{Cursor, identifier, raw};
use super::scope::Columns;
use super::{DialectError, decimals, lateral, outer, pivot, qualify, semi};
use crate::lexer::token::Token;

/// What a change does to one query of a level.
type Change = fn(&[Token], &Select) -> Result<Option<Vec<Token>>, DialectError>;

/// The changes in their order: first what FROM has, because the others ask it for columns.
const CHANGES: [Change; 8] = [
    semi::unnest,
    pivot::expand,
    outer::joins,
    lateral::expand,
    decimals::quotients,
    name_subqueries,
    name_columns,
    qualify::expand,
];

/// The tokens of a level with its queries changed.
///
/// # Errors
/// If something in them has no counterpart.
pub(super) fn prepare(tokens: &[Token]) -> Result<Cow<'_, [Token]>, DialectError> {
    let mut all = Cow::Borrowed(tokens);
    for change in CHANGES {
        let mut index = 0;
        while let Some(select) = selects(&all).get(index) {
            if let Some(changed) = change(&all, select)? {
                all = Cow::Owned(changed);
            }
            index += 1;
        }
    }
    if let Some(changed) = semi::navigate(&all)? {
        all = Cow::Owned(changed);
    }
    Ok(all)
}

/// The names of the relations of a level.
pub(super) fn names(tokens: &[Token]) -> Vec<String> {
    let of =
        |select: Select| clauses::relations(tokens, select.from).into_iter().filter_map(|r| r.name(tokens));
    let mut names: Vec<String> = selects(tokens).into_iter().flat_map(of).collect();
    // What UPDATE, DELETE and MERGE change, and what stands behind USING.
    let mut cursor = Cursor::new(tokens);
    if ["update", "delete", "merge"].iter().any(|word| cursor.word(word)) {
        let _ = cursor.word("from") || cursor.word("into");
        names.extend(
            clauses::relations(tokens, cursor.position()..tokens.len()).iter().filter_map(|r| r.name(tokens)),
        );
        if let Some(using) = tokens.iter().position(|t| t.is("using")) {
            let using = clauses::relations(tokens, using + 1..tokens.len());
            names.extend(using.iter().filter_map(|r| r.name(tokens)));
        }
    }
    names
}

/// The common table expressions of a level with their columns.
pub(super) fn common(tokens: &[Token]) -> HashMap<String, Option<Columns>> {
    let mut found = HashMap::new();
    let Some(with) = tokens.iter().position(|t| t.is("with")) else { return found };
    let mut cursor = Cursor::new(tokens);
    cursor.go(with + 1);
    cursor.word("recursive");
    while let Some(name) = cursor.next() {
        let listed = cursor.group().map(|inner| {
            let names = inner.iter().filter(|t| !t.is_quiet() && !t.is_symbol(","));
            names.map(|t| (identifier(t).to_ascii_lowercase(), None)).collect::<Columns>()
        });
        if !cursor.word("as") {
            break;
        }
        let Some(query) = cursor.group() else { break };
        let columns = listed.or_else(|| clauses::query_columns(query));
        found.insert(identifier(name).to_ascii_lowercase(), columns);
        if !cursor.symbol(",") {
            break;
        }
    }
    found
}

/// A subquery in FROM needs no name in Redshift.
fn name_subqueries(tokens: &[Token], select: &Select) -> Result<Option<Vec<Token>>, DialectError> {
    let mut edits = Edits::default();
    for (number, relation) in clauses::relations(tokens, select.from.clone()).iter().enumerate() {
        if relation.alias.is_none() && relation.is_query(tokens) {
            edits.insert(relation.source.end, format!(" AS derived_table{}", number + 1));
        }
    }
    Ok((!edits.is_empty()).then(|| edits.apply(tokens)))
}

/// Functions that get another name by the translation; the column keeps Redshift's.
const RENAMED: [&str; 11] = [
    "listagg",
    "getdate",
    "ratio_to_report",
    "percentile_cont",
    "percentile_disc",
    "first_value",
    "last_value",
    "nth_value",
    "lag",
    "lead",
    "nvl2",
];

/// A column that is one call has the function's name.
fn name_columns(tokens: &[Token], select: &Select) -> Result<Option<Vec<Token>>, DialectError> {
    let mut edits = Edits::default();
    for item in clauses::items(tokens, select.list.clone()) {
        let mut cursor = Cursor::new(&tokens[item.expression.clone()]);
        let Some(name) = cursor.next().filter(|_| item.alias.is_none()) else { continue };
        let name = name.text.to_ascii_lowercase();
        if !RENAMED.contains(&name.as_str()) || cursor.group().is_none() {
            continue;
        }
        while ["within", "group", "over", "ignore", "respect", "nulls"].iter().any(|word| cursor.word(word))
            || cursor.group().is_some()
        {}
        if cursor.peek().is_none() {
            // A window function without IGNORE NULLS has its name already.
            let renames = !["first_value", "last_value", "nth_value", "lag", "lead"].contains(&name.as_str())
                || tokens[item.expression.clone()].iter().any(|t| t.is("ignore"));
            if renames {
                edits.insert(item.end, format!(" AS {name}"));
            }
        }
    }
    Ok((!edits.is_empty()).then(|| edits.apply(tokens)))
}

/// The text of a part without blanks around it.
pub(super) fn trimmed(tokens: &[Token]) -> String {
    raw(tokens).trim().to_owned()
}
