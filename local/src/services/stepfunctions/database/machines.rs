//! Rows of state machines.

use rusqlite::{OptionalExtension as _, Row};

use super::{Database, definition_id};
use crate::http::AwsError;

/// A stored state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MachineRow {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) role_arn: String,
    /// The definition as given.
    pub(crate) text: String,
    /// Milliseconds since 1970.
    pub(crate) created: i64,
    /// Milliseconds since 1970.
    pub(crate) updated: i64,
}

const SELECT: &str = "SELECT arn, name, role_arn, text, created, updated FROM machine
                      JOIN definition ON definition.id = definition_id";

impl Database {
    /// A state machine.
    pub(crate) async fn machine(&self, arn: &str) -> Result<Option<MachineRow>, AwsError> {
        let arn = arn.to_owned();
        self.run(move |db| {
            db.prepare_cached(&format!("{SELECT} WHERE arn = ?1"))?.query_row([arn], read).optional()
        })
        .await
    }

    /// Up to `size` state machines in order of their ARNs, after the first `skip`.
    pub(crate) async fn machines(&self, skip: usize, size: usize) -> Result<Vec<MachineRow>, AwsError> {
        self.run(move |db| {
            db.prepare_cached(&format!("{SELECT} ORDER BY arn LIMIT ?1 OFFSET ?2"))?
                .query_map((size, skip), read)?
                .collect()
        })
        .await
    }

    /// Inserts a state machine, or returns the existing one with its ARN.
    pub(crate) async fn add_machine(&self, machine: MachineRow) -> Result<MachineRow, AwsError> {
        self.run(move |db| {
            let transaction = db.transaction()?;
            let definition = definition_id(&transaction, &machine.text)?;
            transaction
                .prepare_cached(
                    "INSERT INTO machine (arn, name, role_arn, definition_id, created, updated)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                )?
                .execute((
                    &machine.arn,
                    &machine.name,
                    &machine.role_arn,
                    definition,
                    machine.created,
                    machine.updated,
                ))?;
            let found = transaction
                .prepare_cached(&format!("{SELECT} WHERE arn = ?1"))?
                .query_row([&machine.arn], read)?;
            transaction.commit()?;
            Ok(found)
        })
        .await
    }

    /// Changes the definition or the role of a state machine, or both. False if it does not exist.
    pub(crate) async fn update_machine(
        &self,
        arn: &str,
        text: Option<String>,
        role_arn: Option<String>,
        now: i64,
    ) -> Result<bool, AwsError> {
        let arn = arn.to_owned();
        self.run(move |db| {
            let transaction = db.transaction()?;
            let definition = text.map(|text| definition_id(&transaction, &text)).transpose()?;
            let updated = transaction
                .prepare_cached(
                    "UPDATE machine SET definition_id = COALESCE(?2, definition_id),
                                        role_arn = COALESCE(?3, role_arn), updated = ?4 WHERE arn = ?1",
                )?
                .execute((arn, definition, role_arn, now))?;
            transaction.commit()?;
            Ok(updated == 1)
        })
        .await
    }

    /// Removes a state machine if it exists. Its executions remain.
    pub(crate) async fn remove_machine(&self, arn: &str) -> Result<(), AwsError> {
        let arn = arn.to_owned();
        self.run(move |db| db.prepare_cached("DELETE FROM machine WHERE arn = ?1")?.execute([arn])).await?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<MachineRow> {
    Ok(MachineRow {
        arn: row.get(0)?,
        name: row.get(1)?,
        role_arn: row.get(2)?,
        text: row.get(3)?,
        created: row.get(4)?,
        updated: row.get(5)?,
    })
}
