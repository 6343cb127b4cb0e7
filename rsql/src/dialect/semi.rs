//! SUPER: navigation by dots and brackets, and arrays in FROM.
//! <https://docs.aws.amazon.com/redshift/latest/dg/query-super.html>

use std::ops::Range;

use super::DialectError;
use super::clauses::{Relation, Select, before, item_name, items, loud, relations, same, selects};
use super::edit::Edits;
use super::expression::{Cursor, arguments, closing, identifier};
use super::query::trimmed;
use super::scope;
use super::select::begins_query;
use crate::lexer::token::{Kind, Token};

/// A name with dots and brackets: `c.orders[0].items`.
struct Path {
    whole: Range<usize>,
    steps: Vec<Step>,
}

enum Step {
    Name(String),
    /// What stands in the brackets.
    Place(String),
}

/// The path that begins at `at`.
fn path(tokens: &[Token], at: usize, end: usize) -> Option<Path> {
    let word = |i: usize| tokens.get(i).filter(|t| i < end && matches!(t.kind, Kind::Word | Kind::Quoted));
    let mut steps = vec![Step::Name(identifier(word(at)?))];
    let mut next = at + 1;
    loop {
        match tokens.get(next).filter(|_| next < end) {
            Some(dot) if dot.is_symbol(".") => match word(next + 1) {
                Some(name) => {
                    steps.push(Step::Name(identifier(name)));
                    next += 2;
                }
                // `t.*`.
                None => return None,
            },
            Some(open) if open.is_symbol("[") => {
                let close = next + tokens[next..end].iter().position(|t| t.is_symbol("]"))?;
                steps.push(Step::Place(trimmed(&tokens[next + 1..close])));
                next = close + 1;
            }
            _ => break,
        }
    }
    Some(Path { whole: at..next, steps })
}

fn written(column: &str, steps: &[Step]) -> String {
    let mut text = format!("({column})");
    for step in steps {
        match step {
            Step::Name(name) => {
                let plain = name.strip_prefix('"').and_then(|n| n.strip_suffix('"'));
                let key = plain.map_or_else(|| name.to_ascii_lowercase(), |n| n.replace("\"\"", "\""));
                text.push_str(&format!("['{}']", key.replace('\'', "''")));
            }
            Step::Place(place) => text.push_str(&format!("[{place}]")),
        }
    }
    text
}

fn name_of(steps: &[Step], index: usize) -> Option<&str> {
    match steps.get(index)? {
        Step::Name(name) => Some(name),
        Step::Place(_) => None,
    }
}

/// `FROM customers c, c.orders o`: the elements of an array, one a row.
///
/// # Errors
/// None; the changes have one shape.
pub(super) fn unnest(tokens: &[Token], select: &Select) -> Result<Option<Vec<Token>>, DialectError> {
    let all = relations(tokens, select.from.clone());
    let mut edits = Edits::default();
    for (index, relation) in all.iter().enumerate() {
        let Some(path) = path(tokens, relation.source.start, relation.source.end) else { continue };
        let Some(first) = name_of(&path.steps, 0) else { continue };
        let named = |r: &Relation| r.name(tokens).is_some_and(|n| same(&n, first));
        let Some(place) = all[..index].iter().position(named) else { continue };
        let elements = is_elements(tokens, &all[place]) || is_path(tokens, &all[place], &all[..place]);
        if (path.steps.len() < 2 && !elements) || path.whole.end != relation.source.end {
            continue;
        }
        let value = match (elements, name_of(&path.steps, 1)) {
            (false, Some(column)) => written(&format!("{first}.{column}"), &path.steps[2..]),
            _ => written(&format!("{first}.{first}"), &path.steps[1..]),
        };
        let alias = relation.alias.clone().unwrap_or_else(|| format!("element{index}"));
        let place = relation.place.clone().unwrap_or_else(|| format!("{}_place", alias.trim_matches('"')));
        let function = if relation.members { "members" } else { "elements" };
        edits.replace(
            relation.whole.clone(),
            format!("LATERAL redshift.{function}({value}) AS {alias}({alias}, {place}) "),
        );
    }
    Ok((!edits.is_empty()).then(|| edits.apply(tokens)))
}

/// Whether a relation is what [`unnest`] makes of an array.
fn is_elements(tokens: &[Token], relation: &Relation) -> bool {
    let source = trimmed(&tokens[relation.source.clone()]);
    source.starts_with("redshift.elements(") || source.starts_with("redshift.members(")
}

fn is_path(tokens: &[Token], relation: &Relation, before: &[Relation]) -> bool {
    path(tokens, relation.source.start, relation.source.end).is_some_and(|p| {
        name_of(&p.steps, 0)
            .is_some_and(|first| before.iter().any(|r| r.name(tokens).is_some_and(|n| same(&n, first))))
    })
}

/// Writes paths into SUPER values as subscripts.
///
/// # Errors
/// None; what is no path stays as it is.
pub(super) fn navigate(tokens: &[Token]) -> Result<Option<Vec<Token>>, DialectError> {
    if !tokens.iter().any(|t| t.is_symbol(".") || t.is_symbol("[")) {
        return Ok(None);
    }
    let mut edits = Edits::default();
    for select in selects(tokens) {
        if select.list.is_empty() || select.from.is_empty() {
            continue;
        }
        let tables = relations(tokens, select.from.clone());
        // Joins in parentheses have names that are not seen from here.
        let opaque = |t: &Relation| tokens[t.source.start].is_symbol("(") && !t.is_query(tokens);
        if tables.is_empty() || tables.iter().any(opaque) {
            continue;
        }
        for item in items(tokens, select.list.clone()) {
            let before = edits.len();
            clause(tokens, item.expression.clone(), &tables, &mut edits);
            let plain = path(tokens, start(tokens, &item.expression), item.expression.end)
                .is_some_and(|p| loud(&tokens[..item.expression.end], p.whole.end).is_none());
            if edits.len() > before
                && item.alias.is_none()
                && plain
                && let Some(name) = item_name(tokens, &item)
            {
                edits.insert(item.end, format!(" AS {name}"));
            }
        }
        for part in [&select.filter, &select.group, &select.having, &select.qualify, &select.order] {
            clause(tokens, part.clone(), &tables, &mut edits);
        }
        // The conditions of joins.
        let mut from = select.from.start;
        for table in &tables {
            clause(tokens, from..table.whole.start, &tables, &mut edits);
            from = table.whole.end;
        }
        clause(tokens, from..select.from.end, &tables, &mut edits);
    }
    Ok((!edits.is_empty()).then(|| edits.apply(tokens)))
}

fn start(tokens: &[Token], part: &Range<usize>) -> usize {
    part.clone().find(|at| !tokens[*at].is_quiet()).unwrap_or(part.start)
}

fn clause(tokens: &[Token], part: Range<usize>, tables: &[Relation], edits: &mut Edits) {
    let mut at = part.start;
    while at < part.end {
        let token = &tokens[at];
        if token.is_symbol("(")
            && begins_query(&tokens[at + 1..])
            && let Some(close) = closing(tokens, at)
        {
            at = close + 1;
            continue;
        }
        let previous = before(tokens, at);
        let starts = matches!(token.kind, Kind::Word | Kind::Quoted)
            && !previous
                .is_some_and(|t| t.is_symbol(".") || t.is_symbol("::") || t.is("as") || t.is("collate"))
            && !token.is("array");
        let element = |p: &Path| {
            name_of(&p.steps, 0).is_some_and(|first| {
                let named = |t: &Relation| t.name(tokens).is_some_and(|n| same(&n, first));
                tables.iter().any(|t| named(t) && is_elements(tokens, t))
            })
        };
        let Some(found) = path(tokens, at, part.end).filter(|p| starts && (p.steps.len() > 1 || element(p)))
        else {
            at += 1;
            continue;
        };
        let called = loud(tokens, found.whole.end).is_some_and(|t| t.is_symbol("("));
        if !called && let Some(value) = resolve(tokens, &found.steps, tables) {
            let text = fitted(tokens, &found.whole, value, edits);
            edits.replace(found.whole.clone(), text);
        }
        at = found.whole.end;
    }
}

/// The path as PostgreSQL writes it; `None` where it is a plain column.
fn resolve(tokens: &[Token], steps: &[Step], tables: &[Relation]) -> Option<String> {
    let first = name_of(steps, 0)?;
    let second = name_of(steps, 1);
    let table = tables.iter().find(|t| t.name(tokens).is_some_and(|n| same(&n, first)));
    if let Some(table) = table {
        if is_elements(tokens, table) {
            let column = format!("{first}.{first}");
            return Some(if steps.len() > 1 { written(&column, &steps[1..]) } else { column });
        }
        return match second {
            Some(column) if steps.len() > 2 => Some(written(&format!("{first}.{column}"), &steps[2..])),
            Some(_) => None,
            None => Some(written(first, &steps[1..])),
        };
    }
    if let Some(second) = second {
        let full = format!("{first}.{second}");
        let is_table = |t: &Relation| {
            t.alias.is_none() && trimmed(&tokens[t.source.clone()]).eq_ignore_ascii_case(&full)
        };
        if tables.iter().any(is_table) {
            return match name_of(steps, 2) {
                Some(column) if steps.len() > 3 => Some(written(&format!("{full}.{column}"), &steps[3..])),
                _ => None,
            };
        }
        if scope::has_relation(first) {
            return (steps.len() > 2).then(|| written(&full, &steps[2..]));
        }
        // A record of a procedure, perhaps.
        if scope::in_routine() {
            return None;
        }
    }
    Some(written(first, &steps[1..]))
}

const COMPARISONS: [&str; 7] = ["=", "<>", "!=", "<", "<=", ">", ">="];
const ARITHMETIC: [&str; 5] = ["+", "-", "*", "/", "%"];
const NUMERIC: [&str; 14] = [
    "sum", "avg", "round", "trunc", "ceil", "floor", "abs", "sqrt", "stddev", "variance", "median", "mod",
    "power", "sign",
];

/// The value as its surroundings need it: SUPER is of no type of its own until it is used.
fn fitted(tokens: &[Token], whole: &Range<usize>, value: String, edits: &mut Edits) -> String {
    let previous = before(tokens, whole.start);
    let next = loud(tokens, whole.end);
    let behind = |t: &Token| tokens.iter().position(|o| std::ptr::eq(o, t)).unwrap_or(0) + 1;
    let symbol = |t: Option<&Token>, of: &[&str]| t.is_some_and(|t| of.iter().any(|s| t.is_symbol(s)));
    let word = |t: Option<&Token>, of: &[&str]| t.is_some_and(|t| of.iter().any(|s| t.is(s)));
    let text = format!("redshift.super_text({value})");
    if let Some(cast) = next.filter(|t| t.is_symbol("::")) {
        return match loud(tokens, behind(cast)) {
            Some(kind) if kind.is("super") => value,
            Some(kind) if is_whole(kind) => format!("{text}::numeric"),
            _ => text,
        };
    }
    if let Some(cast) = next.filter(|t| t.is("as"))
        && previous.is_some_and(|t| t.is_symbol("("))
    {
        return match loud(tokens, behind(cast)) {
            Some(kind) if kind.is("super") => value,
            Some(kind) if is_whole(kind) => format!("{text}::numeric"),
            _ => text,
        };
    }
    if word(next, &["in", "like", "ilike", "similar", "not", "between"])
        || symbol(next, &["|", "||", "~"])
        || symbol(previous, &["||"])
    {
        return text;
    }
    if symbol(next, &COMPARISONS)
        && let Some(operator) = next
        && let Some(other) = loud(tokens, behind(operator)).filter(|t| t.kind == Kind::Text)
    {
        edits.insert(behind(other), "::text");
        return value;
    }
    if symbol(previous, &COMPARISONS) {
        let place = tokens[..whole.start].iter().rposition(|t| !t.is_quiet()).unwrap_or(0);
        if before(tokens, place).is_some_and(|t| t.kind == Kind::Text) {
            return text;
        }
        return value;
    }
    let called = previous.filter(|t| t.is_symbol("(")).and_then(|_| {
        let open = tokens[..whole.start].iter().rposition(|t| !t.is_quiet())?;
        before(tokens, open)
    });
    let stars = symbol(previous, &["*"]) && whole.start > 0;
    if symbol(next, &ARITHMETIC)
        || symbol(previous, &ARITHMETIC[..2])
        || stars
        || symbol(previous, &ARITHMETIC[3..])
        || word(called, &NUMERIC)
    {
        return format!("redshift.super_number({value})");
    }
    value
}

fn is_whole(kind: &Token) -> bool {
    ["int", "integer", "bigint", "smallint", "int2", "int4", "int8"].iter().any(|w| kind.is(w))
}

/// INSERT … VALUES with the values of SUPER columns as SUPER: PostgreSQL would parse a text as JSON, and take no number.
pub(super) fn insert(tokens: &[Token]) -> Option<Vec<Token>> {
    let mut cursor = Cursor::new(tokens);
    if !(cursor.word("insert") && cursor.word("into")) {
        return None;
    }
    let columns = scope::columns(&cursor.name().ok()?)?;
    let is_super = |kind: &Option<String>| kind.as_deref() == Some("jsonb");
    if !columns.iter().any(|(_, kind)| is_super(kind)) {
        return None;
    }
    let targets: Vec<bool> = match cursor.group() {
        None => columns.iter().map(|(_, kind)| is_super(kind)).collect(),
        Some(list) => {
            let names = arguments(list).into_iter().map(trimmed);
            names
                .map(|name| columns.iter().any(|(column, kind)| same(column, &name) && is_super(kind)))
                .collect()
        }
    };
    if !cursor.word("values") {
        return None;
    }
    let mut edits = Edits::default();
    loop {
        let open = cursor.position();
        let row = cursor.group()?;
        let mut start = open + 1;
        for (value, is_super) in
            arguments(row).into_iter().zip(targets.iter().chain(std::iter::repeat(&false)))
        {
            let end = start + value.len();
            let plain = value.iter().find(|t| !t.is_quiet());
            if *is_super && plain.is_some_and(|t| !t.is("default") && !t.is("null")) {
                edits.replace(start..end, format!("redshift.to_super({})", trimmed(value)));
            }
            start = end + 1;
        }
        if !cursor.symbol(",") {
            break;
        }
    }
    (!edits.is_empty()).then(|| edits.apply(tokens))
}
