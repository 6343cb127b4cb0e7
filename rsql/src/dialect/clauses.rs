//! The clauses of a query, and the relations of its FROM.

use std::ops::Range;

use super::decimals;
use super::expression::{Cursor, arguments, closing, identifier, raw};
use super::scope::{self, Columns};
use crate::lexer::token::{Kind, Token};

/// One SELECT of a level, with the indexes of its tokens. A clause that is not there is empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Select {
    /// The select list, without DISTINCT, ALL and TOP n.
    pub(super) list: Range<usize>,
    /// Behind FROM.
    pub(super) from: Range<usize>,
    /// Behind WHERE.
    pub(super) filter: Range<usize>,
    /// The word WHERE.
    pub(super) filter_word: Option<usize>,
    /// Behind GROUP BY.
    pub(super) group: Range<usize>,
    /// Behind HAVING.
    pub(super) having: Range<usize>,
    /// Behind QUALIFY.
    pub(super) qualify: Range<usize>,
    /// Behind ORDER BY.
    pub(super) order: Range<usize>,
}

/// The clause that a word begins.
#[derive(Clone, Copy, PartialEq)]
enum Clause {
    List,
    From,
    Filter,
    Group,
    Having,
    Qualify,
    Order,
    Other,
}

/// The previous token that is not quiet.
pub(super) fn before(tokens: &[Token], at: usize) -> Option<&Token> {
    tokens[..at].iter().rev().find(|t| !t.is_quiet())
}

/// The next token from `at` on that is not quiet.
pub(super) fn loud(tokens: &[Token], at: usize) -> Option<&Token> {
    tokens.get(at..)?.iter().find(|t| !t.is_quiet())
}

fn clause_of(tokens: &[Token], at: usize) -> Option<Clause> {
    let token = &tokens[at];
    let previous = before(tokens, at);
    if previous.is_some_and(|t| t.is_symbol(".") || (t.is("as") && !token.is("select"))) {
        return None;
    }
    let next = |word: &str| loud(tokens, at + 1).is_some_and(|t| t.is(word));
    Some(match token.text.to_ascii_lowercase().as_str() {
        "select" => Clause::List,
        "from" if !previous.is_some_and(|t| t.is("distinct") && is_distinct_from(tokens, at)) => Clause::From,
        "where" => Clause::Filter,
        "group" if next("by") => Clause::Group,
        "having" => Clause::Having,
        "qualify" if loud(tokens, at + 1).is_some_and(|t| !t.is_symbol(",") && !t.is("from")) => {
            Clause::Qualify
        }
        "order" if next("by") => Clause::Order,
        "limit" | "offset" | "fetch" | "union" | "except" | "intersect" | "minus" | "returning" | "into" => {
            Clause::Other
        }
        "window" if loud(tokens, at + 1).is_some_and(|t| t.kind == Kind::Word) => Clause::Other,
        _ => return None,
    })
}

/// `IS [NOT] DISTINCT FROM` before the FROM at `at`.
fn is_distinct_from(tokens: &[Token], at: usize) -> bool {
    let mut back = tokens[..at].iter().rev().filter(|t| !t.is_quiet()).skip(1);
    match back.next() {
        Some(t) if t.is("not") => back.next().is_some_and(|t| t.is("is")),
        Some(t) => t.is("is"),
        None => false,
    }
}

/// The queries of this level: one, or several between UNION, EXCEPT and INTERSECT. An UPDATE and a DELETE count as one.
pub(super) fn selects(tokens: &[Token]) -> Vec<Select> {
    let mut found: Vec<Select> = Vec::new();
    let mut open: Option<(Clause, usize)> = None;
    let mut depth = 0_i32;
    let changes = Cursor::new(tokens).peek().is_some_and(|t| t.is("update") || t.is("delete"));
    if changes {
        found.push(Select::default());
    }
    let end = tokens.iter().rposition(|t| !t.is_quiet() && !t.is_symbol(";")).map_or(0, |e| e + 1);
    for at in 0..=end {
        let clause = match tokens.get(at) {
            Some(token) if at < end => {
                if token.is_symbol("(") || token.is_symbol("[") {
                    depth += 1;
                } else if token.is_symbol(")") || token.is_symbol("]") {
                    depth -= 1;
                }
                if depth == 0 && token.kind == Kind::Word { clause_of(tokens, at) } else { None }
            }
            _ => Some(Clause::Other),
        };
        let Some(clause) = clause else { continue };
        if let (Some((kind, start)), Some(select)) = (open.take(), found.last_mut()) {
            let range = start..at;
            match kind {
                Clause::List => select.list = range,
                Clause::From => select.from = range,
                Clause::Filter => select.filter = range,
                Clause::Group => select.group = range,
                Clause::Having => select.having = range,
                Clause::Qualify => select.qualify = range,
                Clause::Order => select.order = range,
                Clause::Other => {}
            }
        }
        if at >= end {
            break;
        }
        match clause {
            Clause::List => {
                found.push(Select::default());
                let mut cursor = Cursor::new(&tokens[at + 1..end]);
                if cursor.word("distinct") {
                    // DISTINCT ON is of PostgreSQL only.
                    let mut on = cursor.clone();
                    if on.word("on") && on.group().is_some() {
                        cursor = on;
                    }
                } else {
                    cursor.word("all");
                }
                let mut top = cursor.clone();
                if top.word("top") && top.peek().is_some_and(|t| t.kind == Kind::Number) {
                    top.next();
                    cursor = top;
                }
                open = Some((clause, at + 1 + cursor.position()));
            }
            Clause::Group | Clause::Order => {
                let by = at + 1 + tokens[at + 1..].iter().take_while(|t| t.is_quiet()).count();
                open = Some((clause, by + 1));
            }
            Clause::Filter => {
                if let Some(select) = found.last_mut() {
                    select.filter_word = Some(at);
                }
                open = Some((clause, at + 1));
            }
            _ => open = Some((clause, at + 1)),
        }
    }
    found
}

/// A relation in FROM.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    /// The relation, its alias and what belongs to it.
    pub(super) whole: Range<usize>,
    /// The relation alone: a name, a call or a subquery in parentheses.
    pub(super) source: Range<usize>,
    /// Its alias.
    pub(super) alias: Option<String>,
    /// Where the relation stands behind a comma or first, and not behind JOIN.
    pub(super) listed: bool,
    /// PIVOT or UNPIVOT with its parentheses.
    pub(super) pivot: Option<Range<usize>>,
    /// `AT name` behind the alias, for the place in an array.
    pub(super) place: Option<String>,
    /// UNPIVOT in front: the attributes of an object.
    pub(super) members: bool,
}

impl Relation {
    /// The name by which columns are qualified.
    pub(super) fn name(&self, tokens: &[Token]) -> Option<String> {
        if let Some(alias) = &self.alias {
            return Some(alias.clone());
        }
        let source = &tokens[self.source.clone()];
        let last = source.iter().rev().find(|t| !t.is_quiet())?;
        matches!(last.kind, Kind::Word | Kind::Quoted).then(|| identifier(last))
    }

    /// Whether it is a subquery in parentheses.
    pub(super) fn is_query(&self, tokens: &[Token]) -> bool {
        let source = &tokens[self.source.clone()];
        source.first().is_some_and(|t| t.is_symbol("("))
            && source
                .iter()
                .find(|t| !t.is_quiet() && !t.is_symbol("("))
                .is_some_and(|t| t.is("select") || t.is("with") || t.is("values"))
    }

    /// Its columns, if they are known.
    pub(super) fn columns(&self, tokens: &[Token]) -> Option<Columns> {
        let source = &tokens[self.source.clone()];
        if self.is_query(tokens) {
            let mut inner = source;
            while inner.first().is_some_and(|t| t.is_symbol("("))
                && closing(inner, 0) == Some(inner.len() - 1)
            {
                inner = &inner[1..inner.len() - 1];
                let quiet = inner.iter().take_while(|t| t.is_quiet()).count();
                inner = &inner[quiet..];
                let end = inner.iter().rposition(|t| !t.is_quiet()).map_or(0, |e| e + 1);
                inner = &inner[..end];
            }
            return query_columns(inner);
        }
        if source.last().is_some_and(|t| t.is_symbol(")")) {
            return None;
        }
        scope::columns(raw(source).trim())
    }
}

/// Words that end a relation.
const AFTER: [&str; 17] = [
    "join",
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "natural",
    "on",
    "using",
    "where",
    "pivot",
    "unpivot",
    "tablesample",
    "at",
    "with",
    "set",
    "as",
];

/// Whether two names are the same, with or without quotes.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.trim_matches('"').eq_ignore_ascii_case(b.trim_matches('"'))
}

/// The relations of FROM.
pub(super) fn relations(tokens: &[Token], from: Range<usize>) -> Vec<Relation> {
    let mut found = Vec::new();
    let mut cursor = Cursor::new(&tokens[..from.end]);
    cursor.go(from.start);
    let mut listed = true;
    while cursor.peek().is_some() {
        cursor.word("only");
        cursor.word("lateral");
        let begin = cursor.position();
        let members = cursor.word("unpivot");
        let start = cursor.position();
        if cursor.group().is_none() && cursor.name().is_err() {
            break;
        }
        // A call, or a path with subscripts.
        let mut end = cursor.end();
        while cursor.group().is_some() || subscript(&mut cursor, tokens) {
            end = cursor.end();
        }
        let mut relation = Relation {
            whole: begin..end,
            source: start..end,
            alias: None,
            listed,
            pivot: None,
            place: None,
            members,
        };
        let mut seen = pivot(&mut cursor, &mut relation);
        let explicit = cursor.word("as");
        let alias = cursor.peek().filter(|t| {
            t.kind == Kind::Quoted || (t.kind == Kind::Word && (explicit || !AFTER.iter().any(|w| t.is(w))))
        });
        if let Some(alias) = alias {
            cursor.next();
            relation.alias = Some(identifier(alias));
            cursor.group();
        }
        if cursor.word("at") {
            relation.place = cursor.next().map(identifier);
        }
        if !seen {
            seen = pivot(&mut cursor, &mut relation);
            // PIVOT (…) AS name.
            if seen {
                let explicit = cursor.word("as");
                let name = cursor.peek().filter(|t| {
                    t.kind == Kind::Quoted
                        || (t.kind == Kind::Word && (explicit || !AFTER.iter().any(|w| t.is(w))))
                });
                if let Some(name) = name {
                    cursor.next();
                    relation.alias = Some(identifier(name));
                }
            }
        }
        relation.whole.end = cursor.end();
        found.push(relation);
        // To the next comma or JOIN.
        loop {
            let Some(token) = cursor.peek() else { return found };
            if token.is_symbol("(") {
                if cursor.group().is_none() {
                    return found;
                }
                continue;
            }
            cursor.next();
            if token.is_symbol(",") {
                listed = true;
                break;
            }
            if token.is("join") {
                listed = false;
                break;
            }
        }
    }
    found
}

fn subscript(cursor: &mut Cursor<'_>, tokens: &[Token]) -> bool {
    if !cursor.peek().is_some_and(|t| t.is_symbol("[")) {
        return false;
    }
    let open = cursor.position();
    let Some(length) = tokens[open..].iter().position(|t| t.is_symbol("]")) else { return false };
    cursor.go(open + length + 1);
    true
}

fn pivot(cursor: &mut Cursor<'_>, relation: &mut Relation) -> bool {
    let start = cursor.position();
    let mut ahead = cursor.clone();
    if !(ahead.word("pivot") || ahead.word("unpivot")) {
        return false;
    }
    if ahead.word("include") || ahead.word("exclude") {
        ahead.word("nulls");
    }
    if ahead.group().is_none() {
        return false;
    }
    relation.pivot = Some(start..ahead.end());
    *cursor = ahead;
    true
}

/// An entry of a select list.
pub(super) struct Item {
    /// The expression.
    pub(super) expression: Range<usize>,
    /// Its name, if the statement gives it one.
    pub(super) alias: Option<String>,
    /// Behind the whole entry.
    pub(super) end: usize,
}

/// The entries of a select list.
pub(super) fn items(tokens: &[Token], list: Range<usize>) -> Vec<Item> {
    let slice = &tokens[list.clone()];
    arguments(slice)
        .into_iter()
        .map(|part| {
            // The place of a part of the slice, by the addresses of both.
            let start = list.start
                + part.first().map_or(0, |f| slice.iter().position(|t| std::ptr::eq(t, f)).unwrap_or(0));
            let end = start + part.len();
            let last = part.iter().rposition(|t| !t.is_quiet()).unwrap_or(0);
            let previous = part[..last].iter().rposition(|t| !t.is_quiet());
            let names = part.get(last).filter(|t| matches!(t.kind, Kind::Word | Kind::Quoted));
            let (expression, alias) = match (names, previous) {
                (Some(name), Some(previous)) if part[previous].is("as") => {
                    (start..start + previous, Some(identifier(name)))
                }
                (Some(name), Some(previous)) if stands_alone(&part[previous], name) => {
                    (start..start + last, Some(identifier(name)))
                }
                _ => (start..end, None),
            };
            Item { expression, alias, end: start + last + 1 }
        })
        .collect()
}

/// Whether a name behind this token is an alias without AS.
fn stands_alone(previous: &Token, name: &Token) -> bool {
    let ends = previous.is_symbol(")")
        || previous.is_symbol("]")
        || matches!(previous.kind, Kind::Quoted | Kind::Number | Kind::Text)
        || (previous.kind == Kind::Word
            && ![
                "not",
                "and",
                "or",
                "in",
                "like",
                "ilike",
                "is",
                "case",
                "when",
                "then",
                "else",
                "between",
                "distinct",
                "interval",
                "date",
                "timestamp",
                "time",
                "collate",
                "to",
                "escape",
                "similar",
            ]
            .iter()
            .any(|w| previous.is(w)));
    ends && !["end", "null", "true", "false", "unknown", "preceding", "following", "isnull", "notnull"]
        .iter()
        .any(|w| name.is(w))
}

/// The name that an entry has outside, if that is plain.
pub(super) fn item_name(tokens: &[Token], item: &Item) -> Option<String> {
    if let Some(alias) = &item.alias {
        return Some(alias.clone());
    }
    let part: Vec<&Token> = tokens[item.expression.clone()].iter().filter(|t| !t.is_quiet()).collect();
    match part.as_slice() {
        [name] if matches!(name.kind, Kind::Word | Kind::Quoted) => Some(identifier(name)),
        [.., dot, name] if dot.is_symbol(".") && matches!(name.kind, Kind::Word | Kind::Quoted) => {
            Some(identifier(name))
        }
        [name, open, ..] if name.kind == Kind::Word && open.is_symbol("(") => {
            Some(name.text.to_ascii_lowercase())
        }
        _ => None,
    }
}

/// The columns of a query, if they are known.
pub(super) fn query_columns(tokens: &[Token]) -> Option<Columns> {
    let select = selects(tokens).into_iter().next()?;
    let relations = relations(tokens, select.from.clone());
    let mut columns = Columns::new();
    for item in items(tokens, select.list) {
        let part: Vec<&Token> = tokens[item.expression.clone()].iter().filter(|t| !t.is_quiet()).collect();
        match part.as_slice() {
            [star] if star.is_symbol("*") => {
                for relation in &relations {
                    columns.extend(relation.columns(tokens)?);
                }
            }
            [name, dot, star] if dot.is_symbol(".") && star.is_symbol("*") => {
                let wanted = identifier(name);
                let relation =
                    relations.iter().find(|r| r.name(tokens).is_some_and(|n| same(&n, &wanted)))?;
                columns.extend(relation.columns(tokens)?);
            }
            _ => {
                let kind = part.first().is_some_and(|t| t.is("json_parse")).then(|| "jsonb".to_owned());
                let kind = kind.or_else(|| decimals::type_of(tokens, &relations, item.expression.clone()));
                columns.push((item_name(tokens, &item)?.to_ascii_lowercase(), kind));
            }
        }
    }
    Some(columns)
}
