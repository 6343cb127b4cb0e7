//! The scope of expressions: the input, the context object, variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::error::EvalError;
use crate::path::{Found, Path, Root};
use crate::payload::Payload;
use crate::random::Random;

/// Variables by name. Branches share the parent's variables until they assign.
pub(crate) type Variables = Arc<BTreeMap<Arc<str>, Payload>>;

/// The item a Map's iteration works on.
#[derive(Debug)]
pub(crate) struct MapItem {
    pub(crate) index: usize,
    pub(crate) value: Value,
}

/// The parts of the context object.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) execution: Arc<Value>,
    pub(crate) machine: Arc<Value>,
    pub(crate) state_name: Arc<str>,
    pub(crate) entered_time: String,
    /// Set in states that can be retried.
    pub(crate) retry_count: Option<u32>,
    pub(crate) map_item: Option<Arc<MapItem>>,
    pub(crate) token: Option<Arc<str>>,
}

impl Context {
    fn member(&self, name: &str) -> Option<Value> {
        match name {
            "Execution" => Some((*self.execution).clone()),
            "StateMachine" => Some((*self.machine).clone()),
            "State" => {
                let mut state = json!({"EnteredTime": self.entered_time, "Name": &*self.state_name});
                if let (Some(count), Some(state)) = (self.retry_count, state.as_object_mut()) {
                    state.insert("RetryCount".into(), count.into());
                }
                Some(state)
            }
            "Map" => self.map_item.as_ref().map(|m| json!({"Item": {"Index": m.index, "Value": m.value}})),
            "Task" => self.token.as_ref().map(|token| json!({"Token": &**token})),
            _ => None,
        }
    }

    fn whole(&self) -> Value {
        let members = ["Execution", "StateMachine", "State", "Map", "Task"];
        let object: Map<_, _> =
            members.iter().filter_map(|m| self.member(m).map(|v| ((*m).to_owned(), v))).collect();
        Value::Object(object)
    }

    fn find(&self, path: &Path) -> Option<Value> {
        // The large parts are used in place. The others are small enough to be built for each use.
        match path.first_child() {
            Some(("Execution", rest)) => rest.find_in(&self.execution),
            Some(("StateMachine", rest)) => rest.find_in(&self.machine),
            Some((name, rest)) => self.member(name).and_then(|value| rest.find_in(&value)),
            None => path.find(&self.whole()).into_value(),
        }
    }
}

/// Everything that an expression can refer to.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) input: Payload,
    pub(crate) context: Context,
    pub(crate) variables: Variables,
    pub(crate) random: &'a Random,
}

impl Scope<'_> {
    /// The same scope with another `$`.
    pub(crate) fn with_input(&self, input: Payload) -> Self {
        Self {
            input,
            context: self.context.clone(),
            variables: Arc::clone(&self.variables),
            random: self.random,
        }
    }

    /// Evaluates a path. `None` if it selects nothing.
    ///
    /// # Errors
    /// A variable that has no value.
    pub(crate) fn find(&self, path: &Path) -> Result<Option<Payload>, EvalError> {
        let document = match &path.root {
            Root::Context => return Ok(self.context.find(path).map(Payload::from)),
            Root::Input => &self.input,
            Root::Variable(name) => self.variables.get(name).ok_or_else(|| {
                EvalError::runtime(format!(
                    "The variable '${name}' is referenced but has no value in this scope."
                ))
            })?,
        };
        if path.steps.is_empty() {
            return Ok(Some(document.clone()));
        }
        Ok(match path.find(document) {
            Found::Missing => None,
            found => found.into_value().map(Payload::from),
        })
    }

    /// Evaluates the path of a field such as InputPath or SecondsPath.
    ///
    /// # Errors
    /// The path selects nothing.
    pub(crate) fn require(&self, path: &Path) -> Result<Payload, EvalError> {
        if let Some(found) = self.find(path)? {
            return Ok(found);
        }
        let document = match &path.root {
            Root::Context => None,
            Root::Input => Some(&self.input),
            Root::Variable(name) => self.variables.get(name),
        };
        let reason = match document.and_then(|document| path.missing_parent(document)) {
            Some(parent) => format!("Missing property in path {parent}"),
            None => format!("No results for path: {}", path.compiled()),
        };
        Err(EvalError::runtime(format!("Invalid path '{path}' : {reason}")))
    }
}
