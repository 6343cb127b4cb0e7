//! Why the endpoint did not start.

use std::path::{Path, PathBuf};

use rsqlflow_core::env;

use crate::storage::damage;

/// The endpoint could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Somebody else listens on the port.
    #[error("port {port} is taken by another process; choose another, or 0 for any free one")]
    PortTaken {
        /// The port that was asked for.
        port: u16,
    },
    /// The port cannot be opened for another reason.
    #[error("cannot listen on port {port}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another endpoint works on the same state directory.
    #[error("another endpoint uses the state directory {}; stop it, or choose another directory", path.display())]
    StateDirInUse {
        /// The directory.
        path: PathBuf,
    },
    /// The environment asks for a client that there is not.
    #[error("{}: {value:?} is not one of {}", env::RSQL_CLIENT, env::RSQL_CLIENTS.join(", "))]
    RsqlClient {
        /// What it says.
        value: String,
    },
    /// A file or folder of the state directory cannot be made, read or written.
    #[error("cannot use {}", path.display())]
    StateDir {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A database of the state directory was written by a version of this program that is not this one.
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
        /// What SQLite or the embedded DynamoDB says.
        reason: String,
    },
    /// A database of the state directory is none any more, or not whole.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The tables of the deployment cannot be created.
    #[error("cannot create the deployment's tables")]
    Tables(#[source] rsqlflow_store::StoreError),
    /// A resource of the deployment cannot be created.
    #[error("cannot create {what}: {reason}")]
    Resource {
        /// Which one, as people say it.
        what: String,
        /// The service's answer.
        reason: String,
    },
    /// The executions that an earlier endpoint left unfinished cannot be brought back.
    #[error("cannot go on with the unfinished executions of the state directory: {reason}")]
    Unfinished {
        /// Which one, and why.
        reason: String,
    },
    /// A thread of the endpoint cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

impl LocalError {
    /// What SQLite, or the embedded DynamoDB, has against opening a database.
    pub(crate) fn of_database(path: &Path, reason: String) -> Self {
        let path = path.to_owned();
        if damage::is_told_by(&reason) {
            Self::Damaged { path, reason }
        } else {
            Self::Database { path, reason }
        }
    }
}
