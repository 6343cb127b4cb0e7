//! Log groups.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, Constraints, answer, parse};
use crate::place;
use crate::services::logs::{Logs, rows};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    log_group_name: String,
    /// Accepted because deployments set it, but not used.
    #[serde(default, rename = "tags")]
    _tags: BTreeMap<String, String>,
    log_group_class: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Describe {
    log_group_name_prefix: Option<String>,
    /// A part of the name.
    log_group_name_pattern: Option<String>,
    log_group_class: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
}

/// The class of all groups.
const CLASS: &str = "STANDARD";

fn check_class(class: Option<&str>) -> Result<(), AwsError> {
    let mut constraints = Constraints::default();
    constraints.one_of("logGroupClass", class, &[CLASS, "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"]);
    constraints.check("InvalidParameterException")
}

impl Logs {
    pub(super) async fn create_log_group(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Create = parse("CreateLogGroup", body)?;
        check_class(request.log_group_class.as_deref())?;
        if let Some(class) = request.log_group_class.as_deref().filter(|class| *class != CLASS) {
            return Err(AwsError::not_implemented(format_args!("the log group class {class}")));
        }
        if self.ensure_group(&request.log_group_name).await? {
            answer(&json!({}))
        } else {
            Err(rows::exists("group"))
        }
    }

    /// Creates a group if it is missing. Returns whether it was missing.
    pub(crate) async fn ensure_group(&self, name: &str) -> Result<bool, AwsError> {
        // `CreateLogGroup` API reference.
        let mut constraints = Constraints::default();
        constraints.length("logGroupName", Some(name), 1..=512);
        constraints.pattern("logGroupName", Some(name), "[\\.\\-_/#A-Za-z0-9]+", |name| {
            name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/#".contains(&b))
        });
        constraints.check("InvalidParameterException")?;
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
        check_class(request.log_group_class.as_deref())?;
        if request.log_group_name_prefix.is_some() && request.log_group_name_pattern.is_some() {
            let message = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.";
            return Err(rows::invalid(message));
        }
        if request.log_group_class.is_some_and(|class| class != CLASS) {
            return answer(&json!({"logGroups": []}));
        }
        let prefix = request.log_group_name_prefix.unwrap_or_default();
        let pattern = request.log_group_name_pattern.unwrap_or_default();
        let after = request.next_token.unwrap_or_default();
        let mut groups: Vec<Value> = self
            .worker
            .run(move |db| {
                db.prepare_cached(
                    "SELECT name, created, retention, stored FROM log_group
                     WHERE name >= ?1 AND (?2 IS NULL OR name < ?2) AND name > ?3 AND (?5 = '' OR INSTR(name, ?5) > 0)
                     ORDER BY name LIMIT ?4",
                )?
                .query_map((&prefix, rows::prefix_end(&prefix), &after, limit + 1, &pattern), |row| {
                    let name: String = row.get(0)?;
                    let arn = place::arn("logs", format_args!("log-group:{name}"));
                    if !pattern.is_empty() {
                        // With a pattern, the service returns only these members.
                        let created: i64 = row.get(1)?;
                        return Ok(json!({"arn": format!("{arn}:*"), "logGroupName": name, "creationTime": created}));
                    }
                    let mut group = json!({
                        "arn": format!("{arn}:*"), "logGroupArn": arn, "logGroupName": name,
                        "creationTime": row.get::<_, i64>(1)?, "metricFilterCount": 0,
                        "storedBytes": row.get::<_, i64>(3)?, "logGroupClass": CLASS,
                    });
                    if let (Some(days), Some(members)) = (row.get::<_, Option<i64>>(2)?, group.as_object_mut()) {
                        members.insert("retentionInDays".to_owned(), days.into());
                    }
                    Ok(group)
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
