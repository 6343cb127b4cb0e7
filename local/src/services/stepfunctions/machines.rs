//! State machines: `CreateStateMachine`, `DescribeStateMachine`, `ListStateMachines`, `UpdateStateMachine` and
//! `DeleteStateMachine`.

use std::sync::{Arc, PoisonError};

use asl::Definition;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::stepfunctions::database::MachineRow;
use crate::services::stepfunctions::describe::included;
use crate::services::stepfunctions::page::Page;
use crate::services::stepfunctions::{Shared, StepFunctions, effects, names};

/// A compiled state machine.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) row: MachineRow,
    pub(super) definition: Arc<Definition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    name: String,
    definition: String,
    role_arn: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    logging_configuration: Option<Value>,
    tracing_configuration: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Update {
    state_machine_arn: String,
    definition: Option<String>,
    role_arn: Option<String>,
    logging_configuration: Option<Value>,
    tracing_configuration: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Describe {
    state_machine_arn: String,
    /// `ALL_DATA` or `METADATA_ONLY`.
    included_data: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Delete {
    state_machine_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl StepFunctions {
    pub(super) async fn create_state_machine(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Create = parse("CreateStateMachine", body)?;
        if request.kind.as_deref().is_some_and(|kind| kind != "STANDARD") {
            return Err(AwsError::not_implemented("a state machine of another type than STANDARD"));
        }
        refuse_observation(request.logging_configuration.as_ref(), request.tracing_configuration.as_ref())?;
        check_role(&request.role_arn)?;
        let machine = self.create_machine(&request.name, &request.definition, &request.role_arn).await?;
        // The same name and definition is no change. The role is not compared (API reference, CreateStateMachine).
        if machine.text != request.definition {
            let message = format!("State Machine Already Exists: '{}'", machine.arn);
            return Err(AwsError::client("StateMachineAlreadyExists", message));
        }
        answer(&json!({
            "stateMachineArn": machine.arn, "creationDate": place::seconds(machine.created),
        }))
    }

    /// Creates a state machine, or changes its definition. Running executions keep theirs.
    pub(crate) async fn ensure_machine(&self, name: &str, definition: &str) -> Result<(), AwsError> {
        let role = format!("arn:aws:iam::{}:role/{name}", place::ACCOUNT);
        let machine = self.create_machine(name, definition, &role).await?;
        if machine.text != definition {
            let text = Some(definition.to_owned());
            self.shared.database.update_machine(&machine.arn, text, None, place::now_ms()).await?;
        }
        Ok(())
    }

    async fn create_machine(&self, name: &str, text: &str, role_arn: &str) -> Result<MachineRow, AwsError> {
        names::check(name)?;
        compile(text)?;
        let now = place::now_ms();
        let machine = MachineRow {
            arn: names::machine_arn(name),
            name: name.to_owned(),
            role_arn: role_arn.to_owned(),
            text: text.to_owned(),
            created: now,
            updated: now,
        };
        self.shared.database.add_machine(machine).await
    }

    pub(super) async fn update_state_machine(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Update = parse("UpdateStateMachine", body)?;
        let arn = &request.state_machine_arn;
        names::check_arn(arn, "stateMachine")?;
        let nothing = request.definition.is_none()
            && request.role_arn.is_none()
            && request.logging_configuration.is_none()
            && request.tracing_configuration.is_none();
        if nothing {
            let message = "Either the definition, the role ARN, the LoggingConfiguration, or the \
                TracingConfiguration must be specified";
            return Err(AwsError::client("MissingRequiredParameter", message));
        }
        if let Some(definition) = &request.definition {
            compile(definition)?;
        }
        refuse_observation(request.logging_configuration.as_ref(), request.tracing_configuration.as_ref())?;
        request.role_arn.as_deref().map_or(Ok(()), check_role)?;
        let now = place::now_ms();
        let database = &self.shared.database;
        if !database.update_machine(arn, request.definition, request.role_arn, now).await? {
            return Err(names::no_machine(arn));
        }
        answer(&json!({"updateDate": place::seconds(now)}))
    }

    pub(super) async fn delete_state_machine(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Delete = parse("DeleteStateMachine", body)?;
        names::check_arn(&request.state_machine_arn, "stateMachine")?;
        // As in the service, deleting a state machine that does not exist succeeds.
        self.shared.database.remove_machine(&request.state_machine_arn).await?;
        answer(&json!({}))
    }

    pub(super) async fn describe_state_machine(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Describe = parse("DescribeStateMachine", body)?;
        names::check_arn(&request.state_machine_arn, "stateMachine")?;
        let machine = self.shared.machine(&request.state_machine_arn).await?;
        let mut members = summary(&machine.row);
        members.insert("status".to_owned(), json!("ACTIVE"));
        members.insert("roleArn".to_owned(), json!(machine.row.role_arn));
        members.insert(
            "loggingConfiguration".to_owned(),
            json!({"level": "OFF", "includeExecutionData": false}),
        );
        let data = included(request.included_data.as_deref())?;
        members.insert("definition".to_owned(), if data { json!(machine.row.text) } else { json!("{}") });
        answer(&members)
    }

    pub(super) async fn list_state_machines(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: List = parse("ListStateMachines", body)?;
        let page = Page::read(request.max_results, request.next_token.as_deref())?;
        let skip = page.from.unwrap_or(0);
        let mut machines = self.shared.database.machines(skip, page.size + 1).await?;
        let more = machines.len() > page.size;
        machines.truncate(page.size);
        let list: Vec<_> = machines.iter().map(summary).collect();
        let mut members = Map::from_iter([("stateMachines".to_owned(), json!(list))]);
        if more {
            members.insert("nextToken".to_owned(), (skip + page.size).to_string().into());
        }
        answer(&members)
    }
}

impl Shared {
    /// A state machine by its ARN.
    pub(super) async fn machine(&self, arn: &str) -> Result<Arc<Machine>, AwsError> {
        let row = self.database.machine(arn).await?.ok_or_else(|| names::no_machine(arn))?;
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(machine) = compiled.get(arn).filter(|machine| machine.row == row) {
            return Ok(Arc::clone(machine));
        }
        let definition = Arc::new(compile(&row.text)?);
        let machine = Arc::new(Machine { row, definition });
        compiled.insert(arn.to_owned(), Arc::clone(&machine));
        Ok(machine)
    }
}

fn summary(machine: &MachineRow) -> Map<String, Value> {
    Map::from_iter([
        ("stateMachineArn".to_owned(), json!(machine.arn)),
        ("name".to_owned(), json!(machine.name)),
        ("type".to_owned(), json!("STANDARD")),
        ("creationDate".to_owned(), json!(place::seconds(machine.created))),
    ])
}

/// Refuses logging and tracing of executions, which the endpoint does not support. Switching them off is no change.
fn refuse_observation(logging: Option<&Value>, tracing: Option<&Value>) -> Result<(), AwsError> {
    let level = |logging: &Value| logging.get("level").and_then(Value::as_str).unwrap_or("OFF").to_owned();
    if logging.is_some_and(|logging| level(logging) != "OFF") {
        return Err(AwsError::not_implemented("loggingConfiguration with another level than OFF"));
    }
    if tracing.is_some_and(|tracing| tracing.get("enabled") == Some(&Value::Bool(true))) {
        return Err(AwsError::not_implemented("tracingConfiguration with enabled true"));
    }
    Ok(())
}

fn check_role(arn: &str) -> Result<(), AwsError> {
    if arn.starts_with("arn:") && arn.contains(":role/") {
        return Ok(());
    }
    Err(AwsError::client("InvalidArn", format!("Invalid Role Arn: '{arn}'")))
}

/// Compiles a definition, and refuses integrations that the interpreter supports but the endpoint does not.
pub(super) fn compile(text: &str) -> Result<Definition, AwsError> {
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
