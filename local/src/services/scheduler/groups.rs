//! Schedule groups.

use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::rest::{Query, page, page_answer};
use super::{
    DEFAULT_GROUP, Scheduler, check_name, check_token, conflict, invalid, invalid_token, is_name, missing,
};
use crate::http::{AwsError, answer, parse};
use crate::place;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    /// The same request again finds its group, and is refused as any other for it.
    client_token: Option<String>,
    tags: Option<Vec<Value>>,
}

impl Scheduler {
    pub(super) async fn create_group(&self, name: &str, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        check_name("name", name)?;
        let request: Create = parse("CreateScheduleGroup", body)?;
        check_token(request.client_token.as_deref())?;
        if request.tags.is_some_and(|tags| !tags.is_empty()) {
            return Err(AwsError::not_implemented("Tags of CreateScheduleGroup"));
        }
        let row = name.to_owned();
        let added = self
            .worker
            .run(move |db| {
                db.execute(
                    "INSERT OR IGNORE INTO schedule_group (name, created) VALUES (?1, ?2)",
                    (row, place::now_ms()),
                )
            })
            .await??;
        if added == 0 {
            return Err(conflict("Schedule group", name));
        }
        answer(&json!({"ScheduleGroupArn": arn(name)}))
    }

    pub(super) async fn get_group(&self, name: &str) -> Result<Vec<u8>, AwsError> {
        let row = name.to_owned();
        let created = self.worker.run(move |db| created(db, &row)).await??;
        answer(&summary(name, created))
    }

    /// Deletes a group and its schedules.
    pub(super) async fn delete_group(&self, name: &str, query: &Query) -> Result<Vec<u8>, AwsError> {
        query.allow_only("DeleteScheduleGroup", &["clientToken"])?;
        check_token(query.given("clientToken"))?;
        if name == DEFAULT_GROUP {
            return Err(invalid("The default schedule group cannot be deleted."));
        }
        let row = name.to_owned();
        self.worker
            .run(move |db| {
                let transaction = db.transaction()?;
                created(&transaction, &row)?;
                transaction.execute("DELETE FROM schedule WHERE group_name = ?1", [&row])?;
                transaction.execute("DELETE FROM schedule_group WHERE name = ?1", [&row])?;
                transaction.commit()?;
                Ok::<_, AwsError>(())
            })
            .await??;
        answer(&json!({}))
    }

    pub(super) async fn list_groups(&self, query: &Query) -> Result<Vec<u8>, AwsError> {
        query.allow_only("ListScheduleGroups", &["MaxResults", "NamePrefix", "NextToken"])?;
        let limit = query.limit()?;
        let (prefix, after) = (query.text("NamePrefix"), query.text("NextToken"));
        if !after.is_empty() && !is_name(&after) {
            return Err(invalid_token());
        }
        let rows = self
            .worker
            .run(move |db| {
                db.prepare_cached(
                    "SELECT name, created FROM schedule_group
                     WHERE name > ?1 AND substr(name, 1, length(?2)) = ?2 ORDER BY name LIMIT ?3",
                )?
                .query_map((after, prefix, limit + 1), |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<Vec<(String, i64)>>>()
            })
            .await??;
        let (rows, token) = page(rows, limit, |(name, _)| name.clone());
        let groups: Vec<_> = rows.iter().map(|(name, created)| summary(name, *created)).collect();
        page_answer("ScheduleGroups", json!(groups), token)
    }
}

fn summary(name: &str, created: i64) -> Map<String, Value> {
    Map::from_iter([
        ("Arn".to_owned(), json!(arn(name))),
        ("Name".to_owned(), json!(name)),
        ("State".to_owned(), json!("ACTIVE")),
        ("CreationDate".to_owned(), json!(place::seconds(created))),
        ("LastModificationDate".to_owned(), json!(place::seconds(created))),
    ])
}

fn arn(name: &str) -> String {
    place::arn("scheduler", format_args!("schedule-group/{name}"))
}

/// When a group was created.
pub(super) fn created(db: &Connection, name: &str) -> Result<i64, AwsError> {
    db.query_row("SELECT created FROM schedule_group WHERE name = ?1", [name], |row| row.get(0))
        .optional()?
        .ok_or_else(|| missing("Schedule group", name))
}
