//! Log groups.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::logs::{Logs, rows};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    log_group_name: String,
    /// Taken because deployments give them; nothing here reads them.
    #[serde(default, rename = "tags")]
    _tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Describe {
    log_group_name_prefix: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
}

impl Logs {
    pub(super) async fn create_log_group(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Create = parse("CreateLogGroup", body)?;
        if self.ensure_group(&request.log_group_name).await? {
            answer(&json!({}))
        } else {
            Err(rows::exists("group"))
        }
    }

    /// Creates a group if it is missing; says whether it was.
    pub(crate) async fn ensure_group(&self, name: &str) -> Result<bool, AwsError> {
        // `CreateLogGroup` API reference.
        let valid = (1..=512).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/#".contains(&b));
        if !valid {
            return Err(rows::invalid(
                "logGroupName must be 1 to 512 of the characters a-z, A-Z, 0-9, '_', '-', '/', '.', '#'",
            ));
        }
        let name = name.to_owned();
        let inserted = self
            .worker
            .run(move |db| {
                db.execute(
                    "INSERT OR IGNORE INTO log_group (name, created) VALUES (?1, ?2)",
                    (name, place::now_ms()),
                )
            })
            .await??;
        Ok(inserted == 1)
    }

    pub(super) async fn describe_log_groups(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Describe = parse("DescribeLogGroups", body)?;
        let limit = rows::limit(request.limit, 50, 50)?;
        let prefix = request.log_group_name_prefix.unwrap_or_default();
        let after = request.next_token.unwrap_or_default();
        let mut groups: Vec<Value> = self
            .worker
            .run(move |db| {
                db.prepare_cached(
                    "SELECT name, created FROM log_group
                     WHERE name >= ?1 AND (?2 IS NULL OR name < ?2) AND name > ?3 ORDER BY name LIMIT ?4",
                )?
                .query_map((&prefix, rows::prefix_end(&prefix), &after, limit + 1), |row| {
                    let name: String = row.get(0)?;
                    let arn = place::arn("logs", format_args!("log-group:{name}"));
                    Ok(json!({
                        "arn": format!("{arn}:*"), "logGroupArn": arn, "logGroupName": name,
                        "creationTime": row.get::<_, i64>(1)?, "metricFilterCount": 0,
                    }))
                })?
                .collect::<rusqlite::Result<_>>()
            })
            .await??;
        let more = groups.len() > limit;
        groups.truncate(limit);
        let token = if more { groups.last().and_then(|g| g.get("logGroupName")).cloned() } else { None };
        answer(&json!({"logGroups": groups, "nextToken": token}))
    }
}
