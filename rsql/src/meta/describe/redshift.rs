//! What Redshift's catalogue has of its own: encodings, keys, external tables.
//! <https://docs.aws.amazon.com/redshift/latest/dg/cm_chap_system-tables.html>

use super::relation::made;
use super::{Ask, ask, nothing, show};
use crate::meta::dispatch::Fail;
use crate::session::Session;

/// `\d NAME`: columns with Encoding, DistKey and SortKey, and the table's own attributes.
pub(super) fn relations(session: &mut Session, what: &Ask) -> Result<(), Fail> {
    let filter = what
        .pattern
        .as_ref()
        .map_or("true".into(), |p| p.condition("n.nspname", "c.relname", "pg_table_is_visible(c.oid)"));
    let sql = format!(
        "SELECT c.oid, n.nspname, c.relname, c.relkind, c.reldiststyle FROM pg_class c JOIN pg_namespace n \
         ON n.oid = c.relnamespace WHERE {filter} ORDER BY 2, 3"
    );
    let found = ask(session, &sql)?;
    if found.rows.is_empty() {
        return nothing(session, what, "relation", "relations");
    }
    for row in 0..found.rows.len() {
        let oid = found.at(row, 0);
        let sql = format!(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
             pg_get_expr(d.adbin, d.adrelid), format_encoding(a.attencodingtype::integer), a.attisdistkey, a.attsortkeyord \
             FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        );
        let columns = ask(session, &sql)?;
        let rows = (0..columns.rows.len())
            .map(|at| {
                let cell = |column: usize| Some(columns.at(at, column).to_owned());
                let null = Some(if columns.at(at, 2) == "t" { "not null" } else { "" }.to_owned());
                vec![cell(0), cell(1), Some(String::new()), null, cell(3), cell(4), cell(5), cell(6)]
            })
            .collect();
        let names =
            ["Column", "Type", "Collation", "Nullable", "Default Value", "Encoding", "DistKey", "SortKey"];
        let table = made(&names, rows);
        let view = found.at(row, 3) == "v";
        let title =
            format!("{} \"{}.{}\"", if view { "View" } else { "Table" }, found.at(row, 1), found.at(row, 2));
        let footers = if view {
            view_footers(session, oid, what)?
        } else {
            table_footers(session, oid, found.at(row, 4))?
        };
        show(session, &table, &title, Some(footers))?;
    }
    Ok(())
}

fn view_footers(session: &mut Session, oid: &str, what: &Ask) -> Result<Vec<String>, Fail> {
    if !what.more {
        return Ok(Vec::new());
    }
    let definition = ask(session, &format!("SELECT pg_get_viewdef({oid})"))?;
    Ok(vec!["View definition:".into(), definition.at(0, 0).to_owned()])
}

fn table_footers(session: &mut Session, oid: &str, style: &str) -> Result<Vec<String>, Fail> {
    let style = match style {
        "0" => "EVEN",
        "1" => "KEY",
        "8" => "ALL",
        "9" | "10" | "11" | "12" => "AUTO",
        other => other,
    };
    let mut footers = vec![format!("Diststyle: {style}")];
    let sql = format!(
        "SELECT con.conname, pg_get_constraintdef(con.oid), con.contype FROM pg_constraint con \
         WHERE con.conrelid = {oid} ORDER BY con.contype DESC, con.conname"
    );
    let found = ask(session, &sql)?;
    if !found.rows.is_empty() {
        footers.push("Constraints:".into());
        footers.extend(
            (0..found.rows.len()).map(|row| format!("    \"{}\" {}", found.at(row, 0), found.at(row, 1))),
        );
    }
    Ok(footers)
}

/// `\de`: tables of Glue, Hive, federated databases, datashares and streams.
pub(super) fn external(session: &mut Session, what: &Ask) -> Result<(), Fail> {
    let filter = what.pattern.as_ref().map_or("true".into(), |p| p.condition("schemaname", "tablename", ""));
    let sql = format!(
        "SELECT schemaname AS \"Schema\", tablename AS \"Name\", tabletype AS \"Type\", location AS \"Location\" \
         FROM svv_external_tables WHERE {filter} ORDER BY 1, 2"
    );
    let table = ask(session, &sql)?;
    if table.rows.is_empty() {
        return nothing(session, what, "relation", "relations");
    }
    show(session, &table, "List of external tables", None)
}
