//! Rules, without their targets.

use rusqlite::{Connection, OptionalExtension, Row};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::bus::need_default;
use super::pattern::Pattern;
use super::{BUS, EventBridge, invalid};
use crate::http::{AwsError, answer, parse};
use crate::place;

/// Bounds of the service model.
const LONGEST_PATTERN: usize = 4_096;
const LONGEST_DESCRIPTION: usize = 512;
const LONGEST_NAME: usize = 64;

/// A page of a list, and its greatest size.
const PAGE: usize = 100;

/// Rules of one bus (EventBridge quotas).
const RULES: i64 = 300;

/// A rule of the deployment: a function that must learn of an event, however often it has to be told.
#[derive(Debug, Clone)]
pub(crate) struct OwnRule {
    /// The rule's name.
    pub(crate) name: String,
    /// The event pattern.
    pub(crate) pattern: Value,
    /// The function's name; also the target's id.
    pub(crate) function: String,
    /// Error types with which the function asks to be invoked again, however often that takes. Its answer is
    /// waited for. On AWS a queue before the function does that.
    pub(crate) repeat_on: &'static [&'static str],
}

/// A rule as it is stored.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) pattern: String,
    enabled: bool,
    description: Option<String>,
    role_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    name: String,
    event_pattern: Option<String>,
    schedule_expression: Option<String>,
    state: Option<String>,
    description: Option<String>,
    role_arn: Option<String>,
    event_bus_name: Option<String>,
    tags: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Named {
    name: String,
    event_bus_name: Option<String>,
    /// For rules that AWS services manage, of which there are none.
    #[serde(rename = "Force")]
    _force: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    name_prefix: Option<String>,
    event_bus_name: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ByTarget {
    target_arn: String,
    event_bus_name: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
}

impl EventBridge {
    pub(super) async fn put_rule(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Put = parse("PutRule", body)?;
        need_default(request.event_bus_name.as_deref())?;
        check_name("name", &request.name)?;
        if request.schedule_expression.is_some() {
            return Err(AwsError::not_implemented(
                "ScheduleExpression of PutRule (EventBridge Scheduler's CreateSchedule is; the expression)",
            ));
        }
        if request.tags.is_some_and(|tags| !tags.is_empty()) {
            return Err(AwsError::not_implemented("Tags of PutRule"));
        }
        let Some(pattern) = request.event_pattern else {
            return Err(invalid("Parameter(s) EventPattern or ScheduleExpression must be specified."));
        };
        if pattern.len() > LONGEST_PATTERN {
            return Err(longer("eventPattern", LONGEST_PATTERN));
        }
        if request.description.as_ref().is_some_and(|text| text.chars().count() > LONGEST_DESCRIPTION) {
            return Err(longer("description", LONGEST_DESCRIPTION));
        }
        check_pattern(&pattern)?;
        let enabled = match request.state.as_deref().unwrap_or("ENABLED") {
            // There is no CloudTrail here, so no management event could be missed.
            "ENABLED" | "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" => true,
            "DISABLED" => false,
            other => return Err(invalid(format!("state {other} is not ENABLED or DISABLED"))),
        };
        let arn = arn(&request.name);
        let (name, description, role_arn) = (request.name, request.description, request.role_arn);
        let rule = Rule { name, pattern, enabled, description, role_arn };
        self.worker.run(move |db| write(db, &rule)).await??;
        answer(&json!({"RuleArn": arn}))
    }

    /// Creates a rule of the deployment, or makes it what it is now.
    pub(crate) async fn ensure_rule(&self, own: OwnRule) -> Result<(), AwsError> {
        let rule = Rule {
            name: own.name,
            pattern: own.pattern.to_string(),
            enabled: true,
            description: None,
            role_arn: None,
        };
        check_pattern(&rule.pattern)?;
        let arn = place::arn("lambda", format_args!("function:{}", own.function));
        let spec = json!({"Id": own.function, "Arn": arn}).to_string();
        let repeat_on = json!(own.repeat_on).to_string();
        self.worker
            .run(move |db| {
                let transaction = db.transaction()?;
                // A user's change of the state stays.
                let found = find(&transaction, &rule.name)?;
                let enabled = found.is_none_or(|found| found.enabled);
                let rule = Rule { enabled, ..rule };
                write(&transaction, &rule)?;
                transaction.execute(
                    "INSERT INTO target (rule, id, arn, spec, repeat_on) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE SET arn = ?3, repeat_on = ?5",
                    (&rule.name, own.function, arn, spec, repeat_on),
                )?;
                transaction.commit()?;
                Ok::<_, AwsError>(())
            })
            .await?
    }

    pub(super) async fn describe_rule(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Named = parse("DescribeRule", body)?;
        need_default(request.event_bus_name.as_deref())?;
        let rule = self.worker.run(move |db| need(db, &request.name)).await??;
        answer(&rule.to_json())
    }

    pub(super) async fn delete_rule(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Named = parse("DeleteRule", body)?;
        need_default(request.event_bus_name.as_deref())?;
        self.worker
            .run(move |db| {
                let targets: i64 =
                    db.query_row("SELECT COUNT(*) FROM target WHERE rule = ?1", [&request.name], |row| {
                        row.get(0)
                    })?;
                if targets > 0 {
                    return Err(invalid("Rule can't be deleted since it has targets."));
                }
                // A rule that is not there is deleted, says the service.
                db.execute("DELETE FROM rule WHERE name = ?1", [&request.name])?;
                Ok(())
            })
            .await??;
        answer(&json!({}))
    }

    pub(super) async fn enable_rule(
        &self,
        operation: &str,
        body: &[u8],
        enabled: bool,
    ) -> Result<Vec<u8>, AwsError> {
        let request: Named = parse(operation, body)?;
        need_default(request.event_bus_name.as_deref())?;
        self.worker
            .run(move |db| {
                need(db, &request.name)?;
                db.execute("UPDATE rule SET enabled = ?2 WHERE name = ?1", (&request.name, enabled))?;
                Ok::<_, AwsError>(())
            })
            .await??;
        answer(&json!({}))
    }

    pub(super) async fn list_rules(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: List = parse("ListRules", body)?;
        need_default(request.event_bus_name.as_deref())?;
        let limit = page_size(request.limit)?;
        let (prefix, after) =
            (request.name_prefix.unwrap_or_default(), request.next_token.unwrap_or_default());
        let mut rules = self
            .worker
            .run(move |db| {
                db.prepare_cached(
                    "SELECT name, pattern, enabled, description, role_arn FROM rule
                     WHERE name > ?1 AND substr(name, 1, length(?2)) = ?2 ORDER BY name LIMIT ?3",
                )?
                .query_map((after, prefix, limit + 1), Rule::from_row)?
                .collect::<rusqlite::Result<Vec<_>>>()
            })
            .await??;
        let token = cut(&mut rules, limit, |rule| rule.name.clone());
        let rules: Vec<_> = rules.iter().map(Rule::to_json).collect();
        list_answer("Rules", json!(rules), token)
    }

    pub(super) async fn list_rule_names_by_target(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: ByTarget = parse("ListRuleNamesByTarget", body)?;
        need_default(request.event_bus_name.as_deref())?;
        let limit = page_size(request.limit)?;
        let after = request.next_token.unwrap_or_default();
        let mut names = self
            .worker
            .run(move |db| {
                db.prepare_cached(
                    "SELECT DISTINCT rule FROM target WHERE arn = ?1 AND rule > ?2 ORDER BY rule LIMIT ?3",
                )?
                .query_map((request.target_arn, after, limit + 1), |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<String>>>()
            })
            .await??;
        let token = cut(&mut names, limit, Clone::clone);
        list_answer("RuleNames", json!(names), token)
    }
}

impl Rule {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get(0)?,
            pattern: row.get(1)?,
            enabled: row.get(2)?,
            description: row.get(3)?,
            role_arn: row.get(4)?,
        })
    }

    fn to_json(&self) -> Map<String, Value> {
        let mut members = Map::from_iter([
            ("Name".to_owned(), json!(self.name)),
            ("Arn".to_owned(), json!(arn(&self.name))),
            ("EventPattern".to_owned(), json!(self.pattern)),
            ("State".to_owned(), json!(if self.enabled { "ENABLED" } else { "DISABLED" })),
            ("EventBusName".to_owned(), json!(BUS)),
        ]);
        for (name, text) in [("Description", &self.description), ("RoleArn", &self.role_arn)] {
            if let Some(text) = text {
                members.insert(name.to_owned(), json!(text));
            }
        }
        members
    }
}

/// The ARN of a rule on the default bus.
pub(super) fn arn(name: &str) -> String {
    place::arn("events", format_args!("rule/{name}"))
}

pub(super) fn check_name(member: &str, name: &str) -> Result<(), AwsError> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(valid) {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: [\\.\\-_A-Za-z0-9]+ and have length 1 to {LONGEST_NAME}"
    )))
}

pub(super) fn check_pattern(text: &str) -> Result<Pattern, AwsError> {
    Pattern::parse(text).map_err(|e| AwsError::client("InvalidEventPatternException", e.to_string()))
}

fn longer(member: &str, most: usize) -> AwsError {
    invalid(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length less \
         than or equal to {most}"
    ))
}

fn find(db: &Connection, name: &str) -> Result<Option<Rule>, AwsError> {
    let rule = db
        .prepare_cached("SELECT name, pattern, enabled, description, role_arn FROM rule WHERE name = ?1")?
        .query_row([name], Rule::from_row)
        .optional()?;
    Ok(rule)
}

/// The rule of a name.
pub(super) fn need(db: &Connection, name: &str) -> Result<Rule, AwsError> {
    find(db, name)?.ok_or_else(|| {
        let message = format!("Rule {name} does not exist on EventBus {BUS}.");
        AwsError::client("ResourceNotFoundException", message)
    })
}

fn write(db: &Connection, rule: &Rule) -> Result<(), AwsError> {
    let others: i64 =
        db.query_row("SELECT COUNT(*) FROM rule WHERE name <> ?1", [&rule.name], |row| row.get(0))?;
    if others >= RULES {
        let message = "The requested resource exceeds the maximum number allowed.";
        return Err(AwsError::client("LimitExceededException", message));
    }
    db.execute(
        "INSERT INTO rule (name, pattern, enabled, description, role_arn) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET pattern = ?2, enabled = ?3, description = ?4, role_arn = ?5",
        (&rule.name, &rule.pattern, rule.enabled, &rule.description, &rule.role_arn),
    )?;
    Ok(())
}

/// The size of a page.
pub(super) fn page_size(limit: Option<usize>) -> Result<usize, AwsError> {
    match limit {
        None => Ok(PAGE),
        Some(limit) if (1..=PAGE).contains(&limit) => Ok(limit),
        Some(limit) => Err(invalid(format!("Limit {limit} is not between 1 and {PAGE}"))),
    }
}

/// Cuts what was read beyond the page; gives the token for the rest.
pub(super) fn cut<T>(rows: &mut Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> Option<String> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| more).map(key)
}

pub(super) fn list_answer(member: &str, list: Value, token: Option<String>) -> Result<Vec<u8>, AwsError> {
    let mut members = Map::from_iter([(member.to_owned(), list)]);
    if let Some(token) = token {
        members.insert("NextToken".to_owned(), token.into());
    }
    answer(&members)
}
