//! Parses the state machine and its blocks of states.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::fields::{Fields, Findings};
use super::model::{Definition, State, StateId};
use super::problem::Problem;
use super::state;

/// The service's limit of a state's name, in characters.
const MAX_NAME: usize = 80;

impl Definition {
    /// Compiles and validates a definition.
    ///
    /// # Errors
    /// Every problem, each with its state and field.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        match serde_json::from_str(text) {
            Ok(value) => Self::from_value(&value),
            Err(error) => {
                let message = format!("is not valid JSON: {error}");
                Err(vec![Problem { state: None, field: String::new(), message }])
            }
        }
    }

    /// As `parse`, from parsed JSON.
    ///
    /// # Errors
    /// As `parse`.
    pub fn from_value(value: &Value) -> Result<Self, Vec<Problem>> {
        let findings = RefCell::new(Findings::default());
        let mut compiler = Compiler::default();
        let machine = Fields::new(value, None, "", &findings).and_then(|fields| {
            if let Some(version) = fields.text("Version")
                && version != "1.0"
            {
                fields.report("Version", "must be \"1.0\"");
            }
            let timeout = fields.integer("TimeoutSeconds", 1, 99_999_999);
            let comment = fields.text("Comment").map(str::to_owned);
            fields.query_language();
            let start = compiler.block(&fields);
            fields.finish();
            start.map(|start| (start, timeout, comment))
        });
        let mut findings = findings.into_inner();
        let unknown = findings.used.drain(..).filter(|(name, _)| !findings.assigned.contains(name));
        let unknown: Vec<Problem> = unknown.map(|(_, problem)| problem).collect();
        findings.problems.extend(unknown);
        // A state that could not be compiled was reported.
        let states: Option<Vec<State>> = compiler.states.into_iter().collect();
        match (machine, states) {
            (Some((start, timeout_seconds, comment)), Some(states)) if findings.problems.is_empty() => {
                Ok(Self { start, states, timeout_seconds, comment })
            }
            _ => Err(findings.problems),
        }
    }
}

/// The list of states during compilation. An index is reserved before its state is compiled.
#[derive(Default)]
pub(super) struct Compiler {
    states: Vec<Option<State>>,
    names: BTreeSet<Arc<str>>,
}

/// One `States` object, in which `Next` may lead.
pub(super) struct Block<'a> {
    pub(super) compiler: &'a mut Compiler,
    names: BTreeMap<&'a str, StateId>,
    reached: BTreeSet<&'a str>,
}

impl Compiler {
    /// Compiles `StartAt` and `States` of a machine, branch or item processor.
    pub(super) fn block(&mut self, fields: &Fields<'_>) -> Option<StateId> {
        let start_name = fields.required("StartAt").and_then(|_| fields.text("StartAt"));
        let states = fields.inner(fields.required("States")?, "States")?;
        let all = fields.get("States").and_then(Value::as_object)?;
        if all.is_empty() {
            fields.report("States", "must have at least one state");
            return None;
        }
        let mut names = BTreeMap::new();
        for name in states.names() {
            names.insert(name.as_str(), StateId(self.states.len()));
            self.states.push(None);
            let count = name.chars().count();
            if count == 0 || count > MAX_NAME {
                fields.report(
                    &format!("States/{name}"),
                    format!("the name of a state must have 1 to {MAX_NAME} characters"),
                );
            }
            if !self.names.insert(Arc::from(name.as_str())) {
                fields.report(&format!("States/{name}"), "another state has the same name");
            }
        }
        let mut block = Block { compiler: self, names, reached: BTreeSet::new() };
        let start = start_name.and_then(|name| block.resolve(fields, "StartAt", name));
        for (name, value) in all {
            let name: Arc<str> = Arc::from(name.as_str());
            let compiled = Fields::new(value, Some(Arc::clone(&name)), "", fields.findings())
                .and_then(|f| state::compile(&f, Arc::clone(&name), &mut block));
            if let Some(StateId(place)) = block.names.get(&*name).copied()
                && let Some(slot) = block.compiler.states.get_mut(place)
            {
                *slot = compiled;
            }
        }
        let terminal = |value: &Value| {
            value.get("End") == Some(&Value::Bool(true))
                || matches!(value.get("Type").and_then(Value::as_str), Some("Succeed" | "Fail"))
        };
        if !all.values().any(terminal) {
            fields.report("States", "must contain a state with End, or a Succeed or Fail state");
        }
        for name in states.names().filter(|name| !block.reached.contains(name.as_str())) {
            let problem = Problem {
                state: Some(name.clone()),
                field: String::new(),
                message: "no StartAt, Next, Default or Catch leads to this state".to_owned(),
            };
            fields.findings().borrow_mut().problems.push(problem);
        }
        start
    }
}

impl Block<'_> {
    /// A field that names a state of this block.
    pub(super) fn target(
        &mut self,
        fields: &Fields<'_>,
        field: &'static str,
        required: bool,
    ) -> Option<StateId> {
        if required {
            fields.required(field)?;
        }
        let name = fields.text(field)?;
        self.resolve(fields, field, name)
    }

    fn resolve(&mut self, fields: &Fields<'_>, field: &'static str, name: &str) -> Option<StateId> {
        match self.names.get_key_value(name) {
            Some((name, id)) => {
                self.reached.insert(name);
                Some(*id)
            }
            None => {
                fields.report(field, format!("the state \"{name}\" does not exist in this block"));
                None
            }
        }
    }
}
