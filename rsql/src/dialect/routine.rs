//! CREATE FUNCTION and CREATE PROCEDURE: the SQL inside of their bodies.

use super::expression::{arguments, arguments_end, expression, raw, type_name};
use super::statement::{Step, one, translate};
use super::{DialectError, copy, scope};
use crate::lexer::token::{Kind, Token, tokens};

/// Words that begin a statement of SQL in a body of PL/pgSQL.
const VERBS: [&str; 16] = [
    "select", "with", "insert", "update", "delete", "merge", "create", "drop", "alter", "truncate",
    "analyze", "vacuum", "copy", "unload", "set", "reset",
];

/// Words that a statement stands behind. `CASE … THEN select` is no SQL, so THEN and ELSE are of PL/pgSQL here.
const BEFORE: [&str; 7] = ["begin", "then", "else", "loop", "in", "query", "for"];

/// The statement with its signature's types and its body in PostgreSQL's words.
///
/// # Errors
/// If something in it has no counterpart.
pub(super) fn create(statement: &[Token]) -> Result<String, DialectError> {
    let changed = with_optional_outputs(statement);
    let statement = changed.as_deref().unwrap_or(statement);
    let loud: Vec<&Token> = statement.iter().filter(|t| !t.is_quiet()).collect();
    let behind = |word: &str| loud.windows(2).find(|w| w[0].is(word)).map(|w| w[1]);
    let language =
        behind("language").map(|t| t.string().unwrap_or_else(|| t.text.clone()).to_ascii_lowercase());
    if let Some(language) = &language
        && language.starts_with("plpython")
    {
        return Err(DialectError::unsupported(format!("LANGUAGE {language}")));
    }
    if loud.iter().any(|t| t.is("nonatomic")) {
        return Err(DialectError::unsupported("NONATOMIC"));
    }
    let body_at = behind("as").filter(|t| matches!(t.kind, Kind::Dollar | Kind::Text)).map(|t| t.start);
    let mut out = String::new();
    let mut at = 0;
    while let Some(token) = statement.get(at) {
        at += 1;
        match token.kind {
            _ if Some(token.start) == body_at => out.push_str(&written(token, language.as_deref())?),
            Kind::Word => {
                let end = arguments_end(statement, at);
                let inner = end.map(|end| &statement[at + 1..end]);
                // A name that a type follows, and what no argument or result is.
                let named =
                    statement[at..].iter().find(|t| !t.is_quiet()).is_some_and(|t| t.kind == Kind::Word);
                match type_name(&token.text.to_ascii_lowercase(), inner)? {
                    Some(_) if token.is("date") && named => out.push_str(&token.text),
                    Some(mapped) if inner.is_some() || !token.is("varchar") => {
                        out.push_str(&mapped);
                        at = end.map_or(at, |end| end + 1);
                    }
                    _ => out.push_str(&token.text),
                }
            }
            _ => out.push_str(&token.text),
        }
    }
    Ok(out)
}

/// CALL leaves arguments with OUT away in Redshift and names them in PostgreSQL: the last ones get a default.
fn with_optional_outputs(statement: &[Token]) -> Option<Vec<Token>> {
    let procedure = statement.iter().take(12).position(|t| t.is("procedure"))?;
    let open = procedure + statement[procedure..].iter().position(|t| t.is_symbol("("))?;
    let close = arguments_end(statement, open)?;
    let parts = arguments(&statement[open + 1..close]);
    let is_out = |part: &&[Token]| part.iter().filter(|t| !t.is_quiet()).take(2).any(|t| t.is("out"));
    let first = parts.iter().rposition(|part| !is_out(part)).map_or(0, |last| last + 1);
    if first == parts.len() {
        return None;
    }
    let written: Vec<String> = parts
        .iter()
        .enumerate()
        .map(|(at, part)| {
            if at < first {
                return raw(part);
            }
            let text: String =
                part.iter().map(|t| if t.is("out") { "INOUT" } else { t.text.as_str() }).collect();
            format!("{} DEFAULT NULL", text.trim_end())
        })
        .collect();
    let text = format!("{}({}){}", raw(&statement[..open]), written.join(","), raw(&statement[close + 1..]));
    Some(tokens(&text, false))
}

/// A body with its quotes.
fn written(token: &Token, language: Option<&str>) -> Result<String, DialectError> {
    let body = token.string().unwrap_or_default();
    let _routine = scope::Routine::enter();
    let new = match language {
        Some("sql") => sql(&body)?,
        Some("plpgsql") => plpgsql(&body)?,
        _ => return Ok(token.text.clone()),
    };
    if new == body {
        return Ok(token.text.clone());
    }
    let quote = ["$$", "$body$", "$rsql_body$"].into_iter().find(|quote| !new.contains(quote));
    let quote =
        quote.ok_or_else(|| DialectError::unsupported("a body that holds $$, $body$ and $rsql_body$"))?;
    Ok(format!("{quote}{new}{quote}"))
}

fn sql(body: &str) -> Result<String, DialectError> {
    let mut out = String::new();
    for step in translate(body, None)? {
        out.push_str(&statement_of(step)?);
    }
    Ok(out)
}

fn statement_of(step: Step) -> Result<String, DialectError> {
    match step {
        Step::Sql(sql) => Ok(sql),
        Step::Done(tag) => Err(DialectError::unsupported(format!("{tag} of a setting in a function"))),
        Step::CopyFrom(_) | Step::Unload(_) => Err(in_procedure()),
    }
}

fn in_procedure() -> DialectError {
    DialectError::unsupported("COPY or UNLOAD with s3:// in a function or procedure")
}

fn plpgsql(body: &str) -> Result<String, DialectError> {
    let all = scope::read(body);
    let mut out = String::new();
    for piece in pieces(&all) {
        out.push_str(&match piece {
            Piece::Own(tokens) => expression(&declared(tokens)?)?,
            Piece::Sql(tokens) => embedded(tokens)?,
        });
    }
    Ok(out)
}

/// The words of DECLARE with PostgreSQL's types.
fn declared(all: &[Token]) -> Result<Vec<Token>, DialectError> {
    let mut out: Vec<Token> = Vec::new();
    // Whether a section of declarations is open, and which word of a declaration comes next.
    let (mut inside, mut word) = (false, 0);
    let mut at = 0;
    while let Some(token) = all.get(at) {
        at += 1;
        if token.is("declare") {
            (inside, word) = (true, 0);
        } else if token.is("begin") {
            inside = false;
        } else if inside && token.is_symbol(";") {
            word = 0;
        } else if inside && !token.is_quiet() && !token.is("constant") {
            word += 1;
            if word == 2 && token.kind == Kind::Word {
                let end = arguments_end(all, at);
                let inner = end.map(|end| &all[at + 1..end]);
                let lower = token.text.to_ascii_lowercase();
                // A variable without a size takes what it is given.
                let plain = lower == "varchar" && inner.is_none();
                if !plain && let Some(mapped) = type_name(&lower, inner)? {
                    out.extend(tokens(&mapped, false));
                    at = end.map_or(at, |end| end + 1);
                    continue;
                }
            }
        }
        out.push(token.clone());
    }
    Ok(out)
}

/// A part of a body.
enum Piece<'a> {
    /// PL/pgSQL's own words, with expressions among them.
    Own(&'a [Token]),
    /// A statement, with its semicolon if it has one.
    Sql(&'a [Token]),
}

fn pieces(all: &[Token]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    let mut before: Option<&Token> = None;
    while let Some(token) = all.get(at) {
        let begins = VERBS.iter().any(|verb| token.is(verb))
            && before.is_none_or(|t| t.is_symbol(";") || BEFORE.iter().any(|word| t.is(word)));
        if begins {
            // FOR row IN query LOOP: the query ends before the LOOP.
            let end = end_of(all, at, before.is_some_and(|t| t.is("in")));
            pieces.push(Piece::Own(&all[start..at]));
            pieces.push(Piece::Sql(&all[at..end]));
            before = all[at..end].iter().rfind(|t| !t.is_quiet());
            (start, at) = (end, end);
            continue;
        }
        if !token.is_quiet() {
            before = Some(token);
        }
        at += 1;
    }
    pieces.push(Piece::Own(&all[start..]));
    pieces
}

fn end_of(all: &[Token], start: usize, before_loop: bool) -> usize {
    let mut depth = 0;
    for (index, token) in all.iter().enumerate().skip(start) {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
        } else if depth == 0 && token.is_symbol(";") {
            return index + 1;
        } else if depth == 0 && before_loop && token.is("loop") {
            return index;
        }
    }
    all.len()
}

fn embedded(tokens: &[Token]) -> Result<String, DialectError> {
    let first = tokens.first();
    if first.is_some_and(|t| t.is("unload") || (t.is("copy") && copy::is_from_s3(tokens))) {
        return Err(in_procedure());
    }
    let ended = tokens.last().is_some_and(|t| t.is_symbol(";"));
    let text = match one(tokens, None)? {
        Step::Sql(sql) => sql,
        // A statement is wanted where one stood.
        Step::Done(_) => "NULL".to_owned(),
        Step::CopyFrom(_) | Step::Unload(_) => return Err(in_procedure()),
    };
    // The blank before a LOOP.
    let tail = raw(tokens);
    let blank = &tail[tail.trim_end().len()..];
    Ok(match ended && !text.ends_with(';') {
        true => format!("{text};"),
        false if text.ends_with(char::is_whitespace) => text,
        false => format!("{text}{blank}"),
    })
}
