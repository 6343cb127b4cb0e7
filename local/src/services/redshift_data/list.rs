//! `ListStatements`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, Constraints, answer, parse};
use crate::place;
use crate::services::redshift_data::status::Status;
use crate::services::redshift_data::store::{self, Filter, Statement};
use crate::services::redshift_data::{RedshiftData, invalid};

/// Statements of one page at most, and where no number is given.
const PAGE: i64 = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    next_token: Option<String>,
    max_results: Option<i64>,
    statement_name: Option<String>,
    status: Option<String>,
    /// Whether also other sessions of the caller's role are meant. There is one caller here.
    #[serde(rename = "RoleLevel")]
    _role_level: Option<bool>,
    database: Option<String>,
    cluster_identifier: Option<String>,
    workgroup_name: Option<String>,
}

impl RedshiftData {
    /// The newest first; without a status only those that finished.
    pub(super) async fn list_statements(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: List = parse("ListStatements", body)?;
        let mut constraints = Constraints::default();
        constraints.range("maxResults", request.max_results, 0..=PAGE);
        constraints.length("statementName", request.statement_name.as_deref(), 0..=2_048);
        let all: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).chain(["ALL"]).collect();
        constraints.one_of("status", request.status.as_deref(), &all);
        constraints.check("ValidationException")?;
        if request.cluster_identifier.is_some() && request.workgroup_name.is_some() {
            return Err(invalid("ClusterIdentifier and WorkgroupName cannot both be specified."));
        }
        let token = request.next_token.filter(|token| !token.is_empty());
        let before = match token {
            None => i64::MAX,
            Some(token) => token.parse().map_err(|_| invalid("The NextToken is not valid."))?,
        };
        let limit = request.max_results.filter(|n| *n > 0).unwrap_or(PAGE);
        let filter = Filter {
            status: match request.status.as_deref() {
                None => Some(Status::Finished),
                Some(text) => Status::of(text),
            },
            prefix: request.statement_name.filter(|name| !name.is_empty()),
            cluster: request.cluster_identifier,
            workgroup: request.workgroup_name,
            database: request.database,
            before,
            // One more tells whether another page follows.
            limit: limit + 1,
        };
        let mut found = self.shared.worker.run(move |db| store::list(db, &filter, place::now_ms())).await??;
        let page = usize::try_from(limit).unwrap_or_default();
        let more = found.len() > page;
        found.truncate(page);
        let token = found.last().filter(|_| more).map(|last| last.number.to_string());
        let mut listed = json!({ "Statements": found.iter().map(listed).collect::<Vec<_>>() });
        if let Some(token) = token {
            listed["NextToken"] = json!(token);
        }
        answer(&listed)
    }
}

fn listed(statement: &Statement) -> Value {
    let mut value = json!({
        "Id": statement.id,
        "Status": statement.status,
        "CreatedAt": place::seconds(statement.created),
        "UpdatedAt": place::seconds(statement.updated),
        "IsBatchStatement": statement.batch.is_some(),
        "ResultFormat": if statement.csv { "CSV" } else { "JSON" },
    });
    match statement.batch {
        Some(_) => {
            let sqls: Vec<&str> = statement.parts.iter().map(|part| part.sql.as_str()).collect();
            value["QueryStrings"] = json!(sqls);
        }
        None => value["QueryString"] = json!(statement.parts.first().map(|part| part.sql.as_str())),
    }
    if let Some(name) = &statement.name {
        value["StatementName"] = json!(name);
    }
    if let Some(secret) = &statement.secret_arn {
        value["SecretArn"] = json!(secret);
    }
    if !statement.parameters.is_empty() {
        value["QueryParameters"] = json!(statement.parameters);
    }
    value
}
