//! `DeleteLogGroup` and `DeleteLogStream`.

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::json;

use crate::http::{AwsError, answer, parse};
use crate::services::logs::{Logs, rows};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Group {
    log_group_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stream {
    log_group_name: String,
    log_stream_name: String,
}

impl Logs {
    pub(super) async fn delete_log_group(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Group = parse("DeleteLogGroup", body)?;
        self.worker
            .run(move |db| {
                let group = rows::group_id(db, &request.log_group_name)?;
                delete(
                    db,
                    group,
                    &[
                        "DELETE FROM event WHERE group_id = ?1",
                        "DELETE FROM log_stream WHERE group_id = ?1",
                        "DELETE FROM log_group WHERE id = ?1",
                    ],
                )
            })
            .await??;
        answer(&json!({}))
    }

    pub(super) async fn delete_log_stream(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Stream = parse("DeleteLogStream", body)?;
        self.worker
            .run(move |db| {
                let group = rows::group_id(db, &request.log_group_name)?;
                let stream = rows::stream_id(db, group, &request.log_stream_name)?;
                delete(
                    db,
                    stream,
                    &[
                        "UPDATE log_group SET stored = stored - (
                             SELECT COALESCE(SUM(OCTET_LENGTH(message) + 26), 0) FROM event WHERE stream_id = ?1)
                         WHERE id = (SELECT group_id FROM log_stream WHERE id = ?1)",
                        "DELETE FROM event WHERE stream_id = ?1",
                        "DELETE FROM log_stream WHERE id = ?1",
                    ],
                )
            })
            .await??;
        answer(&json!({}))
    }
}

/// Deletes in one transaction: if the disk is full, nothing is deleted.
fn delete(db: &mut Connection, id: i64, statements: &[&str]) -> Result<(), AwsError> {
    let transaction = db.transaction()?;
    for statement in statements {
        transaction.execute(statement, [id])?;
    }
    transaction.commit()?;
    Ok(())
}
