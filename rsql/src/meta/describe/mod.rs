//! The catalogue: `\d` and its kin.
//!
//! `lists` has what is shown as one query, `relation` a single table of PostgreSQL, `redshift` what
//! Redshift keeps elsewhere. A server is asked for what it has: Redshift's catalogue is PostgreSQL 8.0's.

mod lists;
mod pattern;
mod redshift;
mod relation;

use super::dispatch::{Context, Fail};
use crate::lexer::ArgMode;
use crate::output::{Head, HeadColumn, Row, TableWriter};
use crate::session::{Session, Table};
use pattern::Pattern;

/// What a command asks for.
struct Ask {
    /// The objects' names.
    pattern: Option<Pattern>,
    /// As given, for messages.
    given: Option<String>,
    /// `S`: the system's own objects too.
    system: bool,
    /// `+`: more columns.
    more: bool,
}

/// `\d…`, `\l`, `\z`, `\sv`.
pub(super) fn describe(command: &str, context: &mut Context<'_, '_>) -> Result<(), Fail> {
    if command.trim_end_matches('+') == "sv" {
        let name = context.required()?;
        return source_of_view(context.session, &name);
    }
    let given = context.any(ArgMode::Normal)?.map(|a| a.value);
    let kind = command.trim_end_matches(['+', 'S']);
    let ask = Ask {
        pattern: given.as_deref().map(Pattern::parse),
        given,
        system: command.contains('S'),
        more: command.contains('+'),
    };
    let session = &mut *context.session;
    match (kind, ask.given.is_some()) {
        ("d", true) => {
            if session.is_redshift() {
                redshift::relations(session, &ask)
            } else {
                relation::relations(session, &ask)
            }
        }
        ("d", false) => lists::relations(session, "tvmsE", &ask),
        ("dp" | "z", _) => lists::privileges(session, &ask),
        ("dn", _) => lists::schemas(session, &ask),
        ("du" | "dg", _) => lists::roles(session, &ask),
        ("l" | "list", _) => lists::databases(session, &ask),
        ("dL", _) => lists::languages(session, &ask),
        ("dC", _) => lists::casts(session),
        ("dd", _) => lists::descriptions(session, &ask),
        ("de" | "dE", _) if session.is_redshift() => redshift::external(session, &ask),
        ("de", _) => lists::relations(session, "E", &ask),
        (kind, _) if kind.starts_with("df") => lists::functions(session, &kind[2..], &ask),
        (kind, _) => lists::relations(session, &kind[1..], &ask),
    }
}

/// Runs a query of the catalogue.
fn ask(session: &mut Session, sql: &str) -> Result<Table, Fail> {
    match session.table(sql) {
        Ok(table) => Ok(table),
        Err(error) => {
            session.failed(error, sql, sql)?;
            Err(Fail::Said)
        }
    }
}

/// Prints a table of the catalogue under a title.
fn show(session: &mut Session, table: &Table, title: &str, footers: Option<Vec<String>>) -> Result<(), Fail> {
    let mut options = session.effective_print().clone();
    options.report.exporting = false;
    options.title_dashes = true;
    if footers.is_some() {
        // As psql: a table's description is never shown as a list.
        options.expanded = crate::output::Expanded::Off;
    }
    let columns =
        table.columns.iter().map(|c| HeadColumn { name: c.name.clone(), right: c.type_oid == 20 }).collect();
    let head = Head { columns, title: Some(title.to_owned()), footers };
    let mut writer = TableWriter::new(head, &options);
    let out = session.out();
    for row in &table.rows {
        let mut data = Vec::new();
        let mut cells = Vec::new();
        for value in row {
            cells.push(value.as_ref().map(|v| {
                let start = data.len();
                data.extend_from_slice(v.as_bytes());
                start..data.len()
            }));
        }
        writer.row(Row { data: &data, cells: &cells }, out)?;
    }
    Ok(writer.finish(out)?)
}

/// Says that nothing has that name.
fn nothing(session: &mut Session, ask: &Ask, one: &str, many: &str) -> Result<(), Fail> {
    let text = match &ask.given {
        Some(name) => format!("Did not find any {one} named \"{name}\"."),
        None => format!("Did not find any {many}."),
    };
    session.complain(&text)?;
    if ask.given.is_some() { Err(Fail::Said) } else { Ok(()) }
}

fn source_of_view(session: &mut Session, name: &str) -> Result<(), Fail> {
    let literal = crate::lexer::quote::literal(name);
    let sql = format!(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), pg_get_viewdef(c.oid) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {literal}::regclass"
    );
    let table = ask(session, &sql)?;
    let text =
        format!("CREATE OR REPLACE VIEW {} AS\n{}", table.at(0, 0), table.at(0, 1).trim_end_matches(';'));
    Ok(session.say(&text)?)
}
