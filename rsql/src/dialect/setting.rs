//! Settings of the session.

use super::DialectError;
use super::expression::{Cursor, identifier};
use crate::lexer::quote::literal;
use crate::lexer::token::{Kind, Token};

/// What stands on every search path behind the schemas of the script.
const BEHIND: &str = "redshift, pg_catalog";

/// SET [SESSION | LOCAL] search_path: the schemas of the script, and the dialect's behind them.
///
/// # Errors
/// If the statement is none.
pub(super) fn search_path(statement: &[Token]) -> Result<String, DialectError> {
    let mut cursor = Cursor::new(statement);
    cursor.word("set");
    let local = cursor.word("local");
    cursor.word("session");
    cursor.word("search_path");
    if !cursor.word("to") && !cursor.symbol("=") {
        return Err(DialectError::Syntax(cursor.near()));
    }
    let mut schemas = Vec::new();
    while let Some(token) = cursor.next() {
        match token.kind {
            Kind::Word if token.is("default") => {
                schemas.extend(["\"$user\"".to_owned(), "public".to_owned()]);
            }
            Kind::Word | Kind::Quoted | Kind::Text => {
                let plain = token.text.trim_matches(['"', '\'']).to_ascii_lowercase();
                if plain == "$user" {
                    schemas.push("\"$user\"".to_owned());
                } else if !plain.is_empty() && plain != "redshift" && plain != "pg_catalog" {
                    schemas.push(identifier(token));
                }
            }
            _ if token.is_symbol("$") && cursor.word("user") => schemas.push("\"$user\"".to_owned()),
            _ => {}
        }
    }
    schemas.push(BEHIND.to_owned());
    Ok(format!("SET {}search_path TO {};", if local { "LOCAL " } else { "" }, schemas.join(", ")))
}

/// SET and RESET of a setting that only Redshift has: its value is kept under a name that PostgreSQL takes.
pub(super) fn kept(statement: &[Token], name: &str) -> String {
    let loud: Vec<&Token> = statement.iter().filter(|t| !t.is_quiet() && !t.is_symbol(";")).collect();
    if loud.first().is_some_and(|t| t.is("reset")) {
        return format!("RESET redshift.{name};");
    }
    let local = if loud.get(1).is_some_and(|t| t.is("local")) { "LOCAL " } else { "" };
    let at = loud.iter().position(|t| t.is("to") || t.is_symbol("=")).map_or(loud.len(), |at| at + 1);
    let value: Vec<String> =
        loud[at..].iter().map(|t| t.string().unwrap_or_else(|| t.text.clone())).collect();
    match value.as_slice() {
        [word] if word.eq_ignore_ascii_case("default") => format!("SET {local}redshift.{name} TO DEFAULT;"),
        value => format!("SET {local}redshift.{name} TO {};", literal(&value.join(" ")).trim_start()),
    }
}

/// RESET search_path, RESET ALL and DISCARD ALL: what the dialect needs is set again.
pub(super) fn reset(what: &str) -> String {
    let path = format!("SET search_path TO \"$user\", public, {BEHIND};");
    match what {
        "all" => format!("RESET ALL; {path} SET extra_float_digits TO 0;"),
        _ => path,
    }
}
