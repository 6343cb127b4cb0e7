//! `DescribeStatement`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::http::{AwsError, Constraints, answer, parse};
use crate::place;
use crate::services::redshift_data::request::WAIT;
use crate::services::redshift_data::store::{self, Part, Statement};
use crate::services::redshift_data::{RedshiftData, Shared, not_found, wait};

/// A statement's id, with the number of a part of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) statement: String,
    pub(super) part: Option<i64>,
}

impl Id {
    /// Reads an id.
    ///
    /// # Errors
    /// `ValidationException`.
    pub(super) fn read(text: &str) -> Result<Self, AwsError> {
        let (statement, part) = text.split_once(':').map_or((text, None), |(id, part)| (id, Some(part)));
        let lengths = [8, 4, 4, 4, 12];
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let groups: Vec<&str> = statement.split('-').collect();
        let is_uuid = groups.len() == lengths.len()
            && groups.iter().zip(lengths).all(|(group, n)| group.len() == n && group.bytes().all(plain));
        let is_part = part.is_none_or(|part| part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit()));
        let mut constraints = Constraints::default();
        let pattern = "[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}(:\\d{0,2})?";
        constraints.pattern("id", Some(text), pattern, |_| is_uuid && is_part);
        constraints.check("ValidationException")?;
        // An empty number is none.
        Ok(Self { statement: statement.to_owned(), part: part.and_then(|part| part.parse().ok()) })
    }
}

impl Shared {
    /// Waits at most `seconds` for the end of a statement, and returns it with the part that the id names.
    ///
    /// # Errors
    /// `ValidationException`, `ResourceNotFoundException`, `ActiveWaitingRequestsExceededException`.
    pub(super) async fn await_and_find(
        &self,
        id: &str,
        seconds: Option<u64>,
    ) -> Result<(Statement, Option<Part>), AwsError> {
        let mut constraints = Constraints::default();
        constraints.range("waitTimeSeconds", seconds, WAIT);
        constraints.check("ValidationException")?;
        let id = Id::read(id)?;
        wait::among_others(self, &id.statement, seconds).await?;
        self.find(&id).await
    }

    /// A statement and the part that the id names.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(super) async fn find(&self, id: &Id) -> Result<(Statement, Option<Part>), AwsError> {
        let missing = || not_found("Query does not exist.", &id.statement);
        let wanted = id.statement.clone();
        let found = self.worker.run(move |db| store::find(db, &wanted, place::now_ms())).await??;
        let statement = found.ok_or_else(missing)?;
        let Some(number) = id.part else { return Ok((statement, None)) };
        let part = statement.parts.iter().find(|part| part.part == number && statement.batch.is_some());
        let part = part.cloned().ok_or_else(missing)?;
        Ok((statement, Some(part)))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    id: String,
    wait_time_seconds: Option<u64>,
}

impl RedshiftData {
    pub(super) async fn describe_statement(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Describe = parse("DescribeStatement", body)?;
        let (statement, part) = self.shared.await_and_find(&request.id, request.wait_time_seconds).await?;
        answer(&described(&statement, part.as_ref()))
    }
}

/// The number that stands for Redshift's of a query.
pub(super) fn query_id(statement: &Statement, part: i64) -> i64 {
    // A batch has at most 40 parts.
    statement.number * 64 + part
}

/// The sum of what is known.
pub(super) fn sum(parts: &[Part], of: impl Fn(&Part) -> i64) -> i64 {
    let known: Vec<i64> = parts.iter().map(of).filter(|value| *value >= 0).collect();
    if known.is_empty() { -1 } else { known.into_iter().fold(0, i64::saturating_add) }
}

fn described(statement: &Statement, part: Option<&Part>) -> Value {
    let parts = part.map_or(statement.parts.as_slice(), std::slice::from_ref);
    let (status, updated, error) = match part {
        Some(part) => (part.status, part.updated, &part.error),
        None => (statement.status, statement.updated, &statement.error),
    };
    let id = part.map_or_else(|| statement.id.clone(), |part| format!("{}:{}", statement.id, part.part));
    let query = match (statement.batch, part) {
        (Some(_), None) => 0,
        (Some(_), Some(part)) => query_id(statement, part.part),
        (None, _) => query_id(statement, 1),
    };
    let mut members = Map::new();
    let mut add = |name: &str, value: Value| {
        if !value.is_null() {
            members.insert(name.to_owned(), value);
        }
    };
    add("Id", json!(id));
    add("Status", json!(status));
    add("CreatedAt", json!(place::seconds(statement.created)));
    add("UpdatedAt", json!(place::seconds(updated)));
    add("ClusterIdentifier", json!(statement.cluster));
    add("WorkgroupName", json!(statement.workgroup));
    add("Database", json!(statement.database));
    add("DbUser", json!(statement.db_user));
    add("SecretArn", json!(statement.secret_arn));
    add("Duration", json!(sum(parts, |part| part.duration)));
    add("Error", json!(error));
    add("HasResultSet", json!(parts.iter().any(|part| part.columns.is_some())));
    add("RedshiftPid", json!(statement.pid.unwrap_or(0)));
    add("RedshiftQueryId", json!(if status.has_ended() { query } else { 0 }));
    add("ResultRows", json!(sum(parts, |part| part.rows)));
    add("ResultSize", json!(sum(parts, |part| part.size)));
    add("ResultFormat", json!(if statement.csv { "CSV" } else { "JSON" }));
    if !statement.parameters.is_empty() {
        add("QueryParameters", json!(statement.parameters));
    }
    match (statement.batch, part) {
        (Some(mode), None) => {
            add("ExecutionMode", json!(mode.as_str()));
            add("SubStatements", statement.parts.iter().map(|part| sub_statement(statement, part)).collect());
        }
        _ => add("QueryString", json!(parts.first().map(|part| part.sql.as_str()))),
    }
    Value::Object(members)
}

fn sub_statement(statement: &Statement, part: &Part) -> Value {
    let query = if part.status.has_ended() { query_id(statement, part.part) } else { -1 };
    let mut value = json!({
        "Id": format!("{}:{}", statement.id, part.part),
        "Status": part.status,
        "CreatedAt": place::seconds(statement.created),
        "UpdatedAt": place::seconds(part.updated),
        "QueryString": part.sql,
        "Duration": part.duration,
        "HasResultSet": part.columns.is_some(),
        "RedshiftQueryId": query,
        "ResultRows": part.rows,
        "ResultSize": part.size,
    });
    if let Some(error) = &part.error {
        value["Error"] = json!(error);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_may_name_a_part() {
        let uuid = "d9b6c0c9-0747-4bf4-b142-e8883122f766";
        assert_eq!(Id::read(uuid).unwrap(), Id { statement: uuid.to_owned(), part: None });
        assert_eq!(Id::read(&format!("{uuid}:12")).unwrap().part, Some(12));
        assert_eq!(Id::read(&format!("{uuid}:")).unwrap().part, None);
        for bad in [
            "",
            "x",
            "d9b6c0c9-0747-4bf4-b142",
            &format!("{uuid}:123"),
            &format!("{uuid}:a"),
            &uuid.to_uppercase(),
        ] {
            assert_eq!(Id::read(bad).unwrap_err().code, "ValidationException", "{bad}");
        }
    }
}
