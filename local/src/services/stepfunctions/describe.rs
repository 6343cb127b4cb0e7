//! `DescribeExecution` and `ListExecutions`.

use asl::Status;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::http::{AwsError, Constraints, answer, parse};
use crate::place;
use crate::services::stepfunctions::database::Row;
use crate::services::stepfunctions::page::Page;
use crate::services::stepfunctions::{StepFunctions, names};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Describe {
    execution_arn: String,
    /// `ALL_DATA` or `METADATA_ONLY`.
    included_data: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    state_machine_arn: String,
    status_filter: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl StepFunctions {
    pub(super) async fn describe_execution(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Describe = parse("DescribeExecution", body)?;
        names::check_arn(&request.execution_arn, "execution")?;
        let row = self.shared.database.execution(&request.execution_arn).await?;
        let row = row.ok_or_else(|| names::no_execution(&request.execution_arn))?;
        let data = included(request.included_data.as_deref())?;
        let mut members = summary(&row);
        members.extend(payload("input", Some(&row.input), data));
        members.extend(payload("output", row.output.as_deref(), data));
        for (member, text) in [("error", &row.error), ("cause", &row.cause)] {
            members.extend(text.as_ref().map(|text| (member.to_owned(), json!(text))));
        }
        answer(&members)
    }

    pub(super) async fn list_executions(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: List = parse("ListExecutions", body)?;
        names::check_arn(&request.state_machine_arn, "stateMachine")?;
        let status = status(request.status_filter.as_deref())?;
        let page = Page::read(request.max_results, request.next_token.as_deref())?;
        let machine = self.shared.machine(&request.state_machine_arn).await?;
        let below = page.from.map(|below| i64::try_from(below).unwrap_or(i64::MAX));
        let database = &self.shared.database;
        let mut rows = database.executions(&machine.row.arn, status, below, page.size + 1).await?;
        let more = rows.len() > page.size;
        rows.truncate(page.size);
        let executions: Vec<_> = rows.iter().map(summary).collect();
        let mut members = Map::from_iter([("executions".to_owned(), json!(executions))]);
        if let Some(last) = rows.last().filter(|_| more) {
            members.insert("nextToken".to_owned(), last.id.to_string().into());
        }
        answer(&members)
    }
}

/// Whether `includedData` requests the payloads, which is the default.
pub(super) fn included(wanted: Option<&str>) -> Result<bool, AwsError> {
    let wanted = wanted.unwrap_or("ALL_DATA");
    let mut constraints = Constraints::default();
    constraints.one_of("includedData", Some(wanted), &["ALL_DATA", "METADATA_ONLY"]);
    constraints.check("ValidationException")?;
    Ok(wanted == "ALL_DATA")
}

/// Reads `statusFilter`.
fn status(wanted: Option<&str>) -> Result<Option<Status>, AwsError> {
    let names = Status::ALL.map(Status::as_str);
    let mut constraints = Constraints::default();
    constraints.one_of("statusFilter", wanted, &names);
    constraints.check("ValidationException")?;
    Ok(Status::ALL.into_iter().find(|status| Some(status.as_str()) == wanted))
}

fn summary(row: &Row) -> Map<String, Value> {
    let mut members = Map::from_iter([
        ("executionArn".to_owned(), json!(row.arn)),
        ("stateMachineArn".to_owned(), json!(row.machine_arn)),
        ("name".to_owned(), json!(row.name)),
        ("status".to_owned(), json!(row.status)),
        ("startDate".to_owned(), json!(place::seconds(row.started))),
    ]);
    members.extend(row.stopped.map(|moment| ("stopDate".to_owned(), json!(place::seconds(moment)))));
    members
}

/// A payload and its details.
fn payload(name: &str, text: Option<&str>, data: bool) -> Vec<(String, Value)> {
    let Some(text) = text else { return Vec::new() };
    let details = (format!("{name}Details"), json!({"included": data}));
    if data { vec![(name.to_owned(), json!(text)), details] } else { vec![details] }
}
