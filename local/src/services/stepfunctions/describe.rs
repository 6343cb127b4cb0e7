//! `DescribeExecution` and `ListExecutions`.

use asl::Status;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::stepfunctions::page::Page;
use crate::services::stepfunctions::registry::Entry;
use crate::services::stepfunctions::{StepFunctions, names};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Describe {
    execution_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    state_machine_arn: String,
    status_filter: Option<Status>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl StepFunctions {
    pub(super) fn describe_execution(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Describe = parse("DescribeExecution", body)?;
        names::check_arn(&request.execution_arn, "execution")?;
        let entry = self.shared.registry.execution(&request.execution_arn)?;
        let mut members = summary(&entry);
        members.insert("input".into(), entry.input.to_string().into());
        members.insert("inputDetails".into(), json!({"included": true}));
        members.insert("redriveStatus".into(), "NOT_REDRIVABLE".into());
        if let Some(ended) = entry.ended.borrow().as_ref() {
            if let Some(output) = &ended.output {
                members.insert("output".into(), output.to_string().into());
                members.insert("outputDetails".into(), json!({"included": true}));
            }
            for (member, text) in [("error", &ended.error), ("cause", &ended.cause)] {
                if let Some(text) = text {
                    members.insert(member.into(), Value::from(&**text));
                }
            }
        }
        answer(&members)
    }

    pub(super) fn list_executions(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: List = parse("ListExecutions", body)?;
        names::check_arn(&request.state_machine_arn, "stateMachine")?;
        let page = Page::read(request.max_results, request.next_token.as_deref())?;
        let machine = self.shared.registry.machine(&request.state_machine_arn)?;
        let wanted = |entry: &Entry| request.status_filter.is_none_or(|status| entry.status() == status);
        let (entries, more) = self.shared.registry.executions(&machine.arn, page.from, page.size, wanted);
        let executions: Vec<_> = entries.iter().map(|entry| summary(entry)).collect();
        let mut members = Map::from_iter([("executions".to_owned(), json!(executions))]);
        members.extend(more.map(|below| ("nextToken".to_owned(), below.to_string().into())));
        answer(&members)
    }
}

fn summary(entry: &Entry) -> Map<String, Value> {
    let seconds = |moment: jiff::Timestamp| place::seconds(moment.as_millisecond());
    let mut members = Map::from_iter([
        ("executionArn".to_owned(), json!(entry.arn)),
        ("stateMachineArn".to_owned(), json!(entry.machine.arn)),
        ("name".to_owned(), json!(entry.name)),
        ("status".to_owned(), json!(entry.status())),
        ("startDate".to_owned(), json!(seconds(entry.started))),
        ("redriveCount".to_owned(), json!(0)),
    ]);
    if let Some(ended) = entry.ended.borrow().as_ref() {
        members.insert("stopDate".to_owned(), json!(seconds(ended.stop_time)));
    }
    members
}
