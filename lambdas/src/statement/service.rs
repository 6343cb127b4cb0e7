//! Calls to the Redshift Data API. None is repeated here, nor by the SDK: whether it may be is the keeper's decision.

use std::collections::BTreeMap;

use aws_sdk_redshiftdata::types::{ExecutionMode, SqlParameter, StatusString};
use rsqlflow_core::plan::SqlJob;
use rsqlflow_core::protocol::keeper::{Description, Ended};
use rsqlflow_core::sql::report::{Ran, Rows};
use rsqlflow_core::{StatementId, Timestamp};

use super::moment;
use crate::{Context, ServiceError};

/// Sends the statements of an attempt. All sendings of an attempt are the same request: nothing in it depends on the
/// moment.
pub(super) async fn send(
    context: &Context,
    sql: &SqlJob,
    name: &str,
    token: &str,
) -> Result<StatementId, ServiceError> {
    let at = &sql.at;
    let mut values: BTreeMap<&str, &str> = BTreeMap::new();
    for statement in &sql.statements {
        values.extend(statement.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }
    let parameters: Vec<SqlParameter> = values
        .into_iter()
        // Only a missing field could fail, and both are set.
        .filter_map(|(name, value)| SqlParameter::builder().name(name).value(value).build().ok())
        .collect();
    let parameters = (!parameters.is_empty()).then_some(parameters);
    let wait = wait_seconds(context);
    let id = match sql.statements.as_slice() {
        [one] => context
            .redshift
            .execute_statement()
            .sql(&one.sql)
            .set_parameters(parameters)
            .set_cluster_identifier(at.cluster.clone())
            .set_workgroup_name(at.workgroup.clone())
            .database(&at.database)
            .set_secret_arn(at.secret.clone())
            .set_db_user(at.db_user.clone())
            .statement_name(name)
            .client_token(token)
            .with_event(true)
            .wait_time_seconds(wait)
            .send()
            .await
            .map(|sent| sent.id)
            .map_err(|error| ServiceError::of("ExecuteStatement", "", &error))?,
        several => context
            .redshift
            .batch_execute_statement()
            .set_sqls(Some(several.iter().map(|statement| statement.sql.clone()).collect()))
            .set_parameters(parameters)
            .execution_mode(if sql.transaction {
                ExecutionMode::Transaction
            } else {
                ExecutionMode::AutoCommit
            })
            .set_cluster_identifier(at.cluster.clone())
            .set_workgroup_name(at.workgroup.clone())
            .database(&at.database)
            .set_secret_arn(at.secret.clone())
            .set_db_user(at.db_user.clone())
            .statement_name(name)
            .client_token(token)
            .with_event(true)
            .wait_time_seconds(wait)
            .send()
            .await
            .map(|sent| sent.id)
            .map_err(|error| ServiceError::of("BatchExecuteStatement", "", &error))?,
    };
    // Without an id it was accepted all the same; the next sending is answered with it.
    id.filter(|id| !id.is_empty())
        .map(StatementId::new)
        .ok_or_else(|| ServiceError::no_answer("ExecuteStatement", "id"))
}

/// How long a sending waits for the end of its statement, from 1 to 10 s: most short ones then need no event.
fn wait_seconds(context: &Context) -> i32 {
    let half = context.deployment.timing.lambda_timeout.as_secs() / 2;
    i32::try_from(half.clamp(1, 10)).unwrap_or(1)
}

/// What the service says of a statement.
pub(super) struct Described {
    pub(super) description: Description,
    /// When it was accepted.
    pub(super) created: Timestamp,
    /// When it ended, or changed last.
    pub(super) ended: Timestamp,
    /// Why it failed, with the number of the statement where there are several.
    pub(super) error: Option<String>,
    /// Each of its statements.
    pub(super) ran: Vec<Ran>,
    /// Process of the cluster that ran it.
    pub(super) pid: Option<i64>,
    /// The last statement that has a result.
    pub(super) with_result: Option<String>,
}

/// How a statement stands; `None` if the service does not know it.
pub(super) async fn describe(
    context: &Context,
    statement: &StatementId,
) -> Result<Option<Described>, ServiceError> {
    let found = context.redshift.describe_statement().id(statement.as_str()).send().await;
    let found = match found.map_err(|error| ServiceError::of("DescribeStatement", statement.as_str(), &error))
    {
        Ok(found) => found,
        Err(error) if error.has_code("ResourceNotFound") => return Ok(None),
        Err(error) => return Err(error),
    };
    let now = crate::context::now();
    let created = moment(found.created_at()).unwrap_or(now);
    let ended = moment(found.updated_at()).unwrap_or(now).max(created);
    let subs = found.sub_statements();
    let ran: Vec<Ran> = if subs.is_empty() {
        vec![Ran {
            sql: found.query_string().unwrap_or_default().to_owned(),
            status: found.status().map_or_else(String::new, |status| status.as_str().to_owned()),
            duration: Some(found.duration()),
            rows: Some(found.result_rows()),
            error: found.error().map(str::to_owned),
            query_id: Some(found.redshift_query_id()),
        }]
    } else {
        subs.iter()
            .map(|sub| Ran {
                sql: sub.query_string().unwrap_or_default().to_owned(),
                status: sub.status().map_or_else(String::new, |status| status.as_str().to_owned()),
                duration: Some(sub.duration()),
                rows: Some(sub.result_rows()),
                error: sub.error().map(str::to_owned),
                query_id: Some(sub.redshift_query_id()),
            })
            .collect()
    };
    let of_sub = ran.iter().enumerate().find_map(|(i, one)| one.error.as_ref().map(|error| (i, error)));
    let error = match of_sub {
        Some((i, error)) if ran.len() > 1 => {
            Some(format!("statement {} of {}: {}", i + 1, ran.len(), error.trim()))
        }
        _ => found.error().map(|error| error.trim().to_owned()),
    };
    let with_result = if subs.is_empty() {
        found.has_result_set().unwrap_or(false).then(|| statement.as_str().to_owned())
    } else {
        subs.iter().rev().find(|sub| sub.has_result_set().unwrap_or(false)).map(|sub| sub.id().to_owned())
    };
    let ended_as = |how| Description::Ended { how, created, at: ended };
    let description = match found.status() {
        Some(StatusString::Finished) => ended_as(Ended::Finished),
        Some(StatusString::Failed) => {
            ended_as(Ended::Failed(error.clone().unwrap_or_else(|| "the statement failed".to_owned())))
        }
        Some(StatusString::Aborted) => ended_as(Ended::Aborted(error.clone())),
        // A status that this program does not know is not taken for an end.
        _ => Description::Open { created },
    };
    let pid = Some(found.redshift_pid()).filter(|pid| *pid > 0);
    Ok(Some(Described { description, created, ended, error, ran, pid, with_result }))
}

/// Asks for a statement's end.
pub(super) async fn cancel(context: &Context, statement: &StatementId) -> Result<(), ServiceError> {
    let sent = context.redshift.cancel_statement().id(statement.as_str()).send().await;
    sent.map(|_| ()).map_err(|error| ServiceError::of("CancelStatement", statement.as_str(), &error))
}

/// The statement of this name, if the service has one. Its filter is a prefix, so names are compared whole.
pub(super) async fn find(context: &Context, name: &str) -> Result<Option<StatementId>, ServiceError> {
    let mut pages = context
        .redshift
        .list_statements()
        .statement_name(name)
        .status(StatusString::All)
        .role_level(true)
        .into_paginator()
        .items()
        .send();
    while let Some(found) = pages.next().await {
        let found = found.map_err(|error| ServiceError::of("ListStatements", name, &error))?;
        if found.statement_name() == Some(name) {
            return Ok(Some(StatementId::new(found.id())));
        }
    }
    Ok(None)
}

/// The first rows of a result.
pub(super) async fn rows(context: &Context, statement: &str, most: u32) -> Result<Rows, ServiceError> {
    let page = context.redshift.get_statement_result().id(statement).send().await;
    let page = page.map_err(|error| ServiceError::of("GetStatementResult", statement, &error))?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let names = page.column_metadata().iter();
    let columns = names.map(|column| column.label().or(column.name()).unwrap_or("?").to_owned()).collect();
    let rows: Vec<Vec<Option<String>>> =
        page.records().iter().take(most).map(|row| row.iter().map(value).collect()).collect();
    let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let all = u64::try_from(page.total_num_rows()).ok().filter(|all| *all >= shown);
    Ok(Rows { columns, rows, more: all.map(|all| all - shown) })
}

fn value(field: &aws_sdk_redshiftdata::types::Field) -> Option<String> {
    use aws_sdk_redshiftdata::types::Field;
    match field {
        Field::StringValue(text) => Some(text.clone()),
        Field::LongValue(number) => Some(number.to_string()),
        Field::DoubleValue(number) => Some(number.to_string()),
        Field::BooleanValue(flag) => Some(flag.to_string()),
        Field::BlobValue(bytes) => Some(format!("({} bytes)", bytes.as_ref().len())),
        _ => None,
    }
}
