//! `GetStatementResult` and `GetStatementResultV2`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::http::{AwsError, answer, parse};
use crate::services::redshift_data::request::Batch;
use crate::services::redshift_data::status::Status;
use crate::services::redshift_data::store::{self, Part};
use crate::services::redshift_data::{RedshiftData, invalid, not_found};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    id: String,
    next_token: Option<String>,
    wait_time_seconds: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Got {
    records: Box<RawValue>,
    column_metadata: Box<RawValue>,
    total_num_rows: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_format: Option<&'static str>,
}

impl RedshiftData {
    pub(super) async fn get_statement_result(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        self.result(parse("GetStatementResult", body)?, false).await
    }

    pub(super) async fn get_statement_result_v2(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        self.result(parse("GetStatementResultV2", body)?, true).await
    }

    async fn result(&self, request: Get, csv: bool) -> Result<Vec<u8>, AwsError> {
        let (statement, part) = self.shared.await_and_find(&request.id, request.wait_time_seconds).await?;
        // A batch has as many results as statements, and none of its own.
        let part = match statement.batch {
            None => statement.parts.into_iter().next(),
            Some(_) => part,
        };
        let none = || {
            let message = "Query does not have result. Please check query status with DescribeStatement.";
            not_found(message, &request.id)
        };
        // What a transaction rolled back has no result, even where its statement had ended.
        let there = match statement.batch {
            Some(Batch::AutoCommit) => statement.status.has_ended(),
            Some(Batch::Transaction) | None => statement.status == Status::Finished,
        };
        let part = part.filter(|_| there).ok_or_else(none)?;
        let Part { part, rows, columns: Some(columns), .. } = part else { return Err(none()) };
        if statement.csv != csv {
            let (is, operation) = match statement.csv {
                true => ("CSV", "GetStatementResultV2"),
                false => ("JSON", "GetStatementResult"),
            };
            return Err(invalid(format!("The result's format is {is}; use {operation}.")));
        }
        let token = request.next_token.filter(|token| !token.is_empty());
        let page = match &token {
            None => 1,
            Some(token) => token.parse().map_err(|_| invalid("The NextToken is not valid."))?,
        };
        let number = statement.number;
        let found = self.shared.worker.run(move |db| store::page(db, number, part, page)).await??;
        let (records, more) = match found {
            Some(found) => found,
            None if token.is_some() => return Err(invalid("The NextToken is not valid.")),
            None => ("[]".to_owned(), false),
        };
        let raw = |text: String| RawValue::from_string(text).map_err(AwsError::internal);
        answer(&Got {
            records: raw(records)?,
            column_metadata: raw(columns)?,
            total_num_rows: rows,
            next_token: more.then(|| (page + 1).to_string()),
            result_format: csv.then_some("CSV"),
        })
    }
}
