//! Schedules.

use rusqlite::{Connection, OptionalExtension};
use serde_json::{Map, Value, json};

use super::definition::{Definition, arn};
use super::rest::{Query, page, page_answer};
use super::{
    DEFAULT_GROUP, Scheduler, check_name, check_token, conflict, groups, invalid_token, is_name, missing,
};
use crate::http::{AwsError, answer, parse};
use crate::place;

/// A schedule as it is stored.
struct Row {
    group: String,
    name: String,
    definition: String,
    created: i64,
    modified: i64,
}

/// A request's body, and what stands beside the definition in it.
struct Request {
    group: String,
    client_token: Option<String>,
    definition: Definition,
}

impl Scheduler {
    pub(super) async fn create_schedule(&self, name: &str, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request = read("CreateSchedule", name, body)?;
        let arn = arn(&request.group, name);
        let name = name.to_owned();
        self.worker
            .run(move |db| {
                let transaction = db.transaction()?;
                groups::created(&transaction, &request.group)?;
                if let Some((_, token)) = find(&transaction, &request.group, &name)? {
                    // The same request, made again.
                    let same = token.is_some() && token == request.client_token;
                    return if same { Ok(()) } else { Err(conflict("Schedule", &name)) };
                }
                write(&transaction, &name, &request, None)?;
                transaction.commit()?;
                Ok(())
            })
            .await??;
        self.changed.notify_one();
        answer(&json!({"ScheduleArn": arn}))
    }

    pub(super) async fn update_schedule(&self, name: &str, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request = read("UpdateSchedule", name, body)?;
        let arn = arn(&request.group, name);
        let name = name.to_owned();
        self.worker
            .run(move |db| {
                let transaction = db.transaction()?;
                let (row, _) = need(&transaction, &request.group, &name)?;
                write(&transaction, &name, &request, Some(row.created))?;
                transaction.commit()?;
                Ok::<_, AwsError>(())
            })
            .await??;
        self.changed.notify_one();
        answer(&json!({"ScheduleArn": arn}))
    }

    pub(super) async fn get_schedule(&self, name: &str, query: &Query) -> Result<Vec<u8>, AwsError> {
        query.allow_only("GetSchedule", &["groupName"])?;
        let (group, name) = (query.group("groupName"), name.to_owned());
        let (row, _) = self.worker.run(move |db| need(db, &group, &name)).await??;
        let mut members: Map<String, Value> =
            serde_json::from_str(&row.definition).map_err(AwsError::internal)?;
        members.extend(row.summary());
        answer(&members)
    }

    pub(super) async fn delete_schedule(&self, name: &str, query: &Query) -> Result<Vec<u8>, AwsError> {
        query.allow_only("DeleteSchedule", &["groupName", "clientToken"])?;
        check_token(query.given("clientToken"))?;
        let (group, name) = (query.group("groupName"), name.to_owned());
        self.worker
            .run(move |db| {
                need(db, &group, &name)?;
                db.execute("DELETE FROM schedule WHERE group_name = ?1 AND name = ?2", (group, name))?;
                Ok::<_, AwsError>(())
            })
            .await??;
        answer(&json!({}))
    }

    pub(super) async fn list_schedules(&self, query: &Query) -> Result<Vec<u8>, AwsError> {
        let members = ["ScheduleGroup", "MaxResults", "NamePrefix", "NextToken", "State"];
        query.allow_only("ListSchedules", &members)?;
        let limit = query.limit()?;
        let (group, prefix, state) =
            (query.text("ScheduleGroup"), query.text("NamePrefix"), query.text("State"));
        let after = query.text("NextToken");
        // A token is the place of a page's last schedule.
        if !after.is_empty() && !after.split_once('/').is_some_and(|(g, n)| is_name(g) && is_name(n)) {
            return Err(invalid_token());
        }
        let rows = self
            .worker
            .run(move |db| {
                if !group.is_empty() {
                    groups::created(db, &group)?;
                }
                let (after_group, after_name) = after.split_once('/').unwrap_or_default();
                let rows = db
                    .prepare_cached(
                        "SELECT group_name, name, definition, created, modified FROM schedule
                         WHERE (group_name, name) > (?1, ?2) AND (?3 = '' OR group_name = ?3)
                            AND substr(name, 1, length(?4)) = ?4
                            AND (?5 = '' OR definition ->> 'State' = ?5)
                         ORDER BY group_name, name LIMIT ?6",
                    )?
                    .query_map((after_group, after_name, group, prefix, state, limit + 1), from_row)?
                    .collect::<rusqlite::Result<Vec<_>>>()?;
                Ok::<_, AwsError>(rows)
            })
            .await??;
        let (rows, token) = page(rows, limit, |row| format!("{}/{}", row.group, row.name));
        let schedules = rows
            .iter()
            .map(|row| {
                // Not as a definition: one that this version does not understand is listed all the same.
                let definition: Value = serde_json::from_str(&row.definition).map_err(AwsError::internal)?;
                let mut members = row.summary();
                members.insert("State".to_owned(), definition["State"].clone());
                members.insert("Target".to_owned(), json!({"Arn": definition["Target"]["Arn"]}));
                Ok(members)
            })
            .collect::<Result<Vec<_>, AwsError>>()?;
        page_answer("Schedules", json!(schedules), token)
    }
}

impl Row {
    fn summary(&self) -> Map<String, Value> {
        Map::from_iter([
            ("Arn".to_owned(), json!(arn(&self.group, &self.name))),
            ("Name".to_owned(), json!(self.name)),
            ("GroupName".to_owned(), json!(self.group)),
            ("CreationDate".to_owned(), json!(place::seconds(self.created))),
            ("LastModificationDate".to_owned(), json!(place::seconds(self.modified))),
        ])
    }
}

fn read(operation: &str, name: &str, body: &[u8]) -> Result<Request, AwsError> {
    check_name("name", name)?;
    let mut members: Map<String, Value> = parse(operation, body)?;
    let mut text = |member: &str| match members.remove(member) {
        Some(Value::String(text)) => Ok(Some(text)),
        None | Some(Value::Null) => Ok(None),
        Some(_) => {
            Err(AwsError::client("SerializationException", format!("{member} of {operation} is not a text")))
        }
    };
    let group = text("GroupName")?.unwrap_or_else(|| DEFAULT_GROUP.to_owned());
    let client_token = text("ClientToken")?;
    check_name("groupName", &group)?;
    check_token(client_token.as_deref())?;
    let rest = serde_json::to_vec(&members).map_err(AwsError::internal)?;
    let definition: Definition = parse(operation, &rest)?;
    definition.check(place::now_ms())?;
    Ok(Request { group, client_token, definition })
}

/// Writes a schedule. An update replaces all of it, and a rate counts anew from it.
fn write(db: &Connection, name: &str, request: &Request, created: Option<i64>) -> Result<(), AwsError> {
    let now = place::now_ms();
    let next = request.definition.plan(now)?.first();
    let definition = serde_json::to_string(&request.definition).map_err(AwsError::internal)?;
    db.execute(
        "INSERT OR REPLACE INTO schedule (group_name, name, definition, client_token, created, modified, next)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (&request.group, name, definition, &request.client_token, created.unwrap_or(now), now, next),
    )?;
    Ok(())
}

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        group: row.get(0)?,
        name: row.get(1)?,
        definition: row.get(2)?,
        created: row.get(3)?,
        modified: row.get(4)?,
    })
}

/// A schedule, and the token of the request that created it.
fn find(db: &Connection, group: &str, name: &str) -> Result<Option<(Row, Option<String>)>, AwsError> {
    let found = db
        .prepare_cached(
            "SELECT group_name, name, definition, created, modified, client_token FROM schedule
             WHERE group_name = ?1 AND name = ?2",
        )?
        .query_row((group, name), |row| Ok((from_row(row)?, row.get(5)?)))
        .optional()?;
    Ok(found)
}

fn need(db: &Connection, group: &str, name: &str) -> Result<(Row, Option<String>), AwsError> {
    find(db, group, name)?.ok_or_else(|| missing("Schedule", name))
}
