//! Users, roles, databases and permissions.

use super::DialectError;
use super::expression::{Cursor, raw, rewrite};
use crate::lexer::token::{Kind, Token};

/// Objects of permissions that only Redshift has.
const OBJECTS: [&str; 6] = ["datashare", "external", "model", "masking", "integration", "library"];

/// Permissions on tables and schemas that only Redshift has.
const PERMISSIONS: [&str; 2] = ["drop", "alter"];

/// GRANT and REVOKE, also within ALTER DEFAULT PRIVILEGES: in PostgreSQL a role is named without the word.
///
/// # Errors
/// If it grants what only Redshift has.
pub(super) fn grant(statement: &[Token]) -> Result<String, DialectError> {
    refused(statement)?;
    let mut kept: Vec<Token> = Vec::new();
    let mut before: Option<&Token> = None;
    for (at, token) in statement.iter().enumerate() {
        let role = token.is("role")
            && before.is_some_and(|t| {
                ["grant", "revoke", "to", "from", "for"].iter().any(|w| t.is(w)) || t.is_symbol(",")
            });
        if !token.is_quiet() {
            before = Some(token);
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

fn refused(statement: &[Token]) -> Result<(), DialectError> {
    let loud: Vec<&Token> = statement.iter().filter(|t| !t.is_quiet()).collect();
    let Some(verb) = loud.iter().position(|t| t.is("grant") || t.is("revoke")) else { return Ok(()) };
    let name = loud[verb].text.to_ascii_uppercase();
    let error = |what: String| Err(DialectError::unsupported(format!("{name} {what}")));
    let mut rest = &loud[verb + 1..];
    if let [a, b, c, more @ ..] = rest
        && ["grant", "admin"].iter().any(|w| a.is(w))
        && b.is("option")
        && c.is("for")
    {
        rest = more;
    }
    let end = rest.iter().position(|t| t.is("to") || t.is("from")).unwrap_or(rest.len());
    let head = &rest[..end];
    if head.first().is_some_and(|t| t.is("assumerole")) {
        return error("ASSUMEROLE".into());
    }
    let on = head.iter().position(|t| t.is("on"));
    if let Some(on) = on {
        if let Some(object) = head.get(on + 1).filter(|t| OBJECTS.iter().any(|w| t.is(w))) {
            return error(format!("… ON {}", object.text.to_ascii_uppercase()));
        }
        if let Some(language) = head.get(on + 2).filter(|t| t.is("exfunc") || t.is("plpythonu")) {
            return error(format!("… ON LANGUAGE {}", language.text));
        }
        if let Some(permission) = head[..on].iter().find(|t| PERMISSIONS.iter().any(|w| t.is(w))) {
            return error(permission.text.to_ascii_uppercase());
        }
    }
    if head.windows(2).any(|w| {
        w[0].is("for")
            && ["tables", "functions", "procedures", "languages", "schemas"].iter().any(|o| w[1].is(o))
    }) {
        return error("… FOR objects IN".into());
    }
    // Permissions of the system are granted to roles, and are two words or more.
    if let (None, [first, second, ..]) = (on, head)
        && first.kind == Kind::Word
        && second.kind == Kind::Word
        && !first.is("role")
    {
        return error(format!("{} {}", first.text.to_ascii_uppercase(), second.text.to_ascii_uppercase()));
    }
    if let Some(target) =
        rest.get(end..).and_then(|t| t.windows(2).find(|w| w[0].is("masking") || w[0].is("rls")))
    {
        return error(format!("… TO {} POLICY", target[0].text.to_ascii_uppercase()));
    }
    Ok(())
}

/// CREATE USER, ALTER USER, CREATE ROLE, ALTER ROLE, DROP ROLE.
///
/// # Errors
/// If the statement is none.
pub(super) fn user(statement: &[Token]) -> Result<Option<String>, DialectError> {
    let mut cursor = Cursor::new(statement);
    let mut out = Vec::new();
    let drops = cursor.clone().word("drop");
    // The verb, the kind and the name.
    for _ in 0..3 {
        out.extend(cursor.next().map(|t| t.text.clone()));
    }
    let mut renames = false;
    while let Some(token) = cursor.next() {
        let lower = token.text.to_ascii_lowercase();
        match lower.as_str() {
            "createuser" => out.push("SUPERUSER".into()),
            "nocreateuser" => out.push("NOSUPERUSER".into()),
            "force" if drops => {}
            "restrict" if drops => {}
            "syslog" => {
                cursor.word("access");
                cursor.next();
            }
            "session" => {
                cursor.word("timeout");
                cursor.next();
            }
            "reset" if cursor.clone().word("session") => {
                cursor.word("session");
                cursor.word("timeout");
            }
            "externalid" => {
                cursor.word("to");
                cursor.next();
            }
            "unlimited" => out.push("-1".into()),
            "disable" if out.last().is_some_and(|t| t.eq_ignore_ascii_case("password")) => {
                out.push("NULL".into());
            }
            "with" if cursor.clone().word("rename") || cursor.clone().word("owner") => {}
            // A role of PostgreSQL has no owner.
            "owner" => return Ok(None),
            "rename" => {
                renames = true;
                out.push(token.text.clone());
            }
            _ => out.push(token.text.clone()),
        }
    }
    let text = out.join(" ").replace(" ;", ";").replace(" ,", ",");
    let words = text.trim_end_matches(';').split_whitespace().count();
    let alters = out.first().is_some_and(|t| t.eq_ignore_ascii_case("alter"));
    // Nothing but what has no meaning here was left.
    Ok((!alters
        || renames
        || words > 3 + usize::from(out.get(3).is_some_and(|t| t.eq_ignore_ascii_case("with"))))
    .then_some(text))
}

/// CREATE DATABASE, ALTER DATABASE, CREATE SCHEMA and ALTER SCHEMA: limits and quotas have no meaning here.
///
/// # Errors
/// If it asks for what only Redshift has.
pub(super) fn database(statement: &[Token], words: &[&str]) -> Result<Option<String>, DialectError> {
    let (verb, kind) = (words[0].to_ascii_uppercase(), words[1].to_ascii_uppercase());
    let loud: Vec<&Token> = statement.iter().filter(|t| !t.is_quiet()).collect();
    let error = |what: &str| Err(DialectError::unsupported(format!("{verb} {kind} … {what}")));
    for pair in loud.windows(2) {
        if pair[0].is("from") {
            return error(&format!("FROM {}", pair[1].text.to_ascii_uppercase()));
        }
        if pair[0].is("collate") && pair[1].is("case_insensitive") {
            return error("COLLATE CASE_INSENSITIVE");
        }
        if pair[0].is("drop") && pair[1].is("external") {
            return error("DROP EXTERNAL DATABASE");
        }
        if pair[0].is("with") && (pair[1].is("permissions") || pair[1].is("data")) {
            return error("WITH PERMISSIONS");
        }
    }
    let mut cursor = Cursor::new(statement);
    let mut out = Vec::new();
    while let Some(token) = cursor.next() {
        if token.is("quota") {
            let _ = cursor.word("unlimited") || cursor.next().is_some();
            let _ = cursor.word("mb") || cursor.word("gb") || cursor.word("tb");
        } else if token.is("collate") {
            cursor.next();
        } else if token.is("isolation") {
            cursor.word("level");
            cursor.next();
        } else if token.is("unlimited") {
            out.push("-1".to_owned());
        } else {
            out.push(token.text.clone());
        }
    }
    let text = out.join(" ").replace(" ;", ";");
    let words = text.trim_end_matches(';').split_whitespace().count();
    Ok((verb != "ALTER" || words > 3).then_some(text))
}

/// SET timezone INTERVAL '…': in PostgreSQL only TIME ZONE takes an interval.
pub(super) fn time_zone(statement: &[Token]) -> Option<String> {
    let at = statement.iter().position(|t| t.is("interval"))?;
    let value = Cursor::new(&statement[at + 1..]).text()?;
    let hours = value.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim();
    Some(format!("SET TIME ZONE INTERVAL '{}' HOUR TO MINUTE", hours.replace('\'', "''")))
}
