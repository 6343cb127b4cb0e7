//! Redshift's dialect in a session: the schema in the database, and the catalogue for the translation.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::query::rows;
use super::{Session, Table};
use crate::connection::{Column, Connection, ServerError};
use crate::dialect::{self, Catalogue, ColumnTypes, DialectError, Step, schema};

impl Session {
    /// Translates a statement for the server; also says whether a quotient of decimals keeps PostgreSQL's digits.
    ///
    /// # Errors
    /// If something in it has no counterpart.
    pub(super) fn translate(&mut self, sql: &str) -> Result<(Vec<Step>, bool), DialectError> {
        if let Some(on) = dialect::sets_case_sensitive(sql) {
            self.settings.case_sensitive = on;
        }
        let root = self.settings.s3_root.clone();
        let catalogue = Rc::new(ServerCatalogue {
            connection: RefCell::new(self.connection.take()),
            known: RefCell::default(),
            unknown_quotient: Cell::default(),
            case_sensitive: self.settings.case_sensitive,
        });
        let steps = dialect::translate_with(sql, root.as_deref(), Rc::clone(&catalogue) as Rc<dyn Catalogue>);
        self.connection = catalogue.connection.take();
        Ok((steps?, catalogue.unknown_quotient.get()))
    }

    /// Puts the schema of the dialect on the search path of a new connection; creates it, where the database does not
    /// have this version.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(super) fn open_dialect(&mut self) -> std::io::Result<()> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        if std::mem::replace(&mut connection.dialect, true) {
            return Ok(());
        }
        if let Err(error) = open(connection) {
            self.complain(&format!(
                "WARNING: the schema \"{}\" is not available, so functions and operators follow PostgreSQL's rules: {}",
                schema::NAME,
                error.message
            ))?;
        }
        Ok(())
    }
}

fn open(connection: &mut Connection) -> Result<(), Box<ServerError>> {
    let found: Table = rows(connection, schema::OPEN)?;
    let comment = found.at(0, 0);
    if comment == schema::comment() {
        return Ok(());
    }
    if !comment.is_empty() && !schema::is_ours(comment) {
        return Err(Box::new(ServerError::client(
            "42P06",
            "a schema of this name exists, which rsql did not create",
        )));
    }
    if let Err(error) = rows(connection, &schema::script()) {
        let _ = rows(connection, "ROLLBACK");
        return Err(error);
    }
    Ok(())
}

/// The catalogue of the server, asked once a statement for each table.
struct ServerCatalogue {
    connection: RefCell<Option<Connection>>,
    known: RefCell<HashMap<String, Option<ColumnTypes>>>,
    unknown_quotient: Cell<bool>,
    case_sensitive: bool,
}

impl Catalogue for ServerCatalogue {
    fn columns(&self, relation: &str) -> Option<ColumnTypes> {
        if let Some(known) = self.known.borrow().get(relation) {
            return known.clone();
        }
        let columns = self.ask(relation);
        self.known.borrow_mut().insert(relation.to_owned(), columns.clone());
        columns
    }

    fn case_sensitive(&self) -> bool {
        self.case_sensitive
    }

    fn unknown_quotient(&self) {
        self.unknown_quotient.set(true);
    }
}

impl ServerCatalogue {
    fn ask(&self, relation: &str) -> Option<ColumnTypes> {
        let mut connection = self.connection.borrow_mut();
        let connection = connection.as_mut()?;
        // In a failed transaction nothing can be asked, and a name of three parts would fail one.
        if connection.transaction_status() == b'E' || relation.matches('.').count() > 1 {
            return None;
        }
        let quoted = if relation.starts_with('#') { format!("\"{relation}\"") } else { relation.to_owned() };
        let question = format!(
            "SELECT attname, pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute \
             WHERE attrelid = pg_catalog.to_regclass('{}') AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            quoted.replace('\'', "''")
        );
        let table = rows(connection, &question).ok()?;
        if table.rows.is_empty() {
            return None;
        }
        Some(
            (0..table.rows.len())
                .map(|row| (table.at(row, 0).to_owned(), table.at(row, 1).to_owned()))
                .collect(),
        )
    }
}

/// An error of PostgreSQL that only says that a name of Redshift does not exist names it and is 0A000.
pub(super) fn name_construct(error: &mut ServerError) {
    let quoted = || {
        let name = error.message.split('"').nth(1).unwrap_or_default();
        name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase()
    };
    let construct = match error.code.as_str() {
        "42704" if ["geometry", "geography", "hllsketch", "varbyte"].contains(&quoted().as_str()) => {
            format!("type {}", quoted().to_ascii_uppercase())
        }
        // The schema has the function, but not for these types.
        "42703"
            if ["current_aws_account", "current_namespace", "current_user_id"]
                .contains(&quoted().as_str()) =>
        {
            quoted().to_ascii_uppercase()
        }
        "42P01"
            if [
                "pg_library",
                "pg_statistic_indicator",
                "pg_user_info",
                "pg_database_info",
                "pg_conf",
                "pg_external_schema",
            ]
            .contains(&quoted().as_str()) =>
        {
            format!("system table {}", quoted().to_ascii_uppercase())
        }
        "42883" => {
            let call =
                error.message.strip_prefix("function ").and_then(|m| m.strip_suffix(" does not exist"));
            let Some((name, arguments)) = call.and_then(|call| call.split_once('(')) else { return };
            let name = name.rsplit('.').next().unwrap_or_default();
            if !schema::functions().any(|known| known == name) {
                return;
            }
            error.hint = None;
            format!("function {}({arguments}", name.to_ascii_uppercase())
        }
        _ => return,
    };
    "0A000".clone_into(&mut error.code);
    error.message = DialectError::Unsupported(construct).to_string();
}

/// The OID of `jsonb`, which stands for SUPER.
const JSONB: u32 = 3802;

/// The columns of SUPER values.
pub(super) fn super_columns(columns: &[Column]) -> Vec<usize> {
    (0..columns.len()).filter(|i| columns[*i].type_oid == JSONB).collect()
}

/// A row with its SUPER values as Redshift shows them, without blanks between their parts.
pub(super) fn compacted(data: &[u8], cells: &mut [Option<Range<usize>>], which: &[usize]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    for (index, cell) in cells.iter_mut().enumerate() {
        let Some(range) = cell else { continue };
        let value = data.get(range.clone()).unwrap_or_default();
        let start = out.len();
        if which.contains(&index) {
            compact(value, &mut out);
        } else {
            out.extend_from_slice(value);
        }
        *range = start..out.len();
    }
    out
}

fn compact(json: &[u8], out: &mut Vec<u8>) {
    let (mut text, mut escaped) = (false, false);
    for byte in json {
        if text {
            text = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            text = *byte == b'"';
        }
        out.push(*byte);
    }
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn blanks_within_strings_stay() {
        let mut out = Vec::new();
        compact(br#"{"a b": [1, 2, "x \" y "], "c": null}"#, &mut out);
        assert_eq!(out, br#"{"a b":[1,2,"x \" y "],"c":null}"#);
    }
}
