//! DynamoDB: the crate dynoxide on one file.

mod operations;
mod refusal;

use std::path::Path;

use dynoxide::Database;

use crate::LocalError;
use crate::http::{AwsError, Reply};
use crate::storage::{StateDir, Worker, damage};

/// File name within the state directory.
const FILE: &str = "dynamodb.sqlite3";

/// The embedded DynamoDB.
#[derive(Debug)]
pub(crate) struct DynamoDb {
    worker: Worker<Database>,
}

impl DynamoDb {
    /// Opens or creates the database in `dir`.
    pub(crate) fn open(dir: &Path) -> Result<Self, LocalError> {
        let path = dir.join(FILE);
        let failed = |reason: String| LocalError::of_database(&path, reason);
        let name = path.to_str().ok_or_else(|| failed("the path is not UTF-8".to_owned()))?;
        StateDir::private_file(&path)?;
        damage::check(&path)?;
        let database = Database::new(name).map_err(|e| failed(e.to_string()))?;
        // It opens its file with SQLite's default, FULL: a sync of the disk for every write, seven for each job. This
        // sets `synchronous = NORMAL`, as our own databases have it, and the cache's size to what it is.
        database.disable_bulk_loading().map_err(|e| failed(e.to_string()))?;
        let worker = Worker::start("dynamodb", database).map_err(LocalError::Thread)?;
        Ok(Self { worker })
    }

    /// Carries out one operation, named as in `X-Amz-Target`. Errors are answers too: their shape has members
    /// of its own, such as the item that a failed condition met.
    pub(crate) async fn call(
        &self,
        operation: &str,
        body: &[u8],
        content_type: &'static str,
    ) -> Result<Reply, AwsError> {
        let Some(run) = operations::find(operation) else {
            return Err(AwsError::unknown_operation("DynamoDB", operation));
        };
        let body = body.to_vec();
        let name = operation.to_owned();
        let answer = self
            .worker
            .run(move |database| run(database, &body).map_err(|e| refusal::finished(&name, e)))
            .await?;
        Ok(match answer {
            Ok(body) => Reply::json(content_type, body),
            Err(error) => {
                let reply = Reply::json(content_type, error.to_json().into_bytes());
                Reply { status: error.status_code(), ..reply }
            }
        })
    }

    /// Closes the file.
    pub(crate) async fn close(&self) {
        self.worker.close().await;
    }
}
