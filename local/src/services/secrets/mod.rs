//! Secrets Manager: secrets and their versions.

mod delete;
mod describe;
mod get;
mod list;
mod put;
mod store;

use std::path::Path;

use rusqlite::Connection;

use crate::LocalError;
use crate::http::AwsError;
use crate::storage::{Schema, Worker};

const SCHEMA: Schema<'static> = Schema {
    file: "secrets.sqlite3",
    version: 2,
    tables: "
        CREATE TABLE secret (
            name TEXT PRIMARY KEY,
            arn TEXT NOT NULL UNIQUE,
            description TEXT,
            tags TEXT NOT NULL,
            created INTEGER NOT NULL,
            changed INTEGER NOT NULL,
            deleted INTEGER,
            ends INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE version (
            name TEXT NOT NULL REFERENCES secret (name),
            version_id TEXT NOT NULL,
            text TEXT,
            binary BLOB,
            created INTEGER NOT NULL,
            PRIMARY KEY (name, version_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE stage (
            name TEXT NOT NULL,
            stage TEXT NOT NULL,
            version_id TEXT NOT NULL,
            PRIMARY KEY (name, stage),
            FOREIGN KEY (name, version_id) REFERENCES version (name, version_id)
        ) STRICT, WITHOUT ROWID;",
    upgrades: &[],
};

/// The embedded Secrets Manager.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    worker: Worker<Connection>,
}

impl Secrets {
    /// Opens or creates its database in `dir`.
    pub(crate) fn open(dir: &Path) -> Result<Self, LocalError> {
        let worker = Worker::start("secrets", SCHEMA.open(dir)?).map_err(LocalError::Thread)?;
        Ok(Self { worker })
    }

    /// Carries out one operation.
    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        match operation {
            "CreateSecret" => self.create_secret(body).await,
            "DeleteSecret" => self.delete_secret(body).await,
            "DescribeSecret" => self.describe_secret(body).await,
            "GetSecretValue" => self.get_secret_value(body).await,
            "ListSecrets" => self.list_secrets(body).await,
            "PutSecretValue" => self.put_secret_value(body).await,
            _ => Err(AwsError::unknown_operation("Secrets Manager", operation)),
        }
    }

    /// Closes the file.
    pub(crate) async fn close(&self) {
        self.worker.close().await;
    }
}
