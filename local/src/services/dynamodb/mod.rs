//! DynamoDB: the crate dynoxide on one file.

mod arns;
mod operations;
mod refusal;

use std::path::Path;

use dynoxide::Database;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::LocalError;
use crate::http::{AwsError, Reply};
use crate::storage::{self, StateDir, Worker, damage};

/// File name within the state directory.
const FILE: &str = "dynamodb.sqlite3";

/// The embedded DynamoDB.
#[derive(Debug)]
pub(crate) struct DynamoDb {
    worker: Worker<Database>,
    closing: CancellationToken,
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
        // By default, SQLite's synchronous mode is FULL: a disk sync for every write, seven for each job. This sets NORMAL, as
        // in the other databases, and limits the cache.
        database.disable_bulk_loading().map_err(|e| failed(e.to_string()))?;
        let worker = Worker::start("dynamodb", database).map_err(LocalError::Thread)?;
        Ok(Self { worker, closing: CancellationToken::new() })
    }

    /// Executes one operation, named as in `X-Amz-Target`. Errors are answers too: they have members of their own, such as
    /// the item that failed a condition.
    pub(crate) async fn call(
        &self,
        operation: &str,
        body: &[u8],
        content_type: &'static str,
    ) -> Result<Reply, AwsError> {
        let Some(run) = operations::find(operation) else {
            return Err(AwsError::unknown_operation("DynamoDB", operation));
        };
        let body = arns::of_request(operation, body.to_vec());
        let name = operation.to_owned();
        let answer = self
            .worker
            .run(move |database| run(database, &body).map_err(|e| refusal::finished(&name, e)))
            .await?;
        Ok(match answer {
            Ok(body) => Reply::json(content_type, arns::of_answer(operation, body)),
            Err(error) => {
                let reply = Reply::json(content_type, error.to_json().into_bytes());
                Reply { status: error.status_code(), ..reply }
            }
        })
    }

    /// Sets the TTL attribute of a table, as `UpdateTimeToLive` does.
    pub(crate) async fn expire_by(&self, table: &str, attribute: &str) -> Result<(), AwsError> {
        let described: Value = self.asked("DescribeTimeToLive", &json!({"TableName": table})).await?;
        let now = &described["TimeToLiveDescription"];
        // DynamoDB refuses to enable TTL twice.
        if now["TimeToLiveStatus"] == "ENABLED" && now["AttributeName"] == attribute {
            return Ok(());
        }
        let wanted = json!({"AttributeName": attribute, "Enabled": true});
        let request = json!({"TableName": table, "TimeToLiveSpecification": wanted});
        self.asked("UpdateTimeToLive", &request).await.map(|_| ())
    }

    async fn asked(&self, operation: &str, request: &Value) -> Result<Value, AwsError> {
        let reply = self.call(operation, request.to_string().as_bytes(), "application/json").await?;
        if reply.status != 200 {
            return Err(AwsError::internal(String::from_utf8_lossy(&reply.body)));
        }
        serde_json::from_slice(&reply.body).map_err(AwsError::internal)
    }

    /// Deletes expired items, now and every hour. DynamoDB does it within a few days.
    ///
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html>
    pub(crate) fn delete_expired(&self) {
        let (worker, closing) = (self.worker.clone(), self.closing.clone());
        tokio::spawn(async move {
            storage::regularly(&closing, || async {
                let swept = worker.run(|database| database.sweep_ttl().map_err(|e| e.to_string())).await;
                if let Ok(Err(reason)) = swept {
                    tracing::warn!("expired items could not be deleted: {reason}");
                }
            })
            .await;
        });
    }

    /// Closes the file.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.worker.close().await;
    }
}
