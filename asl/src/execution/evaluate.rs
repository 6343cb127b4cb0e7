//! Decides what a state does, without changing the execution.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::api::TaskToken;
use super::state::{Branch, BranchId, Execution};
use super::task::new_token;
use super::timers::after_seconds;
use crate::definition::{
    DataPath, IntegerSource, Kind, MapState, Next, ResultPath, State, StateId, TextSource, WaitUntil,
    timestamp,
};
use crate::error::{EvalError, names};
use crate::path::Path;
use crate::payload::Payload;
use crate::resource::Pattern;
use crate::scope::{MapItem, Scope};
use crate::template::Template;
use crate::value::as_integer;

/// Variables with their new values.
pub(super) type Assigned = Vec<(Arc<str>, Payload)>;

/// The result of a state.
#[derive(Debug)]
pub(super) struct Exit {
    pub(super) output: Payload,
    pub(super) assigned: Assigned,
    pub(super) next: Next,
}

/// The action for a state that was entered or is retried.
#[derive(Debug)]
pub(super) enum Action {
    Exit(Exit),
    Wait(Timestamp),
    Task(Request),
    Parallel(Payload),
    Map(MapStart),
    Fail { error: Option<Arc<str>>, cause: Option<Arc<str>> },
}

/// A try of a Task state.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) parameters: Payload,
    pub(super) token: Option<TaskToken>,
    pub(super) timeout_seconds: Option<i64>,
    pub(super) heartbeat_seconds: Option<i64>,
}

/// A Map that is about to start.
#[derive(Debug)]
pub(super) struct MapStart {
    pub(super) items: Payload,
    pub(super) input: Payload,
    pub(super) max_concurrency: i64,
}

impl Execution {
    /// The first action of the branch's state.
    pub(super) fn action(&self, branch: &Branch, state: &State) -> Result<Action, EvalError> {
        let mut raw = self.scope(branch);
        let input = data(&state.input_path, &raw)?;
        let scope = raw.with_input(input.clone());
        Ok(match &state.kind {
            Kind::Pass { result } => {
                let result = match (result, &state.parameters) {
                    (Some(result), _) => result.clone(),
                    (None, Some(parameters)) => parameters.evaluate(&scope)?,
                    (None, None) => input,
                };
                Action::Exit(leave(state, &raw, result)?)
            }
            Kind::Task { resource, timeout, heartbeat } => {
                let timeout_seconds = seconds(timeout.as_ref(), "TimeoutSecondsPath", &scope)?;
                let heartbeat_seconds = seconds(heartbeat.as_ref(), "HeartbeatSecondsPath", &scope)?;
                let token = (resource.pattern == Pattern::WaitForTaskToken).then(|| new_token(&self.random));
                raw.input = input.clone();
                raw.context.token = token.as_ref().map(|token| Arc::clone(&token.0));
                let parameters = match &state.parameters {
                    Some(parameters) => parameters.evaluate(&raw)?,
                    None => input,
                };
                Action::Task(Request { parameters, token, timeout_seconds, heartbeat_seconds })
            }
            Kind::Choice { rules, default } => {
                let mut chosen = default.map(|next| (next, state.assign.as_ref()));
                for rule in rules {
                    if rule.rule.holds(&scope)? {
                        chosen = Some((rule.next, rule.assign.as_ref()));
                        break;
                    }
                }
                let Some((next, assign)) = chosen else {
                    return Err(EvalError::runtime(
                        "Failed to transition out of the state. The state does not point to a next state.",
                    ));
                };
                let assigned = assigned(assign, &scope)?;
                Action::Exit(Exit {
                    output: data(&state.output_path, &scope)?,
                    assigned,
                    next: Next::To(next),
                })
            }
            Kind::Wait(until) => Action::Wait(self.wait_until(until, &scope)?),
            Kind::Succeed => Action::Exit(Exit {
                output: data(&state.output_path, &scope)?,
                assigned: Vec::new(),
                next: Next::End,
            }),
            Kind::Fail { error, cause } => Action::Fail {
                error: text(error.as_ref(), "ErrorPath", &scope)?,
                cause: text(cause.as_ref(), "CausePath", &scope)?,
            },
            Kind::Parallel { .. } => Action::Parallel(match &state.parameters {
                Some(parameters) => parameters.evaluate(&scope)?,
                None => input,
            }),
            Kind::Map(map) => Action::Map(map_start(map, &scope)?),
        })
    }

    /// The result of the state after its work has a result.
    pub(super) fn result(&self, branch: &Branch, state: &State, result: Payload) -> Result<Exit, EvalError> {
        leave(state, &self.scope(branch), result)
    }

    /// The result of a Wait state.
    pub(super) fn woken(&self, branch: &Branch, state: &State) -> Result<Exit, EvalError> {
        let raw = self.scope(branch);
        let scope = raw.with_input(data(&state.input_path, &raw)?);
        let assigned = assigned(state.assign.as_ref(), &scope)?;
        Ok(Exit { output: data(&state.output_path, &scope)?, assigned, next: state.next })
    }

    /// The input of one iteration.
    pub(super) fn item_input(
        &self,
        id: BranchId,
        map_input: &Payload,
        item: &Arc<MapItem>,
    ) -> Result<Payload, EvalError> {
        let Some(branch) = self.branches.get(&id) else {
            return Ok(Value::Null.into());
        };
        match &self.state_of(branch.state).parameters {
            None => Ok(item.value.clone().into()),
            Some(selector) => {
                let mut scope = self.scope(branch).with_input(map_input.clone());
                scope.context.map_item = Some(Arc::clone(item));
                selector.evaluate(&scope)
            }
        }
    }

    fn wait_until(&self, until: &WaitUntil, scope: &Scope<'_>) -> Result<Timestamp, EvalError> {
        Ok(match until {
            WaitUntil::Seconds(seconds) => after_seconds(self.now, *seconds),
            WaitUntil::SecondsPath(path) => after_seconds(self.now, long(path, "SecondsPath", scope)?),
            WaitUntil::Timestamp(timestamp) => *timestamp,
            WaitUntil::TimestampPath(path) => {
                let value = scope.require(path)?;
                value.as_str().and_then(timestamp).ok_or_else(|| {
                    EvalError::runtime(format!(
                        "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time \
                         format string: {path} == {}",
                        plain(&value)
                    ))
                })?
            }
        })
    }
}

/// InputPath or OutputPath.
fn data(path: &DataPath, scope: &Scope<'_>) -> Result<Payload, EvalError> {
    match path {
        DataPath::All => Ok(scope.input.clone()),
        DataPath::Nothing => Ok(Value::Object(Map::new()).into()),
        DataPath::Path(path) => scope.require(path),
    }
}

/// ResultSelector, Assign, ResultPath and OutputPath, in this order. All use the variables as they were before.
fn leave(state: &State, raw: &Scope<'_>, result: Payload) -> Result<Exit, EvalError> {
    let result = match &state.result_selector {
        Some(selector) => selector.evaluate(&raw.with_input(result))?,
        None => result,
    };
    let assigned = match &state.assign {
        None => Vec::new(),
        Some(_) => assigned(state.assign.as_ref(), &raw.with_input(result.clone()))?,
    };
    let combined = put(&state.result_path, &raw.input, result)?;
    let output = data(&state.output_path, &raw.with_input(combined))?;
    Ok(Exit { output, assigned, next: state.next })
}

pub(super) fn assigned(assign: Option<&Template>, scope: &Scope<'_>) -> Result<Assigned, EvalError> {
    assign.map_or_else(|| Ok(Vec::new()), |template| template.members(scope))
}

/// ResultPath.
pub(super) fn put(path: &ResultPath, raw: &Payload, result: Payload) -> Result<Payload, EvalError> {
    match path {
        ResultPath::Discard => Ok(raw.clone()),
        ResultPath::Put(path) if path.is_root() => Ok(result),
        ResultPath::Put(path) => {
            let mut combined = (**raw).clone();
            match path.put(&mut combined, result.into_value()) {
                Ok(()) => Ok(combined.into()),
                Err(cause) => Err(EvalError { error: names::RESULT_PATH, cause }),
            }
        }
    }
}

fn map_start(map: &MapState, scope: &Scope<'_>) -> Result<MapStart, EvalError> {
    let items = match &map.items {
        None => scope.input.clone(),
        Some(path) => scope.require(path)?,
    };
    if !items.is_array() {
        let path = map.items.as_ref().map_or("$", |path| &*path.text);
        return Err(EvalError::runtime(format!("Reference path \"{path}\" must point to array.")));
    }
    let max_concurrency = match &map.max_concurrency {
        IntegerSource::Constant(number) => *number,
        IntegerSource::Path(path) => integer(path, "MaxConcurrencyPath", scope)?,
    };
    Ok(MapStart { items, input: scope.input.clone(), max_concurrency })
}

fn integer(path: &Path, field: &str, scope: &Scope<'_>) -> Result<i64, EvalError> {
    let value = scope.require(path)?;
    // A string of digits is an integer here (recorded behaviour).
    let number = as_integer(&value).or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    number.filter(|n| *n >= 0).ok_or_else(|| {
        EvalError::runtime(format!(
            "The {field} field refers to value \"{}\" which is not a valid integer: {path}",
            plain(&value)
        ))
    })
}

fn seconds(source: Option<&IntegerSource>, field: &str, scope: &Scope<'_>) -> Result<Option<i64>, EvalError> {
    Ok(match source {
        None => None,
        Some(IntegerSource::Constant(seconds)) => Some(*seconds),
        Some(IntegerSource::Path(path)) => {
            let seconds = long(path, field, scope)?;
            if seconds == 0 {
                return Err(EvalError::runtime(format!(
                    "The {field} parameter references a value of zero: {path}"
                )));
            }
            Some(seconds)
        }
    })
}

/// A non-negative whole number of seconds.
fn long(path: &Path, field: &str, scope: &Scope<'_>) -> Result<i64, EvalError> {
    let value = scope.require(path)?;
    let number = value.as_i64().ok_or_else(|| {
        EvalError::runtime(format!(
            "The {field} parameter cannot be parsed as a long value: {path} == {}",
            plain(&value)
        ))
    })?;
    if number < 0 {
        return Err(EvalError::runtime(format!(
            "The {field} parameter references a negative value: {path} == {number}"
        )));
    }
    Ok(number)
}

fn text(source: Option<&TextSource>, field: &str, scope: &Scope<'_>) -> Result<Option<Arc<str>>, EvalError> {
    let value = match source {
        None => return Ok(None),
        Some(TextSource::Constant(text)) => return Ok(Some(Arc::clone(text))),
        Some(TextSource::Call(call)) => Payload::from(call.evaluate(scope)?),
        Some(TextSource::Path(path)) => scope.find(path)?.ok_or_else(|| {
            EvalError::runtime(format!(
                "The JSONPath '{path}' specified for the field '{field}' could not be found in the input '{}'",
                scope.input
            ))
        })?,
    };
    match &*value {
        Value::String(text) => Ok(Some(Arc::from(text.as_str()))),
        other => {
            Err(EvalError::runtime(format!("The {field} parameter does not reference a string: {other}")))
        }
    }
}

/// A value in a message. Strings have no quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Start of an item processor, for the caller of `Action::Map`.
pub(super) fn processor(state: &State) -> Option<StateId> {
    match &state.kind {
        Kind::Map(map) => Some(map.start),
        _ => None,
    }
}
