//! QUALIFY: the condition becomes a column of a subquery, and the query around it filters by that.
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_QUALIFY_clause.html>

use std::ops::Range;

use super::DialectError;
use super::clauses::{Relation, Select, item_name, items, relations, same};
use super::edit::Edits;
use super::expression::identifier;
use super::query::trimmed;
use crate::lexer::token::{Kind, Token};

/// The name of the subquery.
const QUERY: &str = "qualify_query";

/// Puts a query with QUALIFY into a subquery.
///
/// # Errors
/// If `*` stands over a join that merges columns.
pub(super) fn expand(tokens: &[Token], select: &Select) -> Result<Option<Vec<Token>>, DialectError> {
    if select.qualify.is_empty() {
        return Ok(None);
    }
    if select.from.is_empty() {
        return Err(DialectError::unsupported("QUALIFY without FROM"));
    }
    let tables = relations(tokens, select.from.clone());
    let mut columns = Columns::default();
    let mut names = Vec::new();
    for item in items(tokens, select.list.clone()) {
        if let Some(qualifier) = star(&tokens[item.expression.clone()]) {
            let wanted = |t: &&Relation| {
                qualifier.as_deref().is_none_or(|q| t.name(tokens).is_some_and(|name| same(&name, q)))
            };
            let merges = |t: &Token| t.is("using") || t.is("natural");
            if qualifier.is_none() && tables.len() > 1 && outside(tokens, &select.from).any(merges) {
                return Err(DialectError::unsupported("QUALIFY with * over JOIN … USING"));
            }
            let mut any = false;
            for name in tables.iter().filter(wanted).filter_map(|t| t.name(tokens)) {
                let row = columns.add(&name);
                columns.shown.push(format!("({QUERY}.{row}).*"));
                any = true;
            }
            if !any {
                return Err(DialectError::unsupported("QUALIFY with * over a table that is not in FROM"));
            }
            continue;
        }
        let name = item_name(tokens, &item);
        let column = columns.add(&trimmed(&tokens[item.expression.clone()]));
        let shown = name.clone().unwrap_or_else(|| "\"?column?\"".to_owned());
        columns.shown.push(format!("{QUERY}.{column} AS {shown}"));
        names.extend(name);
    }
    let mut edits = Edits::default();
    let united = outside(tokens, &(0..tokens.len()))
        .any(|t| ["union", "except", "intersect", "minus"].iter().any(|word| t.is(word)));
    if !united {
        order(tokens, select, &names, &mut columns, &mut edits);
    }
    // FROM, WHERE, GROUP BY and HAVING stay inside.
    let from = tokens[..select.from.start].iter().rposition(|t| t.is("from")).unwrap_or(select.from.start);
    let qualify =
        tokens[..select.qualify.start].iter().rposition(|t| t.is("qualify")).unwrap_or(select.qualify.start);
    let condition = trimmed(&tokens[select.qualify.clone()]);
    let end = select.qualify.end;
    let blank = tokens[select.qualify.clone()].last().filter(|t| t.is_quiet()).map_or(" ", |_| "\n");
    edits.replace(
        select.list.start..end,
        format!(
            "{} FROM (SELECT {}, ({condition}) AS qualify_keep {}) AS {QUERY} WHERE {QUERY}.qualify_keep{blank}",
            columns.shown.join(", "),
            columns.inside.join(", "),
            trimmed(&tokens[from..qualify]),
        ),
    );
    Ok(Some(edits.apply(tokens)))
}

/// Columns of the subquery, and what the query around it shows of them.
#[derive(Default)]
struct Columns {
    inside: Vec<String>,
    shown: Vec<String>,
}

impl Columns {
    /// Adds a column; its name.
    fn add(&mut self, expression: &str) -> String {
        let name = format!("qualify_column{}", self.inside.len() + 1);
        self.inside.push(format!("{expression} AS {name}"));
        name
    }
}

/// ORDER BY what the list does not show has to be computed inside.
fn order(tokens: &[Token], select: &Select, names: &[String], columns: &mut Columns, edits: &mut Edits) {
    for item in items(tokens, select.order.clone()) {
        let part = item.expression.start..item.end;
        let end = part
            .clone()
            .find(|at| ["asc", "desc", "nulls"].iter().any(|word| tokens[*at].is(word)))
            .unwrap_or(part.end);
        let expression: Vec<&Token> = tokens[part.start..end].iter().filter(|t| !t.is_quiet()).collect();
        let shown = match expression.as_slice() {
            [number] if number.kind == Kind::Number => true,
            [name] => names.iter().any(|n| same(n, &identifier(name))),
            _ => false,
        };
        if !shown {
            let column = columns.add(&format!("({})", trimmed(&tokens[part.start..end])));
            edits.replace(part.start..end, format!(" {QUERY}.{column} "));
        }
    }
}

/// Whether an entry is `*` or `name.*`, and the name.
fn star(item: &[Token]) -> Option<Option<String>> {
    let loud: Vec<&Token> = item.iter().filter(|t| !t.is_quiet()).collect();
    match loud.as_slice() {
        [star] if star.is_symbol("*") => Some(None),
        [.., name, dot, star] if dot.is_symbol(".") && star.is_symbol("*") => Some(Some(identifier(name))),
        _ => None,
    }
}

/// The tokens of a part outside of parentheses.
fn outside<'a>(tokens: &'a [Token], part: &Range<usize>) -> impl Iterator<Item = &'a Token> {
    let mut depth = 0_i32;
    tokens[part.clone()].iter().filter(move |t| {
        depth += i32::from(t.is_symbol("(")) - i32::from(t.is_symbol(")"));
        depth == 0
    })
}
