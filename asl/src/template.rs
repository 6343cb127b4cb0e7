//! Payload templates: `Parameters`, `ResultSelector`, `ItemSelector`, `Assign`.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::EvalError;
use crate::intrinsic::Call;
use crate::path::Path;
use crate::payload::Payload;
use crate::scope::Scope;

/// A path or a call, the value of a field whose name ends in `.$`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    Path(Path),
    Call(Call),
}

impl Expression {
    /// Parses the text of a `.$` field.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('$') {
            Path::parse(text).map(Self::Path).map_err(|e| e.to_string())
        } else {
            Call::parse(text).map(Self::Call).map_err(|e| e.to_string())
        }
    }

    /// Evaluates for a field. The field's name is in the message if the path selects nothing.
    pub(crate) fn evaluate(&self, scope: &Scope<'_>, field: &str) -> Result<Payload, EvalError> {
        match self {
            Self::Call(call) => call.evaluate(scope).map(Payload::from),
            Self::Path(path) => match scope.find(path)? {
                Some(value) => Ok(value),
                // An index past the end of an array is null here, unlike in other places (measured on the service).
                None if Self::past_the_end(path, scope) => Ok(Value::Null.into()),
                None => Err(EvalError::runtime(format!(
                    "The JSONPath '{path}' specified for the field '{field}' could not be found in the input '{}'",
                    scope.input
                ))),
            },
        }
    }

    fn past_the_end(path: &Path, scope: &Scope<'_>) -> bool {
        let list = path.before_index().and_then(|list| scope.find(&list).ok().flatten());
        list.is_some_and(|list| list.is_array())
    }

    /// Every path in it.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Path(path) => vec![path],
            Self::Call(call) => call.paths(),
        }
    }
}

/// A payload template, with constant parts folded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Template {
    Constant(Payload),
    Object(Vec<(Member, Template)>),
    Array(Vec<Template>),
    Expression { field: Arc<str>, expression: Expression },
}

/// Name of a member, without the `.$`.
pub(crate) type Member = Arc<str>;

impl Template {
    /// Parses a template. `report` gets the pointer of each bad field and its message.
    pub(crate) fn parse(value: &Value, pointer: &str, report: &mut impl FnMut(String, String)) -> Self {
        match value {
            Value::Object(map) => {
                let members: Vec<(Member, Self)> = map
                    .iter()
                    .map(|(name, value)| {
                        let at = format!("{pointer}/{name}");
                        match name.strip_suffix(".$") {
                            None => (Arc::from(name.as_str()), Self::parse(value, &at, report)),
                            Some(plain) => (Arc::from(plain), Self::dynamic(name, value, at, report)),
                        }
                    })
                    .collect();
                if members.iter().all(|(_, t)| matches!(t, Self::Constant(_))) && !members.is_empty() {
                    return Self::Constant(value.clone().into());
                }
                Self::Object(members)
            }
            Value::Array(items) => {
                let items: Vec<Self> = items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| Self::parse(item, &format!("{pointer}[{i}]"), report))
                    .collect();
                if items.iter().all(|t| matches!(t, Self::Constant(_))) {
                    return Self::Constant(value.clone().into());
                }
                Self::Array(items)
            }
            other => Self::Constant(other.clone().into()),
        }
    }

    fn dynamic(name: &str, value: &Value, at: String, report: &mut impl FnMut(String, String)) -> Self {
        let parsed = match value {
            Value::String(text) => Expression::parse(text),
            _ => Err("must be a string".to_owned()),
        };
        match parsed {
            Ok(expression) => Self::Expression { field: Arc::from(name), expression },
            Err(message) => {
                report(at, format!("the value must be a JSONPath or an intrinsic function call: {message}"));
                // Never evaluated: a definition with problems is rejected.
                Self::Constant(Value::Null.into())
            }
        }
    }

    /// Evaluates against a scope.
    pub(crate) fn evaluate(&self, scope: &Scope<'_>) -> Result<Payload, EvalError> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Expression { field, expression } => expression.evaluate(scope, field),
            Self::Object(_) | Self::Array(_) => self.build(scope).map(Payload::from),
        }
    }

    fn build(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        match self {
            Self::Object(members) => {
                let mut map = Map::with_capacity(members.len());
                for (name, template) in members {
                    map.insert(name.to_string(), template.build(scope)?);
                }
                Ok(Value::Object(map))
            }
            Self::Array(items) => {
                items.iter().map(|t| t.build(scope)).collect::<Result<_, _>>().map(Value::Array)
            }
            other => other.evaluate(scope).map(Payload::into_value),
        }
    }

    /// Evaluates the members one by one (`Assign`).
    pub(crate) fn members(&self, scope: &Scope<'_>) -> Result<Vec<(Member, Payload)>, EvalError> {
        match self {
            Self::Object(members) => {
                members.iter().map(|(name, t)| Ok((Arc::clone(name), t.evaluate(scope)?))).collect()
            }
            Self::Constant(value) => Ok(value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| (Arc::from(name.as_str()), value.clone().into()))
                .collect()),
            Self::Array(_) | Self::Expression { .. } => Ok(Vec::new()),
        }
    }

    /// Every path in it.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Constant(_) => Vec::new(),
            Self::Object(members) => members.iter().flat_map(|(_, t)| t.paths()).collect(),
            Self::Array(items) => items.iter().flat_map(Self::paths).collect(),
            Self::Expression { expression, .. } => expression.paths(),
        }
    }
}
