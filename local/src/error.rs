//! Errors at the start of the endpoint.

use std::path::{Path, PathBuf};

use rsqlflow_core::env;

use crate::storage::damage;

/// The endpoint could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Another process uses the port.
    #[error("port {port} is taken by another process; use another port, or 0 for a free one")]
    PortTaken {
        /// The requested port.
        port: u16,
    },
    /// The port cannot be opened for another reason.
    #[error("cannot listen on port {port}")]
    Listen {
        /// The requested port.
        port: u16,
        /// The system's error.
        source: std::io::Error,
    },
    /// Another endpoint uses the same state directory.
    #[error("another endpoint uses the state directory {}; stop it, or use another directory", path.display())]
    StateDirInUse {
        /// The directory.
        path: PathBuf,
    },
    /// The environment selects a client that does not exist.
    #[error("{}: {value:?} is not one of {}", env::RSQL_CLIENT, env::RSQL_CLIENTS.join(", "))]
    RsqlClient {
        /// The value.
        value: String,
    },
    /// A file or directory of the state directory cannot be created, read or written.
    #[error("cannot use {}", path.display())]
    StateDir {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A database of the state directory was written by another version of this program.
    #[error(
        "{} has schema version {found}, and this program knows {known}; use the program that wrote it, or \
         another state directory",
        path.display()
    )]
    StateVersion {
        /// The database.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The version that this program reads and writes.
        known: i64,
    },
    /// A database of the state directory cannot be opened.
    #[error("cannot open the database {}: {reason}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// The error of SQLite or the embedded DynamoDB.
        reason: String,
    },
    /// A file of the state directory is not a database, or is incomplete.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// The damage.
        reason: String,
    },
    /// The tables of the deployment cannot be created.
    #[error("cannot create the deployment's tables")]
    Tables(#[source] rsqlflow_store::StoreError),
    /// A resource of the deployment cannot be created.
    #[error("cannot create {what}: {reason}")]
    Resource {
        /// The resource.
        what: String,
        /// The service's error.
        reason: String,
    },
    /// The unfinished executions of an earlier endpoint cannot be restored.
    #[error("cannot restore the unfinished executions of the state directory: {reason}")]
    Unfinished {
        /// The execution, and the reason.
        reason: String,
    },
    /// A thread of the endpoint cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

impl LocalError {
    /// Maps an error of SQLite or the embedded DynamoDB during opening.
    pub(crate) fn of_database(path: &Path, reason: String) -> Self {
        let path = path.to_owned();
        if damage::is_told_by(&reason) {
            Self::Damaged { path, reason }
        } else {
            Self::Database { path, reason }
        }
    }
}
