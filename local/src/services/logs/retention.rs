//! `PutRetentionPolicy`, `DeleteRetentionPolicy`, and the removal of old events.
//!
//! Events older than the retention of their group are no longer returned. Their rows are removed later, in batches, so
//! that writers do not wait long.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::logs::{Logs, rows};
use crate::storage::Worker;

/// Allowed values of `retentionInDays` (`PutRetentionPolicy` API reference).
const DAYS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

const DAY: i64 = 24 * 3_600_000;

/// Rows that are removed in one transaction.
const SLICE: usize = 5_000;

/// The pause between removals.
const EVERY: Duration = Duration::from_hours(1);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Put {
    log_group_name: String,
    retention_in_days: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Delete {
    log_group_name: String,
}

impl Logs {
    pub(super) async fn put_retention_policy(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Put = parse("PutRetentionPolicy", body)?;
        let days = request.retention_in_days;
        if !DAYS.contains(&days) {
            let allowed: Vec<_> = DAYS.iter().map(i64::to_string).collect();
            return Err(rows::invalid(format!(
                "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: \
                 Member must satisfy enum value set: [{}]",
                allowed.join(", ")
            )));
        }
        self.set_retention(request.log_group_name, Some(days)).await?;
        self.expire.notify_one();
        answer(&json!({}))
    }

    pub(super) async fn delete_retention_policy(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Delete = parse("DeleteRetentionPolicy", body)?;
        self.set_retention(request.log_group_name, None).await?;
        answer(&json!({}))
    }

    async fn set_retention(&self, group: String, days: Option<i64>) -> Result<(), AwsError> {
        self.worker
            .run(move |db| {
                let group = rows::group_id(db, &group)?;
                db.prepare_cached("UPDATE log_group SET retention = ?2 WHERE id = ?1")?
                    .execute((group, days))?;
                Ok::<_, AwsError>(())
            })
            .await?
    }

    /// Removes old events: now, every hour, and after each change of a policy.
    pub(super) fn keep_expiring(&self, closing: CancellationToken) {
        let (worker, expire) = (self.worker.clone(), std::sync::Arc::clone(&self.expire));
        tokio::spawn(async move {
            while !closing.is_cancelled() {
                if let Err(error) = remove_old(&worker).await {
                    tracing::error!("old log events cannot be removed: {}", error.message);
                }
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    () = expire.notified() => {}
                    () = closing.cancelled() => {}
                }
            }
        });
    }
}

/// The oldest timestamp within a group's retention.
pub(super) fn kept_from(db: &Connection, group: i64) -> rusqlite::Result<i64> {
    let days: Option<Option<i64>> = db
        .prepare_cached("SELECT retention FROM log_group WHERE id = ?1")?
        .query_row([group], |row| row.get(0))
        .optional()?;
    Ok(days.flatten().map_or(i64::MIN, |days| place::now_ms() - days * DAY))
}

async fn remove_old(worker: &Worker<Connection>) -> Result<(), AwsError> {
    let groups: Vec<i64> = worker
        .run(|db| {
            db.prepare("SELECT id FROM log_group WHERE retention IS NOT NULL")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()
        })
        .await??;
    for group in groups {
        while worker.run(move |db| remove_slice(db, group)).await?? == SLICE {}
    }
    Ok(())
}

fn remove_slice(db: &mut Connection, group: i64) -> rusqlite::Result<usize> {
    let transaction = db.transaction()?;
    let from = kept_from(&transaction, group)?;
    let sizes: Vec<usize> = transaction
        .prepare_cached(
            "DELETE FROM event
             WHERE id IN (SELECT id FROM event WHERE group_id = ?1 AND moment < ?2 ORDER BY moment LIMIT ?3)
             RETURNING OCTET_LENGTH(message)",
        )?
        .query_map((group, from, SLICE), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let stored: usize = sizes.iter().map(|size| size + rows::EVENT_OVERHEAD).sum();
    transaction.execute("UPDATE log_group SET stored = stored - ?2 WHERE id = ?1", (group, stored))?;
    transaction.commit()?;
    Ok(sizes.len())
}
