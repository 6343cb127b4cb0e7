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
    if let Some((last, rest)) = tokens.split_last()
        && last.is_symbol(";")
    {
        return Ok(format!("{};", column(rest)?));
    }
    let first = tokens.iter().find(|t| !t.is_quiet());
    if first.is_some_and(|t| t.is("like")) {
        return Ok(format!("{} INCLUDING CONSTRAINTS", raw(tokens).trim_end()));
    }
    if first.is_some_and(|t| ["constraint", "primary", "unique", "foreign"].iter().any(|w| t.is(w))) {
        return Ok(raw(tokens));
    }
    let mut out = String::new();
    let mut at = 0;
    let mut loud = 0;
    let mut size = None;
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
        if loud > 1
            && token.is("identity")
            && !rest.clone().skip_word("identity").is_some_and(|t| t.is_symbol("("))
        {
            let generated = out.to_ascii_lowercase().trim_end().ends_with("as");
            out.push_str(if generated { "IDENTITY" } else { "GENERATED ALWAYS AS IDENTITY" });
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
        if loud > 1 && rest.word("collate") {
            if rest.word("case_insensitive") {
                out.push_str("COLLATE redshift.case_insensitive");
                at += rest.end();
                continue;
            }
            if rest.word("case_sensitive") {
                at += rest.end();
                continue;
            }
        }
        if loud == 2 && token.kind == Kind::Word {
            let (text, taken, bytes) = column_type(&tokens[at..])?;
            out.push_str(&text);
            at += taken;
            size = bytes;
            continue;
        }
        if token.is("default") && !out.to_ascii_lowercase().trim_end().ends_with(" by") {
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
    out.truncate(out.trim_end_matches(' ').len());
    if let Some(bytes) = size
        && let Some(name) = tokens.iter().find(|t| !t.is_quiet())
    {
        out.push_str(&format!(" {}", fits(name, bytes)));
    }
    Ok(out)
}

/// The constraint that holds a column of text to its size in bytes.
/// <https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html>
fn fits(column: &Token, bytes: u32) -> String {
    let name = identifier(column);
    let plain = name.trim_matches('"').to_ascii_lowercase();
    format!("CONSTRAINT \"{plain}_bytes\" CHECK (redshift.fits({name}, {bytes}))")
}

/// A column's type in PostgreSQL's words, how many tokens it has, and its size in bytes if it is of text.
fn column_type(tokens: &[Token]) -> Result<(String, usize, Option<u32>), DialectError> {
    let mut cursor = Cursor::new(tokens);
    let Some(token) = cursor.next() else { return Ok((String::new(), 0, None)) };
    let mut name = token.text.to_ascii_lowercase();
    // CHARACTER VARYING, NATIONAL CHARACTER, DOUBLE PRECISION: the first is a VARCHAR.
    if (name == "character" || name == "char") && cursor.word("varying") {
        name = "varchar".into();
    }
    let inner = cursor.group();
    let given =
        inner.map(|i| if i.iter().any(|t| t.is("max")) { "65535".into() } else { raw(i).trim().to_owned() });
    let size = given.as_deref().and_then(|text| text.parse::<u32>().ok());
    let (text, bytes) = match name.as_str() {
        "varchar" | "nvarchar" | "text" => {
            let bytes = size.unwrap_or(256);
            (format!("varchar({bytes})"), Some(bytes))
        }
        _ => {
            let mapped = type_name(&name, inner)?;
            let text = mapped.unwrap_or_else(|| match inner {
                Some(inner) => format!("{}({})", token.text, raw(inner)),
                None => identifier(token),
            });
            (text, None)
        }
    };
    Ok((text, cursor.end(), bytes))
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
    if let Some(text) = new_type(statement)? {
        return Ok(text);
    }
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

/// ALTER TABLE t ALTER COLUMN c TYPE varchar(n): the size in bytes changes as well.
fn new_type(statement: &[Token]) -> Result<Option<String>, DialectError> {
    let mut cursor = Cursor::new(statement);
    if !(cursor.word("alter") && cursor.word("table")) {
        return Ok(None);
    }
    let table = cursor.name()?;
    if !cursor.word("alter") {
        return Ok(None);
    }
    cursor.word("column");
    let Some(column) = cursor.next() else { return Ok(None) };
    if cursor.word("set") && !cursor.word("data") {
        return Ok(None);
    }
    if !cursor.word("type") {
        return Ok(None);
    }
    let at = cursor.position();
    let (text, _, bytes) = column_type(&statement[at..])?;
    let Some(bytes) = bytes else { return Ok(None) };
    let name = identifier(column);
    Ok(Some(format!(
        "ALTER TABLE {table} DROP CONSTRAINT IF EXISTS \"{}_bytes\", ALTER COLUMN {name} TYPE {text}, ADD {};",
        name.trim_matches('"').to_ascii_lowercase(),
        fits(column, bytes)
    )))
}
