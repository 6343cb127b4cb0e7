//! Reads the fields of one object, and reports fields that are missing, wrong or unknown.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::model::{DataPath, IntegerSource, ResultPath};
use super::names::{NO_DISTRIBUTED, NO_JSONATA, distributed_only, jsonata_only};
use super::problem::Problem;
use crate::path::{Path, ReferencePath, Root};
use crate::template::Template;

/// Results that are collected while a definition is read.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    /// Variables that some state assigns.
    pub(super) assigned: BTreeSet<Arc<str>>,
    /// Variables that are used, with their locations.
    pub(super) used: Vec<(Arc<str>, Problem)>,
}

/// One object of the definition, with its location.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    state: Option<Arc<str>>,
    pointer: String,
    known: RefCell<BTreeSet<&'static str>>,
    findings: &'a RefCell<Findings>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        value: &'a Value,
        state: Option<Arc<str>>,
        pointer: &str,
        findings: &'a RefCell<Findings>,
    ) -> Option<Self> {
        let pointer = pointer.to_owned();
        match value {
            Value::Object(map) => Some(Self { map, state, pointer, known: RefCell::default(), findings }),
            _ => {
                let problem = Problem {
                    state: state.map(|s| s.to_string()),
                    field: pointer,
                    message: "must be an object".to_owned(),
                };
                findings.borrow_mut().problems.push(problem);
                None
            }
        }
    }

    /// An object inside this one.
    pub(super) fn inner(&self, value: &'a Value, field: &str) -> Option<Self> {
        Self::new(value, self.state.clone(), &self.at(field), self.findings)
    }

    pub(super) fn findings(&self) -> &'a RefCell<Findings> {
        self.findings
    }

    pub(super) fn at(&self, field: &str) -> String {
        match (self.pointer.as_str(), field) {
            ("", field) => field.to_owned(),
            (pointer, "") => pointer.to_owned(),
            (pointer, field) => format!("{pointer}/{field}"),
        }
    }

    fn problem(&self, field: &str, message: impl Into<String>) -> Problem {
        Problem {
            state: self.state.as_ref().map(ToString::to_string),
            field: self.at(field),
            message: message.into(),
        }
    }

    pub(super) fn report(&self, field: &str, message: impl Into<String>) {
        let problem = self.problem(field, message);
        self.findings.borrow_mut().problems.push(problem);
    }

    /// A field's value. Marks the field as known.
    pub(super) fn get(&self, field: &'static str) -> Option<&'a Value> {
        self.known.borrow_mut().insert(field);
        self.map.get(field)
    }

    /// Reports every unknown field.
    pub(super) fn finish(&self) {
        for field in self.map.keys() {
            if self.known.borrow().contains(field.as_str()) {
                continue;
            }
            let message = if jsonata_only(field) {
                NO_JSONATA
            } else if distributed_only(field) {
                NO_DISTRIBUTED
            } else {
                "is not a supported field"
            };
            self.report(field, message);
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a String> {
        self.map.keys()
    }

    pub(super) fn required(&self, field: &'static str) -> Option<&'a Value> {
        let value = self.get(field);
        if value.is_none() {
            self.report(field, "is required");
        }
        value
    }

    pub(super) fn text(&self, field: &'static str) -> Option<&'a str> {
        match self.get(field)? {
            Value::String(text) => Some(text),
            _ => {
                self.report(field, "must be a string");
                None
            }
        }
    }

    pub(super) fn boolean(&self, field: &'static str) -> Option<bool> {
        match self.get(field)? {
            Value::Bool(value) => Some(*value),
            _ => {
                self.report(field, "must be true or false");
                None
            }
        }
    }

    pub(super) fn list(&self, field: &'static str) -> Option<&'a Vec<Value>> {
        match self.get(field)? {
            Value::Array(items) => Some(items),
            _ => {
                self.report(field, "must be an array");
                None
            }
        }
    }

    /// An integer between bounds, both included.
    pub(super) fn integer(&self, field: &'static str, least: i64, most: i64) -> Option<i64> {
        let value = self.get(field)?;
        match crate::value::as_integer(value) {
            Some(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                self.report(field, format!("must be an integer from {least} to {most}"));
                None
            }
        }
    }

    pub(super) fn number(&self, field: &'static str, least: f64, most: f64) -> Option<f64> {
        match self.get(field)?.as_f64() {
            Some(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                self.report(field, format!("must be a number from {least} to {most}"));
                None
            }
        }
    }

    /// A path. Its variables are recorded as used.
    pub(super) fn path(&self, field: &'static str) -> Option<Path> {
        let text = self.text(field)?;
        match Path::parse(text) {
            Ok(path) => {
                self.uses(field, [&path]);
                Some(path)
            }
            Err(error) => {
                self.report(field, format!("\"{text}\" is not a JSONPath: {error}"));
                None
            }
        }
    }

    pub(super) fn uses<'p>(&self, field: &str, paths: impl IntoIterator<Item = &'p Path>) {
        for path in paths {
            if let Root::Variable(name) = &path.root {
                let problem = self.problem(field, format!("no state assigns the variable ${name}"));
                self.findings.borrow_mut().used.push((Arc::clone(name), problem));
            }
        }
    }

    pub(super) fn data_path(&self, field: &'static str) -> DataPath {
        match self.get(field) {
            None => DataPath::All,
            Some(Value::Null) => DataPath::Nothing,
            Some(_) => self.path(field).map_or(DataPath::All, DataPath::Path),
        }
    }

    pub(super) fn result_path(&self) -> Option<ResultPath> {
        match self.get("ResultPath")? {
            Value::Null => Some(ResultPath::Discard),
            Value::String(text) => match ReferencePath::parse(text) {
                Ok(path) => Some(ResultPath::Put(path)),
                Err(message) => {
                    self.report("ResultPath", message);
                    None
                }
            },
            _ => {
                self.report("ResultPath", "must be a reference path or null");
                None
            }
        }
    }

    /// A payload template.
    pub(super) fn template(&self, field: &'static str) -> Option<Template> {
        let value = self.get(field)?;
        let template = Template::parse(value, field, &mut |at, message| self.report(&at, message));
        self.uses(field, template.paths());
        Some(template)
    }

    /// `Assign`, an object of variables.
    pub(super) fn assign(&self) -> Option<Template> {
        let Value::Object(map) = self.get("Assign")? else {
            self.report("Assign", "must be an object");
            return None;
        };
        for name in map.keys() {
            let plain = name.strip_suffix(".$").unwrap_or(name);
            let mut chars = plain.chars();
            let good = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
                && chars.all(|c| c.is_alphanumeric() || c == '_')
                && plain.chars().count() <= 80
                && plain != "states";
            if good {
                self.findings.borrow_mut().assigned.insert(Arc::from(plain));
            } else {
                self.report(&format!("Assign/{name}"), "is not a name for a variable");
            }
        }
        self.template("Assign")
    }

    /// A field and its `…Path` alternative. At most one of them may be present.
    pub(super) fn integer_or_path(
        &self,
        field: &'static str,
        path_field: &'static str,
        least: i64,
        most: i64,
    ) -> Option<IntegerSource> {
        let constant = self.integer(field, least, most).map(IntegerSource::Constant);
        let path = self.path(path_field).map(IntegerSource::Path);
        if self.get(field).is_some() && self.get(path_field).is_some() {
            self.report(path_field, format!("must not be used with {field}"));
        }
        constant.or(path)
    }

    pub(super) fn query_language(&self) {
        match self.text("QueryLanguage") {
            None | Some("JSONPath") => {}
            Some("JSONata") => self.report("QueryLanguage", NO_JSONATA),
            Some(other) => self.report("QueryLanguage", format!("\"{other}\" is not a query language")),
        }
    }
}
