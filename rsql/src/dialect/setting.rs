//! Settings of the session, and permissions.

use super::DialectError;
use super::expression::{Cursor, identifier, raw, rewrite};
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

/// RESET search_path, RESET ALL and DISCARD ALL: what the dialect needs is set again.
pub(super) fn reset(what: &str) -> String {
    let path = format!("SET search_path TO \"$user\", public, {BEHIND};");
    match what {
        "all" => format!("RESET ALL; {path} SET extra_float_digits TO 0;"),
        _ => path,
    }
}

/// GRANT ROLE r TO u, and TO ROLE r: in PostgreSQL a role is named without the word.
///
/// # Errors
/// If it grants what only Redshift has.
pub(super) fn grant(statement: &[Token]) -> Result<String, DialectError> {
    let mut kept: Vec<Token> = Vec::new();
    let mut before: Option<Token> = None;
    for (at, token) in statement.iter().enumerate() {
        let role = token.is("role")
            && before.as_ref().is_some_and(|t| {
                ["grant", "revoke", "to", "from"].iter().any(|w| t.is(w)) || t.is_symbol(",")
            });
        if !token.is_quiet() {
            before = Some(token.clone());
        }
        if role {
            continue;
        }
        if token.text.eq_ignore_ascii_case("sys") && statement.get(at + 1).is_some_and(|t| t.is_symbol(":")) {
            let name = raw(&statement[at..(at + 3).min(statement.len())]);
            return Err(DialectError::unsupported(format!("role {name}")));
        }
        kept.push(token.clone());
    }
    rewrite(&kept)
}
