//! CREATE TABLE without what only Redshift's storage knows.

use super::DialectError;
use super::expression::{Cursor, arguments, closing, identifier, raw, rewrite, type_name};
use crate::lexer::token::{Kind, Token};

/// CREATE TABLE, CREATE TABLE AS, CREATE MATERIALIZED VIEW.
///
/// # Errors
/// If something in it has no counterpart.
pub(super) fn create(statement: &[Token]) -> Result<String, DialectError> {
    let written = write_create(statement)?;
    // What says the same is sent as the script has it, blanks and comments included.
    let loud = |tokens: &[Token]| -> Vec<String> {
        tokens.iter().filter(|t| !t.is_quiet()).map(|t| t.text.clone()).collect()
    };
    let same = loud(statement) == loud(&crate::lexer::token::tokens(&written, false));
    Ok(if same { raw(statement) } else { written })
}

fn write_create(statement: &[Token]) -> Result<String, DialectError> {
    let mut out = String::new();
    let mut cursor = Cursor::new(statement);
    let mut name_is_temp = false;
    // Up to the name.
    loop {
        let token = cursor.peek().ok_or_else(|| DialectError::Syntax("end of input".into()))?;
        let keyword = [
            "create",
            "temp",
            "temporary",
            "local",
            "global",
            "unlogged",
            "table",
            "materialized",
            "view",
            "if",
            "not",
            "exists",
        ];
        if !keyword.iter().any(|k| token.is(k)) {
            break;
        }
        out.push_str(&token.text);
        out.push(' ');
        cursor.next();
    }
    if cursor.peek().is_some_and(|t| t.text.starts_with('#')) {
        name_is_temp = true;
    }
    if name_is_temp && !out.to_ascii_lowercase().contains("temp") {
        let at = out.find(' ').map_or(0, |s| s + 1);
        out.insert_str(at, "TEMP ");
    }
    out.push_str(&cursor.name()?);
    out.push(' ');
    loop {
        let position = cursor.position();
        let Some(token) = cursor.peek() else { break };
        if token.is_symbol("(") {
            let inner = cursor.group().ok_or_else(|| DialectError::Syntax("(".into()))?;
            out.push_str(&format!("({}) ", columns(inner)?));
        } else if token.is("as") || !table_attribute(&mut cursor)? {
            out.push_str(&rewrite(&statement[position..])?);
            return Ok(out);
        }
    }
    Ok(out.trim_end().to_owned())
}

/// Takes one attribute of a table that means nothing here; false if the next words are none.
fn table_attribute(cursor: &mut Cursor<'_>) -> Result<bool, DialectError> {
    if cursor.word("diststyle") {
        cursor.next();
    } else if cursor.word("distkey") {
        cursor.group().ok_or_else(|| DialectError::Syntax("DISTKEY".into()))?;
    } else if cursor.word("compound") || cursor.word("interleaved") {
    } else if cursor.word("sortkey") {
        if !cursor.word("auto") {
            cursor.group().ok_or_else(|| DialectError::Syntax("SORTKEY".into()))?;
        }
    } else if cursor.word("encode") || cursor.word("backup") {
        cursor.next();
    } else if cursor.word("auto") {
        if cursor.word("refresh") && !cursor.word("no") {
            return Err(DialectError::unsupported("AUTO REFRESH YES"));
        }
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// The list of columns: each without its attributes of storage.
fn columns(inner: &[Token]) -> Result<String, DialectError> {
    let parts = arguments(inner);
    // CREATE TABLE t (a, b) AS … only names columns.
    let written: Result<Vec<String>, DialectError> = parts.into_iter().map(column).collect();
    Ok(written?.join(","))
}

fn column(tokens: &[Token]) -> Result<String, DialectError> {
    let mut out = String::new();
    let mut at = 0;
    let mut loud = 0;
    let blank = Token { kind: Kind::Blank, text: " ".into(), start: 0 };
    while let Some(token) = tokens.get(at) {
        let mut rest = Cursor::new(&tokens[at..]);
        if token.is_quiet() {
            out.push_str(&token.text);
            at += 1;
            continue;
        }
        loud += 1;
        // The first word is the column's name, whatever it is called.
        if loud > 1 && rest.word("encode") {
            rest.next();
            at += rest.position();
            continue;
        }
        if loud > 1 && (token.is("distkey") || token.is("sortkey")) {
            at += 1;
            continue;
        }
        // PostgreSQL's own GENERATED … AS IDENTITY may have nothing behind it.
        if loud > 1
            && rest.word("identity")
            && let Some(group) = rest.group()
        {
            let generated = out.to_ascii_lowercase().trim_end().ends_with("as");
            let lead = if generated { "IDENTITY" } else { "GENERATED ALWAYS AS IDENTITY" };
            out.push_str(&format!("{lead} {}", sequence(group)?));
            at += rest.position();
            continue;
        }
        if loud > 1 && rest.word("collate") && (rest.word("case_insensitive") || rest.word("case_sensitive"))
        {
            return Err(DialectError::unsupported("COLLATE CASE_INSENSITIVE"));
        }
        if loud == 2 && token.kind == Kind::Word {
            let lower = token.text.to_ascii_lowercase();
            rest.next();
            let inner = rest.group();
            if let Some(mapped) = type_name(&lower, inner)? {
                out.push_str(&mapped);
                at += if inner.is_some() { rest.position() } else { 1 };
                continue;
            }
        }
        if token.is("default") {
            // The default is an expression; what follows it is written by the same rules.
            let end = (at + 1..tokens.len())
                .find(|i| {
                    ["encode", "distkey", "sortkey", "not", "primary", "unique"]
                        .iter()
                        .any(|w| tokens[*i].is(w))
                })
                .unwrap_or(tokens.len());
            out.push_str(&rewrite(&tokens[at..end])?);
            at = end;
            continue;
        }
        if token.is_symbol("(") {
            let close = closing(tokens, at).ok_or_else(|| DialectError::Syntax("(".into()))?;
            out.push_str(&raw(&tokens[at..=close]));
            at = close + 1;
            continue;
        }
        out.push_str(&identifier(token));
        at += 1;
    }
    if out.ends_with(&blank.text) {
        out.truncate(out.trim_end_matches(' ').len());
    }
    Ok(out)
}

/// `(seed, step)`.
fn sequence(group: &[Token]) -> Result<String, DialectError> {
    let parts: Vec<String> = arguments(group).into_iter().map(|p| raw(p).trim().to_owned()).collect();
    let number = |text: &String| text.parse::<i64>().is_ok();
    match parts.as_slice() {
        [seed, step] if number(seed) && number(step) => {
            let bound = if seed == "0" { " MINVALUE 0" } else { "" };
            Ok(format!("(START WITH {seed} INCREMENT BY {step}{bound})"))
        }
        _ => Err(DialectError::Arguments {
            function: "IDENTITY".into(),
            reason: "(seed, step) expected".into(),
        }),
    }
}

/// ALTER TABLE … ADD COLUMN with attributes of storage.
///
/// # Errors
/// If something in it has no counterpart.
pub(super) fn column_attributes(statement: &[Token]) -> Result<String, DialectError> {
    let add = statement.iter().position(|t| t.is("add"));
    let Some(add) = add else { return rewrite(statement) };
    let mut behind = Cursor::new(&statement[add + 1..]);
    behind.word("column");
    let at = add + 1 + behind.position();
    let next = behind.peek();
    if next.is_some_and(|t| ["constraint", "primary", "unique", "foreign"].iter().any(|w| t.is(w))) {
        return rewrite(statement);
    }
    Ok(format!("{}{}", rewrite(&statement[..at])?, column(&statement[at..])?))
}
