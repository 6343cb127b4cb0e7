//! Small queries of the client itself: catalogues and the like.

use super::Session;
use crate::connection::{Column, Connection, Event, ServerError};

/// A small result, held whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    /// Columns.
    pub(crate) columns: Vec<Column>,
    /// Rows; `None` is NULL.
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

impl Table {
    /// A value, empty for NULL and where there is none.
    pub(crate) fn at(&self, row: usize, column: usize) -> &str {
        self.rows.get(row).and_then(|r| r.get(column)).and_then(|v| v.as_deref()).unwrap_or("")
    }
}

impl Session {
    /// Runs a query and keeps its rows; the status variables stay as they are.
    ///
    /// # Errors
    /// The server's error, or a lost connection shaped as one.
    pub(crate) fn table(&mut self, sql: &str) -> Result<Table, Box<ServerError>> {
        let Some(connection) = &mut self.connection else {
            return Err(Box::new(ServerError::client(
                "08003",
                "You are currently not connected to a database.",
            )));
        };
        rows(connection, sql)
    }
}

/// Runs a query and keeps its rows.
///
/// # Errors
/// The server's error, or a lost connection shaped as one.
pub(crate) fn rows(connection: &mut Connection, sql: &str) -> Result<Table, Box<ServerError>> {
    let lost = |e: crate::connection::WireError| Box::new(ServerError::client("08006", e.to_string()));
    connection.start_query(sql).map_err(lost)?;
    let mut table = Table::default();
    let mut failed = None;
    loop {
        match connection.next_event().map_err(lost)? {
            Event::Columns(columns) => table.columns = columns,
            Event::Row(body) => {
                let mut cells = Vec::new();
                let _ = super::execute::ranges(&body, &mut cells);
                let row = crate::output::Row { data: body.buffer(), cells: &cells };
                table.rows.push((0..cells.len()).map(|i| row.text(i)).collect());
            }
            Event::Error(error) => failed = Some(error),
            Event::Ready => break,
            _ => {}
        }
    }
    failed.map_or(Ok(table), Err)
}
