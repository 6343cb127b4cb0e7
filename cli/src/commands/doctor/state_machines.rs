//! The state machines: whether their definitions are those that this program contains.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::describe_state_machine::DescribeStateMachineOutput;
use aws_sdk_sfn::types::{LogLevel, StateMachineType};
use rsqlflow_core::check::Check;
use rsqlflow_core::{Machine, MachineKind};
use rsqlflow_lambdas::machines::{Substitutions, definition};
use serde_json::Value;

use super::failed::failed;
use super::{ArnBase, DEPLOY, Described, Part};
use crate::backend::Backend;

pub(super) async fn checks(backend: &Backend, site: &ArnBase, described: &mut Described) -> Vec<Check> {
    let client = Client::new(&backend.sdk);
    let machines = &backend.deployment.machines;
    let mut checks = Vec::new();
    for kind in MachineKind::ALL {
        let machine = machines.of(kind);
        let name = format!("state machine {}", machine.name);
        let arn = arn(site, machine);
        match client.describe_state_machine().state_machine_arn(arn).send().await {
            Ok(found) => {
                described.roles.push((Part::Machine(kind.as_str()), found.role_arn().to_owned()));
                checks.extend(check(&name, &found, &wanted(kind, backend, site), backend.is_aws()));
            }
            Err(error) => checks.push(failed(name, &error, "states:DescribeStateMachine", DEPLOY)),
        }
    }
    checks
}

fn arn(site: &ArnBase, machine: &Machine) -> String {
    site.arn("states", format_args!("stateMachine:{}", machine.name))
}

/// The definition as the deployment fills it.
fn wanted(kind: MachineKind, backend: &Backend, site: &ArnBase) -> String {
    let deployment = &backend.deployment;
    let function = |one: rsqlflow_core::Function| {
        site.arn("lambda", format_args!("function:{}", one.name_in(deployment)))
    };
    let (sequential, parallel) =
        (arn(site, &deployment.machines.sequential), arn(site, &deployment.machines.parallel));
    let values = Substitutions::of(&site.partition, function, &sequential, &parallel);
    definition(kind, &values).unwrap_or_default()
}

fn check(name: &str, found: &DescribeStateMachineOutput, wanted: &str, is_aws: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    if *found.r#type() != StateMachineType::Standard {
        checks.push(Check::failed(
            name,
            format!("its type is {}: it cannot wait for agents", found.r#type().as_str()),
            "delete it and run `rsqlflow deploy`: the type of a state machine cannot be changed",
        ));
    } else if let Some(where_) = difference(found.definition(), wanted) {
        checks.push(Check::failed(
            name,
            format!("its definition is not that of this version; the first difference is at {where_}"),
            "restore it with `rsqlflow deploy`, or use the program of the deployed version",
        ));
    } else {
        checks.push(Check::ok(name, "STANDARD, with the expected definition"));
    }
    let level = found.logging_configuration().and_then(|logging| logging.level());
    if is_aws && matches!(level, None | Some(LogLevel::Off)) {
        checks.push(Check::warning(
            format!("log of {name}"),
            "off: the steps of a run are only in its history, for 90 days",
            "turn it on with `rsqlflow deploy`",
        ));
    }
    checks
}

/// Where two definitions differ first, whatever the order of their fields; `None` if they do not.
pub(super) fn difference(is: &str, should: &str) -> Option<String> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
    match (parse(is), parse(should)) {
        (Some(is), Some(should)) => first(&is, &should, &mut String::new()),
        _ => Some("its beginning: it is not JSON".to_owned()),
    }
}

fn first(is: &Value, should: &Value, path: &mut String) -> Option<String> {
    match (is, should) {
        _ if is == should => None,
        (Value::Object(a), Value::Object(b)) => {
            let names = b.keys().chain(a.keys().filter(|name| !b.contains_key(*name)));
            for name in names {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
                let found = match (a.get(name), b.get(name)) {
                    (Some(a), Some(b)) => first(a, b, path),
                    _ => Some(path.clone()),
                };
                path.truncate(length);
                if found.is_some() {
                    return found;
                }
            }
            None
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(n, (a, b))| {
                let length = path.len();
                path.push_str(&format!("[{n}]"));
                let found = first(a, b, path);
                path.truncate(length);
                found
            })
        }
        _ => Some(path.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_found_where_it_is_and_an_order_is_none() {
        let should = r#"{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}"#;
        assert_eq!(difference(r#"{"States":{"A":{"End":true,"Type":"Pass"}},"StartAt":"A"}"#, should), None);
        let retyped = should.replace("Pass", "Succeed");
        assert_eq!(difference(&retyped, should).as_deref(), Some("States.A.Type"));
        let more = should.replace(r#""End":true"#, r#""End":true,"Comment":"c""#);
        assert_eq!(difference(&more, should).as_deref(), Some("States.A.Comment"));
        assert_eq!(difference(r#"{"a":[1,{"b":2}]}"#, r#"{"a":[1,{"b":3}]}"#).as_deref(), Some("a[1].b"));
        assert!(difference("", should).is_some());
    }
}
