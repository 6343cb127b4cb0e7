//! Log streams.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, Constraints, answer, parse};
use crate::place;
use crate::services::logs::{Logs, rows};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    log_group_name: String,
    log_stream_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Describe {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<String>,
    #[serde(default)]
    descending: bool,
    next_token: Option<String>,
    limit: Option<usize>,
}

/// Streams on one page (`DescribeLogStreams` API reference).
const PAGE: usize = 50;

/// The value of `orderBy` that is not by name.
const BY_TIME: &str = "LastEventTime";

impl Logs {
    pub(super) async fn create_log_stream(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Create = parse("CreateLogStream", body)?;
        let name = request.log_stream_name;
        rows::check_stream_name(&name)?;
        self.worker
            .run(move |db| {
                let group = rows::group_id(db, &request.log_group_name)?;
                let inserted = db
                    .prepare_cached(
                        "INSERT OR IGNORE INTO log_stream (group_id, name, created) VALUES (?1, ?2, ?3)",
                    )?
                    .execute((group, name, place::now_ms()))?;
                if inserted == 1 { Ok(()) } else { Err(rows::exists("stream")) }
            })
            .await??;
        answer(&json!({}))
    }

    pub(super) async fn describe_log_streams(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Describe = parse("DescribeLogStreams", body)?;
        let limit = rows::limit(request.limit, PAGE, PAGE)?;
        let mut constraints = Constraints::default();
        constraints.one_of("orderBy", request.order_by.as_deref(), &["LogStreamName", BY_TIME]);
        constraints.check("InvalidParameterException")?;
        let by_time = request.order_by.as_deref() == Some(BY_TIME);
        let prefix = request.log_stream_name_prefix.unwrap_or_default();
        if by_time && !prefix.is_empty() {
            return Err(rows::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        let group_name = rows::group_name(request.log_group_name, request.log_group_identifier)?;
        // Pages by offset: there are few streams, and a new one only shifts a page.
        let offset: usize = match request.next_token.as_deref() {
            None => 0,
            Some(token) => token.parse().map_err(|_| rows::invalid("The specified nextToken is invalid."))?,
        };
        let order = match (by_time, request.descending) {
            (false, false) => "name",
            (false, true) => "name DESC",
            (true, false) => "COALESCE(last_event, 0), name",
            (true, true) => "COALESCE(last_event, 0) DESC, name DESC",
        };
        let mut streams = self
            .worker
            .run(move |db| {
                let group = rows::group_id(db, &group_name)?;
                let streams = db
                    .prepare_cached(&format!(
                        "SELECT name, created, first_event, last_event, last_ingestion FROM log_stream
                         WHERE group_id = ?1 AND name >= ?2 AND (?3 IS NULL OR name < ?3)
                         ORDER BY {order} LIMIT ?4 OFFSET ?5"
                    ))?
                    .query_map((group, &prefix, rows::prefix_end(&prefix), limit + 1, offset), |row| {
                        describe(&group_name, row)
                    })?
                    .collect::<rusqlite::Result<Vec<Value>>>()?;
                Ok::<_, AwsError>(streams)
            })
            .await??;
        let more = streams.len() > limit;
        streams.truncate(limit);
        let token = more.then(|| (offset + limit).to_string());
        answer(&json!({"logStreams": streams, "nextToken": token}))
    }
}

fn describe(group: &str, row: &rusqlite::Row<'_>) -> rusqlite::Result<Value> {
    let name: String = row.get(0)?;
    let mut stream = json!({
        "arn": place::arn("logs", format_args!("log-group:{group}:log-stream:{name}")),
        "logStreamName": name,
        "creationTime": row.get::<_, i64>(1)?,
        "storedBytes": 0,
    });
    for (column, member) in [(2, "firstEventTimestamp"), (3, "lastEventTimestamp"), (4, "lastIngestionTime")]
    {
        if let (Some(moment), Some(members)) = (row.get::<_, Option<i64>>(column)?, stream.as_object_mut()) {
            members.insert(member.to_owned(), moment.into());
        }
    }
    Ok(stream)
}
