//! What is to run, as `ExecuteStatement` and `BatchExecuteStatement` ask for it.

use std::collections::BTreeSet;

use rsql::lexer::token::tokens;
use rsql::lexer::{Piece, split};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::http::{AwsError, Constraints, parse};
use crate::services::redshift_data::invalid;
use crate::services::redshift_data::warehouses::Place;

/// The longest SQL statement in bytes (Redshift management guide, "Considerations when calling the Amazon Redshift Data
/// API").
const LONGEST: usize = 100 * 1024;

/// The longest a call may wait, in seconds.
pub(super) const WAIT: std::ops::RangeInclusive<u64> = 1..=30;

/// How the statements of a batch are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Batch {
    /// All or none.
    Transaction,
    /// Each for itself.
    AutoCommit,
}

impl Batch {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Transaction => "TRANSACTION",
            Self::AutoCommit => "AUTO_COMMIT",
        }
    }

    pub(super) fn of(text: &str) -> Option<Self> {
        [Self::Transaction, Self::AutoCommit].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// A named value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SqlParameter {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Execute {
    sql: String,
    cluster_identifier: Option<String>,
    workgroup_name: Option<String>,
    database: Option<String>,
    db_user: Option<String>,
    secret_arn: Option<String>,
    statement_name: Option<String>,
    parameters: Option<Vec<SqlParameter>>,
    client_token: Option<String>,
    result_format: Option<String>,
    wait_time_seconds: Option<u64>,
    #[serde(default)]
    with_event: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct BatchExecute {
    sqls: Vec<String>,
    cluster_identifier: Option<String>,
    workgroup_name: Option<String>,
    database: Option<String>,
    db_user: Option<String>,
    secret_arn: Option<String>,
    statement_name: Option<String>,
    parameters: Option<Vec<SqlParameter>>,
    client_token: Option<String>,
    result_format: Option<String>,
    wait_time_seconds: Option<u64>,
    execution_mode: Option<String>,
    #[serde(default)]
    with_event: bool,
}

/// A request that is valid by itself.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Request {
    pub(super) place: Place,
    pub(super) sqls: Vec<String>,
    pub(super) batch: Option<Batch>,
    pub(super) name: Option<String>,
    pub(super) parameters: Vec<SqlParameter>,
    pub(super) csv: bool,
    pub(super) event: bool,
    /// Seconds.
    pub(super) wait: Option<u64>,
    #[serde(skip)]
    pub(super) token: Option<String>,
}

/// What is kept of a request.
#[derive(Debug, Clone)]
pub(super) struct Submission {
    pub(super) sqls: Vec<String>,
    pub(super) batch: Option<Batch>,
    pub(super) name: Option<String>,
    pub(super) parameters: Vec<SqlParameter>,
    pub(super) warehouse: String,
    pub(super) cluster: Option<String>,
    pub(super) workgroup: Option<String>,
    pub(super) database: String,
    pub(super) db_user: Option<String>,
    pub(super) secret_arn: Option<String>,
    pub(super) csv: bool,
    pub(super) event: bool,
    pub(super) token: Option<String>,
    pub(super) digest: String,
}

impl Request {
    /// Reads an `ExecuteStatement`.
    ///
    /// # Errors
    /// `ValidationException`, and those of [`parse`].
    pub(super) fn execute(body: &[u8]) -> Result<Self, AwsError> {
        let request: Execute = parse("ExecuteStatement", body)?;
        let place = Place {
            cluster: request.cluster_identifier,
            workgroup: request.workgroup_name,
            database: request.database,
            db_user: request.db_user,
            secret_arn: request.secret_arn,
        };
        Self {
            place,
            sqls: vec![request.sql],
            batch: None,
            name: request.statement_name,
            parameters: Vec::new(),
            csv: false,
            event: request.with_event,
            wait: request.wait_time_seconds,
            token: request.client_token,
        }
        .checked(request.parameters, request.result_format.as_deref(), None)
    }

    /// Reads a `BatchExecuteStatement`.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub(super) fn batch(body: &[u8]) -> Result<Self, AwsError> {
        let request: BatchExecute = parse("BatchExecuteStatement", body)?;
        let place = Place {
            cluster: request.cluster_identifier,
            workgroup: request.workgroup_name,
            database: request.database,
            db_user: request.db_user,
            secret_arn: request.secret_arn,
        };
        let mode = request.execution_mode.as_deref();
        Self {
            place,
            sqls: request.sqls,
            batch: Some(mode.and_then(Batch::of).unwrap_or(Batch::Transaction)),
            name: request.statement_name,
            parameters: Vec::new(),
            csv: false,
            event: request.with_event,
            wait: request.wait_time_seconds,
            token: request.client_token,
        }
        .checked(request.parameters, request.result_format.as_deref(), mode)
    }

    fn checked(
        mut self,
        parameters: Option<Vec<SqlParameter>>,
        format: Option<&str>,
        mode: Option<&str>,
    ) -> Result<Self, AwsError> {
        let mut constraints = Constraints::default();
        self.place.check(&mut constraints);
        if self.batch.is_some() {
            constraints.items("sqls", Some(&self.sqls), 1..=40);
        }
        constraints.length("statementName", self.name.as_deref(), 0..=2_048);
        constraints.length("clientToken", self.token.as_deref(), 1..=64);
        constraints.one_of("resultFormat", format, &["JSON", "CSV"]);
        constraints.one_of("executionMode", mode, &["TRANSACTION", "AUTO_COMMIT"]);
        constraints.range("waitTimeSeconds", self.wait, WAIT);
        constraints.items("parameters", parameters.as_deref(), 1..=usize::MAX);
        for parameter in parameters.iter().flatten() {
            let plain =
                |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let member = "parameters.member.name";
            constraints.pattern(member, Some(&parameter.name), "[0-9a-zA-Z_]+", plain);
            // A value is not repeated: it may be secret.
            let empty = parameter.value.is_empty().then_some("");
            constraints.length("parameters.member.value", empty, 1..=usize::MAX);
        }
        constraints.check("ValidationException")?;
        self.csv = format == Some("CSV");
        self.parameters = parameters.unwrap_or_default();
        for sql in &self.sqls {
            check_sql(sql)?;
        }
        self.check_parameters()?;
        Ok(self)
    }

    /// Every name once, and none that no statement refers to.
    fn check_parameters(&self) -> Result<(), AwsError> {
        let used: BTreeSet<&str> = self.sqls.iter().flat_map(|sql| rsql::parameter_names(sql)).collect();
        let mut seen = BTreeSet::new();
        for parameter in &self.parameters {
            let name = parameter.name.as_str();
            if !seen.insert(name) {
                return Err(invalid(format!("Parameters list contains a duplicate name: [{name}]")));
            }
            if !used.contains(name) {
                let message = "Parameters list contains unused parameters. Unused parameters:";
                return Err(invalid(format!("{message} [{name}]")));
            }
        }
        Ok(())
    }

    /// Of everything but the token.
    pub(super) fn digest(&self) -> Result<String, AwsError> {
        let text = serde_json::to_vec(self).map_err(AwsError::internal)?;
        Ok(Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// One SQL statement, of a length that is taken.
fn check_sql(sql: &str) -> Result<(), AwsError> {
    if sql.len() > LONGEST {
        return Err(invalid(format!("The SQL statement is longer than {LONGEST} bytes.")));
    }
    let says =
        |text: &str| tokens(text, false).iter().any(|token| !token.is_quiet() && !token.is_symbol(";"));
    let pieces = split(sql, false);
    // The server refuses a backslash at its place.
    let meta = pieces.iter().any(|piece| !matches!(piece, Piece::Sql { .. }));
    let count = pieces.iter().filter(|piece| matches!(piece, Piece::Sql { text, .. } if says(text))).count();
    match count {
        0 if !meta => Err(invalid("The SQL statement is empty.")),
        0 | 1 => Ok(()),
        _ if meta => Ok(()),
        count => Err(invalid(format!(
            "Sql must be a single SQL statement, but has {count}; BatchExecuteStatement runs several."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> String {
        Request::execute(body.as_bytes()).unwrap_err().message
    }

    #[test]
    fn each_mistake_has_its_message() {
        let ok = r#"{"Sql": "select ':x', :a -- ;\n;", "WorkgroupName": "night", "Parameters": [{"name": "a", "value": "1"}]}"#;
        let request = Request::execute(ok.as_bytes()).unwrap();
        assert_eq!((request.parameters.len(), request.batch), (1, None));
        for (body, says) in [
            (r#"{"Sql": " -- nothing\n;"}"#, "empty"),
            (r#"{"Sql": "select 1; select 2"}"#, "has 2"),
            (r#"{"Sql": "select 1", "Parameters": []}"#, "length greater than or equal to 1"),
            (r#"{"Sql": "select 1", "Parameters": [{"name": "a", "value": "1"}]}"#, "Unused parameters: [a]"),
            (
                r#"{"Sql": "select :a", "Parameters": [{"name": "a", "value": ""}]}"#,
                "parameters.member.value",
            ),
            (r#"{"Sql": "select :a", "Parameters": [{"name": "a-b", "value": "x"}]}"#, "[0-9a-zA-Z_]+"),
            (r#"{"Sql": "select 1", "WaitTimeSeconds": 31}"#, "waitTimeSeconds"),
            (r#"{"Sql": "select 1", "WorkgroupName": "ab"}"#, "workgroupName"),
            (r#"{"Sql": "select 1", "ResultFormat": "XML"}"#, "[JSON, CSV]"),
        ] {
            let message = refused(body);
            assert!(message.contains(says), "{body}: {message}");
        }
        let twice = r#"{"Sql": "select :a", "Parameters": [{"name": "a", "value": "s3cret"}, {"name": "a", "value": "s3cret"}]}"#;
        assert!(refused(twice).contains("duplicate") && !refused(twice).contains("s3cret"));
        let long = format!(r#"{{"Sql": "select '{}'"}}"#, "x".repeat(LONGEST));
        assert!(refused(&long).contains("longer than 102400 bytes"));
        for (body, says) in [(r#"{"Sqls": []}"#, "sqls"), (r#"{"Sqls": ["select 1", ""]}"#, "empty")] {
            let message = Request::batch(body.as_bytes()).unwrap_err().message;
            assert!(message.contains(says), "{body}: {message}");
        }
        let many = serde_json::json!({"Sqls": vec!["select 1"; 41]}).to_string();
        assert!(Request::batch(many.as_bytes()).unwrap_err().message.contains("less than or equal to 40"));
    }

    #[test]
    fn a_token_is_no_part_of_the_digest() {
        let digest = |body: &str| Request::execute(body.as_bytes()).unwrap().digest().unwrap();
        let one = digest(r#"{"Sql": "select 1", "ClientToken": "a"}"#);
        assert_eq!(one, digest(r#"{"ClientToken": "b", "Sql": "select 1"}"#));
        assert_ne!(one, digest(r#"{"Sql": "select 1", "WaitTimeSeconds": 1}"#));
        assert_ne!(one, digest(r#"{"Sql": "select 2"}"#));
    }
}
