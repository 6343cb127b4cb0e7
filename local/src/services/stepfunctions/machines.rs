//! `CreateStateMachine`, `DescribeStateMachine` and `ListStateMachines`.

use std::sync::Arc;

use asl::Definition;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::stepfunctions::page::Page;
use crate::services::stepfunctions::registry::Machine;
use crate::services::stepfunctions::{StepFunctions, effects, names};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    name: String,
    definition: String,
    role_arn: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Taken because deployments give them; nothing here reads them.
    #[serde(rename = "tags")]
    _tags: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Describe {
    state_machine_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl StepFunctions {
    pub(super) fn create_state_machine(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Create = parse("CreateStateMachine", body)?;
        if request.kind.as_deref().is_some_and(|kind| kind != "STANDARD") {
            return Err(AwsError::not_implemented("a state machine of another type than STANDARD"));
        }
        let machine = self.create_machine(&request.name, &request.definition, &request.role_arn)?;
        answer(&json!({
            "stateMachineArn": machine.arn, "creationDate": place::seconds(machine.created),
        }))
    }

    /// Creates a machine. The same one again is no change.
    pub(crate) fn ensure_machine(&self, name: &str, definition: &str) -> Result<(), AwsError> {
        let role = format!("arn:aws:iam::{}:role/{name}", place::ACCOUNT);
        self.create_machine(name, definition, &role).map(|_| ())
    }

    fn create_machine(&self, name: &str, text: &str, role_arn: &str) -> Result<Arc<Machine>, AwsError> {
        names::check(name)?;
        let definition = compile(text)?;
        let machine = self.shared.registry.add_machine(Machine {
            arn: names::machine_arn(name),
            name: name.to_owned(),
            role_arn: role_arn.to_owned(),
            text: text.to_owned(),
            definition: Arc::new(definition),
            created: place::now_ms(),
        });
        if machine.text == text && machine.role_arn == role_arn {
            Ok(machine)
        } else {
            let message = format!("State Machine Already Exists: '{}'", machine.arn);
            Err(AwsError::client("StateMachineAlreadyExists", message))
        }
    }

    pub(super) fn describe_state_machine(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Describe = parse("DescribeStateMachine", body)?;
        names::check_arn(&request.state_machine_arn, "stateMachine")?;
        let machine = self.shared.registry.machine(&request.state_machine_arn)?;
        let mut members = summary(&machine);
        for (member, value) in [
            ("status", json!("ACTIVE")),
            ("definition", json!(machine.text)),
            ("roleArn", json!(machine.role_arn)),
            ("loggingConfiguration", json!({"level": "OFF", "includeExecutionData": false})),
        ] {
            members.insert(member.to_owned(), value);
        }
        answer(&members)
    }

    pub(super) fn list_state_machines(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: List = parse("ListStateMachines", body)?;
        let page = Page::read(request.max_results, request.next_token.as_deref())?;
        let skip = page.from.unwrap_or(0);
        let mut machines = self.shared.registry.machines(skip, page.size + 1);
        let more = machines.len() > page.size;
        machines.truncate(page.size);
        let list: Vec<_> = machines.iter().map(|machine| summary(machine)).collect();
        let mut members = Map::from_iter([("stateMachines".to_owned(), json!(list))]);
        if more {
            members.insert("nextToken".to_owned(), (skip + page.size).to_string().into());
        }
        answer(&members)
    }
}

fn summary(machine: &Machine) -> Map<String, Value> {
    Map::from_iter([
        ("stateMachineArn".to_owned(), json!(machine.arn)),
        ("name".to_owned(), json!(machine.name)),
        ("type".to_owned(), json!("STANDARD")),
        ("creationDate".to_owned(), json!(place::seconds(machine.created))),
    ])
}

/// Compiles a definition, and refuses what the interpreter knows but nobody here carries out.
fn compile(text: &str) -> Result<Definition, AwsError> {
    let invalid = |problems: Vec<String>| {
        let message = format!("Invalid State Machine Definition: '{}'", problems.join(", "));
        AwsError::client("InvalidDefinition", message)
    };
    let definition = Definition::parse(text)
        .map_err(|problems| invalid(problems.iter().map(ToString::to_string).collect()))?;
    let problems: Vec<String> = definition
        .resources()
        .filter(|(_, resource)| !effects::is_supported(&resource.service))
        .map(|(state, resource)| {
            format!("NOT_SUPPORTED: {resource} is not supported by the embedded endpoint at /States/{state}/Resource")
        })
        .collect();
    if problems.is_empty() { Ok(definition) } else { Err(invalid(problems)) }
}
